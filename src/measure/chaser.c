#include "chaser.h"

#include <math.h>

#include "clock.h"
#include "tokenroof/err.h"

/* Between two looks at the stop flag: at most some 10 ms where a load takes 300 ns and more. */
enum { PIECE_LOADS = 32768, PIECE_LINES = 65536, PIECE_BYTES = 16 << 20 };
static const uint64_t seed = 0x746f6b656e726f6fu;

int tr_chaser_map(size_t bytes, enum tr_pages pages, int node, const volatile sig_atomic_t *stop,
                  struct tr_chaser *ret_chaser, struct tr_err *reterr) {
    struct tr_chaser chaser = {.stop = stop, .huge_fraction = NAN, .node_fraction = NAN};
    bool bound = false;
    int code = tr_buffer_map(bytes, pages, node, &chaser.buffer, &bound, reterr);
    if (code)
        return code;
    chaser.bound_refused = node >= 0 && !bound;
    /* Every page gets data of its own: links are written later, not everywhere. */
    for (size_t i = 0; i < bytes / 8; i += TR_LINE_BYTES / 8) {
        ((uint64_t *)(void *)chaser.buffer.base)[i] = tr_data_word(seed, i);
        if (i % (PIECE_BYTES / 8) == 0 && *stop) {
            tr_buffer_unmap(&chaser.buffer);
            return TR_ESTOPPED;
        }
    }
    chaser.huge_fraction = tr_buffer_huge_fraction(&chaser.buffer);
    chaser.node_fraction = tr_buffer_node_fraction(&chaser.buffer, node);
    *ret_chaser = chaser;
    return 0;
}

void tr_chaser_unmap(struct tr_chaser *chaser) {
    tr_buffer_unmap(&chaser->buffer);
}

static int link_lines(struct tr_chaser *chaser, size_t bytes, bool one_line_a_page) {
    struct tr_chase chase = {
        .base = chaser->buffer.base,
        .stride_bytes = one_line_a_page ? TR_CHASE_PAGE_BYTES : TR_LINE_BYTES,
        .seed = seed,
    };
    chase.n_lines = bytes / chase.stride_bytes;
    if (chase.n_lines == chaser->chase.n_lines && chase.stride_bytes == chaser->chase.stride_bytes)
        return 0;
    chaser->chase.n_lines = 0;
    for (size_t first = 0; first < chase.n_lines; first += PIECE_LINES) {
        size_t rest = chase.n_lines - first;
        tr_chase_link(&chase, first, rest < PIECE_LINES ? rest : PIECE_LINES);
        if (*chaser->stop)
            return TR_ESTOPPED;
    }
    chaser->chase = chase;
    return 0;
}

int tr_chaser_prepare(struct tr_chaser *chaser, const struct tr_kernel *kernel, size_t bytes,
                      bool one_line_a_page, double warm_ns) {
    int code = link_lines(chaser, bytes, one_line_a_page);
    size_t chains = (size_t)kernel->streams, lines = chaser->chase.n_lines, seen = 0;
    double begun = tr_now_ns(), last = begun, now = begun;
    chaser->kernel = kernel;
    chaser->walked = 0;
    for (size_t i = 0; !code && i < chains; i++) {
        chaser->starts[i] = lines / chains * i;
        chaser->positions[i] = tr_chase_address(&chaser->chase, chaser->starts[i]);
    }
    /* Two pieces at least: the last one tells the speed, after the first has warmed up. */
    for (int pieces = 0; !code && (pieces < 2 || (seen < lines && now - begun < warm_ns));
         pieces++) {
        last = now;
        code = tr_chaser_walk(chaser, PIECE_LOADS / chains);
        seen += PIECE_LOADS;
        now = tr_now_ns();
    }
    chaser->ns_a_load = (now - last) / PIECE_LOADS;
    return code;
}

int tr_chaser_walk(struct tr_chaser *chaser, size_t loads) {
    struct tr_kargs args = {.a = chaser->positions};
    const size_t piece = PIECE_LOADS / (size_t)chaser->kernel->streams;
    for (size_t done = 0; done < loads; done += args.n) {
        args.n = loads - done < piece ? loads - done : piece;
        chaser->kernel->function(&args);
        chaser->walked += args.n;
        if (*chaser->stop)
            return TR_ESTOPPED;
    }
    return 0;
}

bool tr_chaser_is_right(const struct tr_chaser *chaser) {
    for (size_t i = 0; i < (size_t)chaser->kernel->streams; i++)
        if (chaser->positions[i] !=
            tr_chase_address(&chaser->chase, chaser->starts[i] + chaser->walked))
            return false;
    return true;
}

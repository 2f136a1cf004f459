/* A thread's memory: walked through piece by piece, each verified and then written anew. */
#include <stdlib.h>

#include "pattern.h"
#include "worker.h"

struct place {
    struct tr_soak_part *part;
    size_t offset, bytes;
};

static size_t pieces_of(const struct tr_soak_part *part) {
    return (part->bytes + TR_SOAK_PIECE_BYTES - 1) / TR_SOAK_PIECE_BYTES;
}

static size_t all_pieces(const struct tr_soak_worker *worker) {
    size_t n = 0;
    for (size_t i = 0; i < worker->n_parts; i++)
        n += pieces_of(&worker->parts[i]);
    return n;
}

/* `number` below all_pieces(). */
static struct place place_of(const struct tr_soak_worker *worker, size_t number) {
    struct tr_soak_part *part = worker->parts;
    while (number >= pieces_of(part))
        number -= pieces_of(part++);
    size_t offset = number * TR_SOAK_PIECE_BYTES, rest = part->bytes - offset;
    return (struct place){part, offset, rest < TR_SOAK_PIECE_BYTES ? rest : TR_SOAK_PIECE_BYTES};
}

static void count(atomic_ullong *counter, size_t n) {
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* --- a word that is wrong -------------------------------------------------------------------- */

/* Looks at it again past the caches, and once more after it was written; leaves it right. */
static enum tr_soak_fault look_again(uint64_t *memory, uint64_t expected) {
    volatile uint64_t *word = memory;
    tr_pattern_flush(memory);
    bool still_wrong = *word != expected;
    *word = expected;
    tr_pattern_flush(memory);
    if (*word != expected)
        return TR_SOAK_FAULT_STUCK;
    return still_wrong ? TR_SOAK_FAULT_STORED : TR_SOAK_FAULT_READ;
}

static void note_differences(struct tr_soak_worker *worker, const struct tr_soak_pattern *pattern,
                             const struct tr_pattern *words, uint64_t *memory,
                             const struct tr_kargs *args) {
    struct tr_soak_run *run = worker->run;
    for (size_t i = 0; i < args->block; i++) {
        uint64_t *word = memory + args->done + i;
        if (!args->differences[i])
            continue;
        uint64_t expected = tr_pattern_word(pattern->kind, words, args->first + args->done + i);
        if (!tr_soak_faults_has_room(&run->faults)) {
            count(&run->faults.memory, 1);
            *word = expected;
            continue;
        }
        struct tr_soak_mismatch mismatch = {
            .memory = true,
            .fault = look_again(word, expected),
            .t_s = tr_soak_time_s(run),
            .cpu = worker->cpu,
            .node = tr_node_of_address(word),
            .address = (uint64_t)(uintptr_t)word,
            .physical = tr_physical_address(word),
            .expected = expected,
            .found = expected ^ args->differences[i],
            .what = pattern->name,
            .pass = worker->walk,
        };
        tr_soak_faults_add(&run->faults, &mismatch);
    }
}

/* --- a piece --------------------------------------------------------------------------------- */

static void verify(struct tr_soak_worker *worker, const struct place *place,
                   const struct tr_soak_pattern *pattern) {
    const struct tr_kernel *kernel = worker->run->kernels.verify[pattern->kind];
    unsigned char *base = place->part->buffer.base + place->offset;
    uint64_t differences[TR_PATTERN_BLOCK_WORDS];
    for (size_t at = 0, bytes; at < place->bytes; at += bytes) {
        struct tr_pattern words;
        tr_soak_pattern_at(pattern, place->offset + at, (uint64_t)(uintptr_t)(base + at), &words,
                           &bytes);
        if (bytes > place->bytes - at)
            bytes = place->bytes - at;
        uint64_t *memory = (uint64_t *)(void *)(base + at);
        struct tr_kargs args = {
            .n = bytes / 8, .pattern = &words, .differences = differences, .b = memory};
        for (;;) {
            kernel->function(&args);
            if (!args.block)
                break;
            note_differences(worker, pattern, &words, memory, &args);
            size_t over = args.done + args.block;
            memory += over;
            args.b = memory;
            args.first += over;
            args.n -= over;
        }
    }
    count(&worker->verified_bytes, place->bytes);
    count(&worker->moved_bytes, place->bytes);
}

static void put(struct tr_soak_worker *worker, const struct place *place,
                const struct tr_soak_pattern *pattern) {
    const struct tr_kernel *kernel = worker->run->kernels.put[pattern->kind];
    unsigned char *base = place->part->buffer.base + place->offset;
    for (size_t at = 0, bytes; at < place->bytes; at += bytes) {
        struct tr_pattern words;
        tr_soak_pattern_at(pattern, place->offset + at, (uint64_t)(uintptr_t)(base + at), &words,
                           &bytes);
        if (bytes > place->bytes - at)
            bytes = place->bytes - at;
        struct tr_kargs args = {.a = base + at, .n = bytes / 8, .pattern = &words};
        kernel->function(&args);
    }
    count(&worker->moved_bytes, place->bytes);
}

/* --- walks ----------------------------------------------------------------------------------- */

static void take_patterns(struct tr_soak_worker *worker) {
    tr_soak_pattern(worker->walk, &worker->now);
    tr_soak_pattern(worker->walk + 1, &worker->next);
    worker->passed = 0;
}

int tr_soak_worker_map(struct tr_soak_worker *worker, struct tr_err *reterr) {
    const struct tr_soak_plan *plan = worker->run->plan;
    bool bound, several = plan->n_nodes > 1;
    worker->parts = calloc(plan->n_nodes + 1, sizeof(*worker->parts));
    if (!worker->parts)
        return TR_ENOMEM;
    for (size_t i = 0; i < plan->n_slices; i++) {
        const struct tr_soak_slice *slice = &plan->slices[i];
        struct tr_soak_part *part = &worker->parts[worker->n_parts];
        if (slice->thread != worker->thread)
            continue;
        int code = tr_buffer_map((size_t)slice->bytes, TR_PAGES_THP, several ? slice->node : -1,
                                 &part->buffer, &bound, reterr);
        if (code)
            return code;
        part->bytes = (size_t)slice->bytes;
        part->node = slice->node;
        worker->n_parts++;
    }
    take_patterns(worker);
    return 0;
}

void tr_soak_worker_unmap(struct tr_soak_worker *worker) {
    for (size_t i = 0; i < worker->n_parts; i++)
        tr_buffer_unmap(&worker->parts[i].buffer);
    free(worker->parts);
    worker->parts = NULL;
    worker->n_parts = 0;
}

bool tr_soak_worker_has_memory(const struct tr_soak_worker *worker) {
    return all_pieces(worker) > 0;
}

void tr_soak_worker_fill(struct tr_soak_worker *worker) {
    const struct tr_soak_run *run = worker->run;
    size_t n = all_pieces(worker);
    for (size_t i = 0; i < n && !tr_soak_must_end(run); i++) {
        struct place place = place_of(worker, i);
        if (atomic_load(&run->squeezed)) { /* what is not written yet stays untouched */
            for (; place.part < worker->parts + worker->n_parts; place.part++) {
                place.part->bytes = place.offset;
                place.offset = 0;
            }
            break;
        }
        put(worker, &place, &worker->now);
    }
    worker->squeezed = atomic_load(&run->squeezed);
}

/* An eighth of this thread's. */
static void give_eighth_back(struct tr_soak_worker *worker) {
    worker->squeezed++;
    for (size_t i = 0; i < worker->n_parts; i++) {
        struct tr_soak_part *part = &worker->parts[i];
        part->bytes = part->bytes / 8 * 7 / TR_SOAK_PIECE_BYTES * TR_SOAK_PIECE_BYTES;
        tr_buffer_release_after(&part->buffer, part->bytes);
        /* What a first walk has passed would be counted twice: it begins anew, below. */
        atomic_store(&part->tested_bytes, atomic_load(&worker->walks) ? part->bytes : 0);
    }
    /* The order of the pieces has changed: all begins anew. */
    worker->fresh = true;
    take_patterns(worker);
}

void tr_soak_worker_give_back(struct tr_soak_worker *worker) {
    while (worker->squeezed < atomic_load_explicit(&worker->run->squeezed, memory_order_relaxed))
        give_eighth_back(worker);
}

static void end_walk(struct tr_soak_worker *worker) {
    worker->walk++;
    if (!worker->fresh)
        count(&worker->walks, 1);
    worker->fresh = false;
    take_patterns(worker);
}

void tr_soak_worker_memory(struct tr_soak_worker *worker) {
    size_t n = all_pieces(worker);
    if (!n)
        return;
    /* Up, then down: each line gets a new neighbour before and after it was written. */
    struct place place =
        place_of(worker, worker->walk % 2 ? n - 1 - worker->passed : worker->passed);
    if (!worker->fresh) {
        verify(worker, &place, &worker->now);
        if (!atomic_load_explicit(&worker->walks, memory_order_relaxed))
            atomic_fetch_add(&place.part->tested_bytes, place.bytes);
    }
    if (worker->fresh || !worker->next.stays)
        put(worker, &place, &worker->next);
    if (++worker->passed == n)
        end_walk(worker);
}

void tr_soak_worker_last_check(struct tr_soak_worker *worker) {
    size_t n = all_pieces(worker);
    bool first = !atomic_load(&worker->walks);
    for (size_t i = 0; i < n && !tr_soak_must_end(worker->run); i++) {
        struct place place = place_of(worker, worker->walk % 2 ? n - 1 - i : i);
        bool passed = i < worker->passed;
        if (worker->fresh && !passed)
            continue;
        verify(worker, &place, passed ? &worker->next : &worker->now);
        /* A fresh walk has written what it passed, and nobody has verified it yet. */
        if (first && (!passed || worker->fresh))
            atomic_fetch_add(&place.part->tested_bytes, place.bytes);
    }
}

#include "sample.h"

#include <math.h>
#include <string.h>

#include "bind.h"
#include "clock.h"
#include "ref.h"

enum { WORDS_PER_PAGE = 512, CLOCK_CHAIN = 20480, CLOCK_EVERY = 64 };

static double chain_ns(size_t n) {
    static const char id[] = "clock_add";
    const struct tr_kernel *kernel = tr_kernel_find(id, "scalar");
    struct tr_kargs args = {.n = n};
    double begin = tr_now_ns();
    kernel->function(&args);
    return tr_now_ns() - begin;
}

double tr_clock_burst(void) {
    double one = chain_ns(CLOCK_CHAIN), three = chain_ns((size_t)3 * CLOCK_CHAIN);
    return three > one ? 2.0 * CLOCK_CHAIN / (three - one) : NAN;
}

/* The word of page `page` that is poisoned and looked at in sample `number`. */
static size_t marked_word(uint64_t number, size_t page, size_t n) {
    size_t word = page * WORDS_PER_PAGE + tr_data_word(number, page) % WORDS_PER_PAGE;
    return word < n ? word : n - 1;
}

static size_t slice_elements(const struct tr_step *step) {
    return (size_t)step->slice_bytes / 8;
}

static const double poison = -7.25e100; /* no kernel makes it of its operands */

void tr_sample_prepare(const struct tr_step *step, const struct tr_sample_context *context,
                       struct tr_worker *worker) {
    size_t n = slice_elements(step);
    if (step->kernel->op->written_elements && context->whole)
        for (size_t i = 0; i < n; i++)
            worker->arrays[0][i] = poison;
    else if (step->kernel->op->written_elements)
        for (size_t page = 0; page * WORDS_PER_PAGE < n; page++)
            worker->arrays[0][marked_word(context->number, page, n)] = poison;
    worker->sum = 0;
    worker->timeline.n = 0;
    worker->stopped = false;
    worker->wrong = false;
}

static void note(struct tr_worker *worker, double begin, double end, double units) {
    struct tr_timeline *line = &worker->timeline;
    line->begin_ns[line->n] = begin;
    line->end_ns[line->n] = end;
    line->units[line->n] = units;
    line->n++;
}

/* One walk through the slice in pieces, or several walks as one piece. */
static void work_stream(const struct tr_step *step, const struct tr_dose *dose,
                        const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    const size_t streams = (size_t)kernel->streams;
    const size_t part_bytes = (size_t)step->slice_bytes / streams;
    const size_t piece_bytes = dose->piece_bytes / streams;
    struct tr_kargs args = {.stride_bytes = part_bytes, .scalar = context->scalar};
    char *a = (char *)worker->arrays[0], *b = (char *)worker->arrays[1],
         *c = (char *)worker->arrays[2];
    double begin = tr_now_ns();

    for (size_t pass = 0; pass < dose->passes; pass += dose->passes_per_piece) {
        for (size_t at = 0; at < part_bytes; at += piece_bytes) {
            size_t bytes = part_bytes - at < piece_bytes ? part_bytes - at : piece_bytes;
            args.a = a + at;
            args.b = b + at;
            args.c = c + at;
            args.n = bytes / 8;
            for (size_t again = 0; again < dose->passes_per_piece; again++) {
                kernel->function(&args);
                worker->sum += args.sum;
                args.sum = 0;
            }
            double end = tr_now_ns();
            note(worker, begin, end, (double)(args.n * streams * dose->passes_per_piece));
            begin = end;
            if (*context->stop) {
                worker->stopped = true;
                return;
            }
        }
    }
}

/* FMA pieces alternate with bursts of the clock chain, so that the clock is that of the very
 * moments in which the FMA ran; the bursts' time belongs to no piece. */
static void work_chains(const struct tr_step *step, const struct tr_dose *dose,
                        const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    bool compute = kernel->op->kind == TR_KIND_COMPUTE;
    size_t turns = compute ? TR_FMA_TURNS : CLOCK_CHAIN;
    double clock_sum = 0;
    size_t clocks = 0;
    struct tr_kargs args = {.b = worker->chain_start, .n = turns, .scalar = TR_FMA_C};

    for (size_t piece = 0; piece < dose->turns; piece++) {
        double begin = tr_now_ns();
        kernel->function(&args);
        double end = tr_now_ns();
        worker->sum += args.sum;
        note(worker, begin, end, (double)turns);
        if (compute && piece % CLOCK_EVERY == CLOCK_EVERY - 1) {
            clock_sum += tr_clock_burst();
            clocks++;
        }
        if (*context->stop) {
            worker->stopped = true;
            return;
        }
    }
    worker->clock_ghz = clocks ? clock_sum / (double)clocks : NAN;
}

void tr_sample_work(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker) {
    if (step->kernel->op->kind == TR_KIND_STREAM)
        work_stream(step, dose, context, worker);
    else
        work_chains(step, dose, context, worker);
}

/* Elements [begin, begin + n) of the result are what the row's reference makes of the operands. */
static bool is_right(const struct tr_step *step, double scalar, const struct tr_worker *worker,
                     size_t begin, size_t n) {
    double expected[WORDS_PER_PAGE];
    struct tr_kernel plain = *step->kernel;
    struct tr_kargs args = {.a = expected, .n = n, .scalar = scalar};
    plain.streams = 1;
    if (worker->arrays[1])
        args.b = worker->arrays[1] + begin;
    if (worker->arrays[2])
        args.c = worker->arrays[2] + begin;
    plain.op->reference(&plain, &args);
    return !memcmp(worker->arrays[0] + begin, expected, n * sizeof(expected[0]));
}

void tr_sample_check(const struct tr_step *step, const struct tr_dose *dose,
                     const struct tr_sample_context *context, uint64_t expected_sum,
                     struct tr_worker *worker) {
    const struct tr_op *op = step->kernel->op;
    size_t n = slice_elements(step);
    if (op->kind == TR_KIND_COMPUTE || op->kind == TR_KIND_CLOCK) {
        worker->wrong |= worker->sum != expected_sum * dose->turns;
        return;
    }
    if (!op->written_elements) {
        worker->wrong |= worker->sum != expected_sum * dose->passes;
        return;
    }
    for (size_t page = 0; page * WORDS_PER_PAGE < n; page++) {
        size_t begin = page * WORDS_PER_PAGE;
        size_t length = n - begin < WORDS_PER_PAGE ? n - begin : WORDS_PER_PAGE;
        size_t marked = marked_word(context->number, page, n);
        worker->wrong |= context->whole ? !is_right(step, context->scalar, worker, begin, length)
                                        : !is_right(step, context->scalar, worker, marked, 1);
        if (page % 2048 == 0 && *context->stop) { /* some milliseconds of comparing */
            worker->stopped = true;
            return;
        }
    }
}

uint64_t tr_sample_reference(const struct tr_step *step, const struct tr_worker *worker) {
    const struct tr_op *op = step->kernel->op;
    struct tr_kargs args = {.scalar = TR_FMA_C};
    if (op->kind == TR_KIND_STREAM && op->written_elements)
        return 0;
    if (op->kind == TR_KIND_STREAM) {
        /* Whatever the number of parts, every word of the slice is read once. */
        struct tr_kernel plain = *step->kernel;
        plain.streams = 1;
        args.b = worker->arrays[1];
        args.n = slice_elements(step);
        op->reference(&plain, &args);
        return args.sum;
    }
    args.b = worker->chain_start;
    args.n = op->kind == TR_KIND_COMPUTE ? TR_FMA_TURNS : CLOCK_CHAIN;
    op->reference(step->kernel, &args);
    return args.sum;
}

/* Streams: passes over a slice of memory in pieces, every element of the result checked. */
#include "work.h"

#include <math.h>
#include <string.h>

#include "clock.h"

enum { WORDS_PER_PAGE = 512 };
static const size_t piece_bytes_wanted = 2 << 20;

static int64_t array_bytes(const struct tr_step *step, int array) {
    return tr_op_uses(step->kernel->op, array) ? step->slice_bytes : 0;
}

/* The word of page `page` that is poisoned and looked at in sample `number`. */
static size_t marked_word(uint64_t number, size_t page, size_t n) {
    size_t word = page * WORDS_PER_PAGE + tr_data_word(number, page) % WORDS_PER_PAGE;
    return word < n ? word : n - 1;
}

static size_t slice_elements(const struct tr_step *step) {
    return (size_t)step->slice_bytes / 8;
}

/* What stands in element i of the result before a sample: a number that no kernel makes of its
 * operands; where the result takes an operand's place, an operand. */
static double before_sample(const struct tr_op *op, uint64_t number, size_t i) {
    double x = -7.25e100;
    uint64_t word = tr_data_word(number, i);
    if (tr_op_in_place(op))
        memcpy(&x, &word, sizeof(x));
    return x;
}

static void prepare(const struct tr_step *step, const struct tr_sample_context *context,
                    struct tr_worker *worker) {
    const struct tr_op *op = step->kernel->op;
    size_t n = slice_elements(step);
    if (op->written_elements && context->whole)
        for (size_t i = 0; i < n; i++)
            worker->arrays[0][i] = before_sample(op, context->number, i);
    else if (op->written_elements)
        for (size_t page = 0; page * WORDS_PER_PAGE < n; page++) {
            size_t marked = marked_word(context->number, page, n);
            worker->arrays[0][marked] = before_sample(op, context->number, marked);
        }
    tr_work_begin(worker);
}

/* Operations in place undo themselves when done twice (a = -a, a = b - a, a = a ^ b ^ c), exactly
 * on numbers of [1, 2): any odd number of passes gives what one does. */
static double scalar_of(const struct tr_step *step, double scalar) {
    return tr_op_in_place(step->kernel->op) ? -1 : scalar;
}

/* NULL for an operand that the group has not. */
static char *array_at(const struct tr_worker *worker, int array, size_t at) {
    char *base = (char *)worker->arrays[array];
    return base ? base + at : NULL;
}

/* The operands from byte `at` on. */
static struct tr_kargs operands_at(const struct tr_step *step, const struct tr_worker *worker,
                                   size_t at, size_t bytes) {
    size_t n = slice_elements(step), range = n < UINT32_MAX ? n : UINT32_MAX;
    struct tr_kargs args = {.n = bytes / 8, .range = range, .first = at / 8};
    /* Random accesses go over the whole slice, whatever their numbers are. */
    bool random = step->kernel->op->sparse && !step->kernel->run_bytes;
    args.a = array_at(worker, 0, at);
    args.b = array_at(worker, 1, random ? 0 : at);
    args.c = array_at(worker, 2, at);
    return args;
}

/* One walk through the slice in pieces, or several walks as one piece. */
static void work(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    const size_t streams = (size_t)kernel->streams;
    const size_t part_bytes = (size_t)step->slice_bytes / streams;
    const size_t piece_bytes = dose->piece_bytes / streams;
    double begin = tr_now_ns();

    for (size_t pass = 0; pass < dose->passes; pass += dose->passes_per_piece) {
        for (size_t at = 0; at < part_bytes; at += piece_bytes) {
            size_t bytes = part_bytes - at < piece_bytes ? part_bytes - at : piece_bytes;
            struct tr_kargs args = operands_at(step, worker, at, bytes);
            args.stride_bytes = part_bytes;
            args.passes = dose->passes_per_piece;
            args.scalar = scalar_of(step, context->scalar);
            kernel->function(&args);
            worker->sum += args.sum;
            double end = tr_now_ns();
            tr_work_note(worker, begin, end, (double)(args.n * streams * dose->passes_per_piece));
            begin = end;
            if (*context->stop) {
                worker->stopped = true;
                return;
            }
        }
    }
}

/* Elements [begin, begin + n) of the result are what the row's reference makes of the operands. */
static bool is_right(const struct tr_step *step, const struct tr_sample_context *context,
                     const struct tr_worker *worker, size_t begin, size_t n) {
    double expected[WORDS_PER_PAGE];
    struct tr_kernel plain = *step->kernel;
    struct tr_kargs args = operands_at(step, worker, begin * 8, n * 8);
    args.a = expected;
    args.scalar = scalar_of(step, context->scalar);
    plain.streams = 1;
    for (size_t i = 0; i < n; i++)
        expected[i] = before_sample(plain.op, context->number, begin + i);
    plain.op->reference(&plain, &args);
    return !memcmp(worker->arrays[0] + begin, expected, n * sizeof(expected[0]));
}

static void check(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker) {
    const struct tr_op *op = step->kernel->op;
    size_t n = slice_elements(step);
    if (!op->written_elements) {
        worker->wrong |= worker->sum != expected * dose->passes;
        return;
    }
    for (size_t page = 0; page * WORDS_PER_PAGE < n; page++) {
        size_t begin = page * WORDS_PER_PAGE;
        size_t length = n - begin < WORDS_PER_PAGE ? n - begin : WORDS_PER_PAGE;
        size_t marked = marked_word(context->number, page, n);
        worker->wrong |= context->whole ? !is_right(step, context, worker, begin, length)
                                        : !is_right(step, context, worker, marked, 1);
        if (page % 2048 == 0 && *context->stop) { /* some milliseconds of comparing */
            worker->stopped = true;
            return;
        }
    }
}

/* Pieces are whole multiples of 4 lines in each of 16 parts; very large slices get larger pieces,
 * so that the time line holds a pass. */
static void first_dose(const struct tr_step *step, struct tr_dose *dose) {
    size_t slice = (size_t)step->slice_bytes, pieces = slice / piece_bytes_wanted + 1;
    *dose = (struct tr_dose){.passes = 1, .passes_per_piece = 1};
    if (pieces > TR_MAX_PIECES / 2)
        pieces = TR_MAX_PIECES / 2;
    dose->piece_bytes = (slice / pieces + 4095) / 4096 * 4096;
    if (dose->piece_bytes > slice || pieces == 1)
        dose->piece_bytes = slice;
}

/* The sum over one pass, in the pieces in which the kernel walks it. Whatever the number of parts,
 * every word of the slice is read once. */
static int setup(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected) {
    struct tr_kernel plain = *step->kernel;
    size_t slice = (size_t)step->slice_bytes;
    struct tr_dose dose;
    *ret_expected = 0;
    if (plain.op->written_elements)
        return 0;
    first_dose(step, &dose);
    plain.streams = 1;
    for (size_t at = 0; at < slice; at += dose.piece_bytes) {
        size_t bytes = slice - at < dose.piece_bytes ? slice - at : dose.piece_bytes;
        struct tr_kargs args = operands_at(step, worker, at, bytes);
        plain.op->reference(&plain, &args);
        *ret_expected += args.sum;
    }
    return 0;
}

static bool same_setup(const struct tr_step *before, const struct tr_step *step) {
    const struct tr_kernel *a = before->kernel, *b = step->kernel;
    return a->op == b->op && before->slice_bytes == step->slice_bytes &&
           a->vector_bytes == b->vector_bytes && a->run_bytes == b->run_bytes;
}

static void calibrate(const struct tr_step *step, double sample_ns, double span_ns,
                      struct tr_dose *dose) {
    double pass = span_ns / (double)dose->passes;
    double passes = fmax(1, ceil(sample_ns / pass));
    size_t pieces_per_pass =
        ((size_t)step->slice_bytes + dose->piece_bytes - 1) / dose->piece_bytes;
    if (pieces_per_pass == 1) {
        /* At least as many passes a piece as keep the time line within its length. */
        double per_piece = fmax(ceil(TR_PIECE_NS / pass), ceil(passes / TR_MAX_PIECES));
        dose->passes_per_piece = (size_t)per_piece;
        dose->passes = (size_t)(fmin(ceil(passes / per_piece), TR_MAX_PIECES) * per_piece);
    } else {
        double most = fmax(1, floor((double)TR_MAX_PIECES / (double)pieces_per_pass));
        dose->passes = (size_t)fmin(passes, most);
    }
    if (tr_op_in_place(step->kernel->op)) { /* see scalar_of() */
        size_t groups = dose->passes / dose->passes_per_piece;
        dose->passes_per_piece -= dose->passes_per_piece % 2 == 0;
        dose->passes = (groups - (groups % 2 == 0)) * dose->passes_per_piece;
    }
}

static double rate(const struct tr_step *step, double units_per_ns) {
    return units_per_ns * tr_kernel_nominal_bytes(step->kernel);
}

void tr_work_stream_probe(const struct tr_step *step, double ns, const volatile sig_atomic_t *stop,
                          struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    const size_t streams = (size_t)kernel->streams;
    const size_t part_bytes = (size_t)step->slice_bytes / streams;
    struct tr_dose dose;
    first_dose(step, &dose);
    const size_t piece_bytes = dose.piece_bytes / streams;
    const size_t n_pieces = (part_bytes + piece_bytes - 1) / piece_bytes;
    size_t passes = 1;
    double start = tr_now_ns(), begin = start, end = start;

    tr_work_begin(worker);
    while (end - start < ns && worker->timeline.n < TR_MAX_PIECES && !*stop) {
        size_t at = worker->probed_pieces++ % n_pieces * piece_bytes;
        size_t bytes = part_bytes - at < piece_bytes ? part_bytes - at : piece_bytes;
        struct tr_kargs args = operands_at(step, worker, at, bytes);
        args.stride_bytes = part_bytes;
        args.passes = passes;
        args.scalar = scalar_of(step, 1.5);
        kernel->function(&args);
        end = tr_now_ns();
        if (n_pieces == 1 && end - begin < TR_PIECE_NS) {
            /* Too short for the clock: begin again with more passes a piece. */
            passes *= 2;
            tr_work_begin(worker);
            begin = start = end;
            continue;
        }
        tr_work_note(worker, begin, end, (double)(args.n * streams * passes));
        begin = end;
    }
}

const struct tr_work_kind tr_work_stream = {
    .metric = "bandwidth",
    .unit = "GB/s",
    .nominal_traffic = true,
    .array_bytes = array_bytes,
    .fill = tr_work_fill_data,
    .setup = setup,
    .same_setup = same_setup,
    .first_dose = first_dose,
    .calibrate = calibrate,
    .prepare = prepare,
    .work = work,
    .check = check,
    .rate = rate,
};

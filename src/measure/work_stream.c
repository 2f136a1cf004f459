/* Streams: passes over a slice of memory in pieces, every element of the result checked. */
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "roof.h"

enum { WORDS_PER_PAGE = 512 };
static const size_t piece_bytes_wanted = 2 << 20;

static int64_t array_bytes(const struct tr_step *step, int array) {
    return tr_op_uses(step->kernel->op, array) ? step->slice_bytes : 0;
}

static size_t slice_elements(const struct tr_step *step) {
    return (size_t)step->slice_bytes / 8;
}

/* Slices from memory consist of segments, all alike (plan.h); 1 for all other slices, and where
 * accesses go over the whole slice at random. */
static size_t segments_of(const struct tr_step *step) {
    int64_t n = step->slice_bytes / TR_SEGMENT_BYTES;
    if (!step->from_memory || step->kernel->op->sparse || n < 2 || step->slice_bytes % n ||
        step->slice_bytes / n != tr_slice_round(step->slice_bytes / n))
        return 1;
    return (size_t)n;
}

static size_t segment_bytes(const struct tr_step *step) {
    return (size_t)step->slice_bytes / segments_of(step);
}

/* Elements of the slice that the sample walks over: from element *ret_first on. A window over the
 * slice's end goes on at its beginning: it is told as two. */
struct range {
    size_t first, n;
};

static size_t ranges_of(const struct tr_step *step, const struct tr_dose *dose,
                        const struct tr_worker *worker, struct range ranges[2]) {
    size_t n = segments_of(step), elements = segment_bytes(step) / 8;
    size_t first = n > 1 ? worker->first_segment % n : 0;
    if (n == 1 || dose->passes >= n) {
        ranges[0] = (struct range){0, n * elements};
        return 1;
    }
    size_t before_end = first + dose->passes <= n ? dose->passes : n - first;
    ranges[0] = (struct range){first * elements, before_end * elements};
    ranges[1] = (struct range){0, (dose->passes - before_end) * elements};
    return ranges[1].n ? 2 : 1;
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

/* First word of a page of the range, and how many there are. */
static size_t words_of_page(const struct range *range, size_t page, size_t *ret_n) {
    size_t begin = range->first + page * WORDS_PER_PAGE, end = range->first + range->n;
    *ret_n = end - begin < WORDS_PER_PAGE ? end - begin : WORDS_PER_PAGE;
    return begin;
}

/* The word among `n` that is poisoned and looked at in sample `number`. */
static size_t marked_word(uint64_t number, size_t begin, size_t n) {
    return begin + tr_data_word(number, begin) % n;
}

static void prepare(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_op *op = step->kernel->op;
    struct range ranges[2];
    tr_work_begin(worker);
    worker->first_segment = worker->segments_walked;
    worker->segments_walked += dose->passes;
    size_t n_ranges = op->written_elements ? ranges_of(step, dose, worker, ranges) : 0;
    for (size_t r = 0; r < n_ranges; r++)
        for (size_t page = 0; page * WORDS_PER_PAGE < ranges[r].n; page++) {
            size_t n, begin = words_of_page(&ranges[r], page, &n);
            size_t marked = marked_word(context->number, begin, n);
            size_t from = context->whole ? begin : marked;
            for (size_t i = from; i < (context->whole ? begin + n : marked + 1); i++)
                worker->arrays[0][i] = before_sample(op, context->number, i);
        }
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

/* One walk through a segment in pieces, or several walks through a small slice as one piece. */
static void work(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    const size_t streams = (size_t)kernel->streams, segments = segments_of(step);
    const size_t segment = segment_bytes(step), part_bytes = segment / streams;
    const size_t piece_bytes = dose->piece_bytes / streams;
    size_t which = worker->first_segment % segments;
    double begin = tr_now_ns();

    for (size_t pass = 0; pass < dose->passes; pass += dose->passes_per_piece) {
        for (size_t at = 0; at < part_bytes; at += piece_bytes) {
            size_t bytes = part_bytes - at < piece_bytes ? part_bytes - at : piece_bytes;
            struct tr_kargs args = operands_at(step, worker, which * segment + at, bytes);
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
        which = which + 1 < segments ? which + 1 : 0;
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

static const struct tr_segment_sums *sums_of(const struct tr_step *step,
                                             const struct tr_worker *worker) {
    for (size_t i = 0; i < worker->n_segment_sums; i++) {
        const struct tr_segment_sums *one = &worker->segment_sums[i];
        if (one->op == step->kernel->op && one->slice_bytes == step->slice_bytes &&
            one->vector_bytes == step->kernel->vector_bytes)
            return one;
    }
    return NULL;
}

/* Pieces are whole multiples of 4 lines in each of 16 parts; very large slices get larger pieces,
 * so that the time line holds a pass. */
static void first_dose(const struct tr_step *step, struct tr_dose *dose) {
    size_t slice = segment_bytes(step), pieces = slice / piece_bytes_wanted + 1;
    *dose = (struct tr_dose){.passes = 1, .passes_per_piece = 1};
    if (pieces > TR_MAX_PIECES / 2)
        pieces = TR_MAX_PIECES / 2;
    dose->piece_bytes = (slice / pieces + 4095) / 4096 * 4096;
    if (dose->piece_bytes > slice || pieces == 1)
        dose->piece_bytes = slice;
}

/* The sum over the bytes from `from` on, in the pieces in which the kernel walks them. Whatever the
 * number of parts, every word is read once. */
static uint64_t reference_sum(const struct tr_step *step, const struct tr_worker *worker,
                              size_t from, size_t length) {
    struct tr_kernel plain = *step->kernel;
    struct tr_dose dose;
    uint64_t sum = 0;
    first_dose(step, &dose);
    plain.streams = 1;
    for (size_t at = 0; at < length; at += dose.piece_bytes) {
        size_t bytes = length - at < dose.piece_bytes ? length - at : dose.piece_bytes;
        struct tr_kargs args = operands_at(step, worker, from + at, bytes);
        plain.op->reference(&plain, &args);
        sum += args.sum;
    }
    return sum;
}

static int keep_segment_sums(const struct tr_step *step, struct tr_worker *worker) {
    const size_t segments = segments_of(step), segment = segment_bytes(step);
    if (sums_of(step, worker))
        return 0;
    struct tr_segment_sums *grown =
        realloc(worker->segment_sums, (worker->n_segment_sums + 1) * sizeof(*grown));
    uint64_t *sums = calloc(segments, sizeof(*sums));
    if (grown)
        worker->segment_sums = grown;
    if (!grown || !sums) {
        free(sums);
        return TR_ENOMEM;
    }
    for (size_t i = 0; i < segments; i++)
        sums[i] = reference_sum(step, worker, i * segment, segment);
    grown[worker->n_segment_sums++] = (struct tr_segment_sums){step->kernel->op, step->slice_bytes,
                                                               step->kernel->vector_bytes, sums};
    return 0;
}

/* What the passes of the sample must sum up to. */
static uint64_t expected_sum(const struct tr_step *step, const struct tr_dose *dose,
                             uint64_t one_pass, struct tr_worker *worker) {
    const size_t segments = segments_of(step);
    uint64_t sum = 0;
    if (segments == 1)
        return one_pass * dose->passes;
    /* A search may have put a form of another instruction set in the step's place since setup(). */
    if (!sums_of(step, worker) && keep_segment_sums(step, worker))
        return worker->sum; /* out of memory: no ground for calling the kernel wrong */
    const struct tr_segment_sums *known = sums_of(step, worker);
    for (size_t pass = 0; pass < dose->passes; pass++)
        sum += known->sums[(worker->first_segment + pass) % segments];
    return sum;
}

static void check(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker) {
    struct range ranges[2];
    if (!step->kernel->op->written_elements) {
        worker->wrong |= worker->sum != expected_sum(step, dose, expected, worker);
        return;
    }
    size_t n_ranges = ranges_of(step, dose, worker, ranges);
    for (size_t r = 0; r < n_ranges; r++)
        for (size_t page = 0; page * WORDS_PER_PAGE < ranges[r].n; page++) {
            size_t n, begin = words_of_page(&ranges[r], page, &n);
            size_t marked = marked_word(context->number, begin, n);
            worker->wrong |= context->whole ? !is_right(step, context, worker, begin, n)
                                            : !is_right(step, context, worker, marked, 1);
            if (page % 2048 == 0 && *context->stop) { /* some milliseconds of comparing */
                worker->stopped = true;
                return;
            }
        }
}

void tr_work_stream_finish(struct tr_worker *worker) {
    for (size_t i = 0; i < worker->n_segment_sums; i++)
        free(worker->segment_sums[i].sums);
    free(worker->segment_sums);
}

static int setup(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected) {
    *ret_expected = 0;
    if (step->kernel->op->written_elements)
        return 0;
    if (segments_of(step) > 1)
        return keep_segment_sums(step, worker);
    *ret_expected = reference_sum(step, worker, 0, (size_t)step->slice_bytes);
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
    size_t pieces_per_pass = (segment_bytes(step) + dose->piece_bytes - 1) / dose->piece_bytes;
    if (pieces_per_pass == 1) {
        /* At least as many passes a piece as keep the time line within its length. */
        double per_piece = fmax(ceil(TR_PIECE_NS / pass), ceil(passes / TR_MAX_PIECES));
        dose->passes_per_piece = (size_t)per_piece;
        dose->passes = (size_t)(fmin(ceil(passes / per_piece), TR_MAX_PIECES) * per_piece);
    } else {
        double most = fmax(1, floor((double)TR_MAX_PIECES / (double)pieces_per_pass));
        dose->passes = (size_t)fmin(passes, most);
    }
    size_t segments = segments_of(step);
    if (tr_op_in_place(step->kernel->op) && segments > 1) { /* once, which is odd: scalar_of() */
        dose->passes = dose->passes < segments ? dose->passes : segments;
    } else if (tr_op_in_place(step->kernel->op)) {
        size_t groups = dose->passes / dose->passes_per_piece;
        dose->passes_per_piece -= dose->passes_per_piece % 2 == 0;
        dose->passes = (groups - (groups % 2 == 0)) * dose->passes_per_piece;
    }
}

static double rate(const struct tr_step *step, double units_per_ns) {
    return units_per_ns * tr_kernel_nominal_bytes(step->kernel);
}

static void probe(const struct tr_step *step, double ns, const volatile sig_atomic_t *stop,
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
    .probe = probe,
    .rate = rate,
};

/* Whole numbers, so that sums of products are exact. */
static int fill_roof(const struct tr_group *group, int thread, int array, size_t bytes,
                     const volatile sig_atomic_t *stop, struct tr_worker *worker) {
    (void)group;
    for (size_t i = 0; i < bytes / 8; i++) {
        worker->arrays[array][i] = tr_roof_element((uint64_t)thread, i);
        if (i % (1 << 20) == 0 && *stop)
            return TR_ESTOPPED;
    }
    return 0;
}

static double roof_rate(const struct tr_step *step, double units_per_ns) {
    return units_per_ns * tr_kernel_flop(step->kernel);
}

/* As streams that are read; what is counted are the operations. */
const struct tr_work_kind tr_work_roof = {
    .metric = "compute",
    .unit = "GFLOP/s",
    .array_bytes = array_bytes,
    .fill = fill_roof,
    .setup = setup,
    .first_dose = first_dose,
    .calibrate = calibrate,
    .prepare = prepare,
    .work = work,
    .check = check,
    .rate = roof_rate,
};

/* Chains in registers: FMA and its kin, with the clock measured between their pieces, and the clock
 * itself. */
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* A burst of the clock every so many pieces: often enough for a mean, rare enough that the pieces
 * between run as if there were none. */
enum { CLOCK_CHAIN = 20480, CLOCK_EVERY = 8 };
/* Four tiles of results and four of factors; 24 vectors and 6 need less. */
enum { MOST_OPERAND_BYTES = 8192 };

static bool is_compute(const struct tr_step *step) {
    return step->kernel->op->kind == TR_KIND_COMPUTE;
}

static size_t turns_of(const struct tr_step *step) {
    return is_compute(step) ? tr_chain_turns(step->kernel) : CLOCK_CHAIN;
}

/* Steps of several kinds share the place of their operands. */
static int fill_operands(const struct tr_step *step, struct tr_worker *worker) {
    if (!is_compute(step))
        return 0;
    if (!worker->chain_start)
        worker->chain_start = aligned_alloc(64, MOST_OPERAND_BYTES);
    if (!worker->chain_start)
        return TR_ENOMEM;
    tr_chain_operands(step->kernel, worker->chain_start);
    return 0;
}

static int setup(const struct tr_step *step, struct tr_worker *worker, uint64_t *ret_expected) {
    int code = fill_operands(step, worker);
    if (code)
        return code;
    struct tr_kargs args = {.b = worker->chain_start, .n = turns_of(step), .scalar = TR_FMA_C};
    step->kernel->op->reference(step->kernel, &args);
    *ret_expected = args.sum;
    return 0;
}

static void first_dose(const struct tr_step *step, struct tr_dose *dose) {
    (void)step;
    *dose = (struct tr_dose){.turns = 64};
}

static void calibrate(const struct tr_step *step, double sample_ns, double span_ns,
                      struct tr_dose *dose) {
    double one = span_ns / (double)dose->turns;
    double pieces = ceil(sample_ns / one);
    (void)step;
    dose->turns = (size_t)fmin(fmax(pieces, 8), TR_MAX_PIECES);
}

static void prepare(const struct tr_step *step, const struct tr_dose *dose,
                    const struct tr_sample_context *context, struct tr_worker *worker) {
    (void)dose;
    (void)context;
    fill_operands(step, worker);
    tr_work_begin(worker);
}

/* FMA pieces alternate with bursts of the clock chain, so that the clock is that of the very
 * moments in which the FMA ran; the bursts' time belongs to no piece. */
static void work(const struct tr_step *step, const struct tr_dose *dose,
                 const struct tr_sample_context *context, struct tr_worker *worker) {
    const struct tr_kernel *kernel = step->kernel;
    bool compute = is_compute(step);
    const size_t turns = turns_of(step);
    struct tr_kargs args = {.b = worker->chain_start, .n = turns, .scalar = TR_FMA_C};

    for (size_t piece = 0; piece < dose->turns; piece++) {
        double begin = tr_now_ns();
        kernel->function(&args);
        double end = tr_now_ns();
        worker->sum += args.sum;
        tr_work_note(worker, begin, end, (double)turns);
        if (compute && piece % CLOCK_EVERY == CLOCK_EVERY - 1)
            tr_core_clock_note(&worker->clock);
        if (*context->stop) {
            worker->stopped = true;
            return;
        }
    }
    worker->clock_ghz = tr_core_clock_ghz(&worker->clock);
}

static void check(const struct tr_step *step, const struct tr_dose *dose,
                  const struct tr_sample_context *context, uint64_t expected,
                  struct tr_worker *worker) {
    (void)step;
    (void)context;
    worker->wrong |= worker->sum != expected * dose->turns;
}

static double compute_rate(const struct tr_step *step, double units_per_ns) {
    return units_per_ns * tr_kernel_flop(step->kernel);
}

/* Cycles per operation are in the operation's name: add 1, imul 3. */
static double clock_rate(const struct tr_step *step, double units_per_ns) {
    return units_per_ns * (strcmp(step->kernel->op->name, "clock_imul") ? 1.0 : 3.0);
}

#define CHAINS_IN(unit_)                                                                      \
    {                                                                                         \
        .metric = "compute", .unit = (unit_), .own_clock = true, .busy_time = true,           \
        .setup = setup, .first_dose = first_dose, .calibrate = calibrate, .prepare = prepare, \
        .work = work, .check = check, .rate = compute_rate                                    \
    }

const struct tr_work_kind tr_work_chains = CHAINS_IN("GFLOP/s");
const struct tr_work_kind tr_work_integer_chains = CHAINS_IN("Gop/s");

const struct tr_work_kind tr_work_clock = {
    .metric = "clock",
    .unit = "GHz",
    .own_clock = true,
    .busy_time = true,
    .mean = true,
    .setup = setup,
    .first_dose = first_dose,
    .calibrate = calibrate,
    .prepare = prepare,
    .work = work,
    .check = check,
    .rate = clock_rate,
};

/* Chains of multiply-adds, dot products and tiles, each piece compared bit for bit with what the
 * scalar reference gives. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "worker.h"

/* Pieces of about 10 us, so that a result is looked at often; still hundreds of times the cost of
 * the call. */
enum { PIECES_PER_TURN = 4, CLOCK_EVERY = 256, ALIGNMENT = 64 };
/* One chain for this long on all cores, then the next. */
static const double chain_s = 0.5;

static bool is_available(const struct tr_machine *machine, const struct tr_kernel *kernel,
                         int isa_cap) {
    int isa = tr_isa_from_name(kernel->isa);
    return isa >= 0 && (isa_cap < 0 || isa <= isa_cap) && machine->cpu.levels[isa].available &&
           (!kernel->needs || tr_cpu_has(&machine->cpu, kernel->needs));
}

static const struct tr_kernel *best(const struct tr_machine *machine, const char *id, int isa_cap) {
    const struct tr_kernel *found = NULL;
    for (int isa = 0; isa < TR_ISA_COUNT; isa++) {
        const struct tr_kernel *kernel = tr_kernel_find(id, tr_isa_name((enum tr_isa)isa));
        if (kernel && is_available(machine, kernel, isa_cap))
            found = kernel;
    }
    return found;
}

static void add_chain(const struct tr_kernel *kernel, struct tr_soak_kernels *kernels) {
    struct tr_soak_chain *chain = &kernels->chains[kernels->n_chains++];
    size_t bytes = tr_chain_operand_bytes(kernel);
    *chain = (struct tr_soak_chain){.kernel = kernel,
                                    .turns = tr_chain_turns(kernel) / PIECES_PER_TURN,
                                    .operands_at = kernels->operand_bytes};
    kernels->operand_bytes += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int tr_soak_kernels_make(const struct tr_machine *machine, int isa_cap,
                         struct tr_soak_kernels *ret_kernels) {
    static const char *const kinds[] = {"line", "address", "random"};
    struct tr_soak_kernels kernels = {0};
    size_t n;
    const struct tr_kernel *rows = tr_kernels(&n);
    for (int i = 0; i < 3; i++) {
        char id[24] = "put_";
        strncat(id, kinds[i], sizeof(id) - 5);
        kernels.put[i] = best(machine, id, isa_cap);
        memcpy(id, "verify_", 8);
        strncat(id, kinds[i], sizeof(id) - 8);
        kernels.verify[i] = best(machine, id, isa_cap);
    }
    for (size_t i = 0; i < n && kernels.n_chains < TR_SOAK_MOST_ROWS; i++)
        if (rows[i].op->kind == TR_KIND_COMPUTE && rows[i].set == TR_SET_MAIN &&
            is_available(machine, &rows[i], isa_cap) &&
            (isa_cap == TR_ISA_SCALAR || strcmp(rows[i].isa, "scalar") != 0))
            add_chain(&rows[i], &kernels);
    kernels.operands = aligned_alloc(ALIGNMENT, kernels.operand_bytes + ALIGNMENT);
    if (!kernels.operands)
        return TR_ENOMEM;
    memset(kernels.operands, 0, kernels.operand_bytes);
    for (size_t i = 0; i < kernels.n_chains; i++) {
        struct tr_soak_chain *chain = &kernels.chains[i];
        struct tr_kargs args = {
            .b = kernels.operands + chain->operands_at, .n = chain->turns, .scalar = TR_FMA_C};
        tr_chain_operands(chain->kernel, kernels.operands + chain->operands_at);
        chain->kernel->op->reference(chain->kernel, &args);
        chain->expected = args.sum;
    }
    *ret_kernels = kernels;
    return 0;
}

void tr_soak_kernels_finish(struct tr_soak_kernels *kernels) {
    free(kernels->operands);
    kernels->operands = NULL;
}

int tr_soak_worker_take_operands(struct tr_soak_worker *worker) {
    const struct tr_soak_kernels *kernels = &worker->run->kernels;
    worker->operands = aligned_alloc(ALIGNMENT, kernels->operand_bytes + ALIGNMENT);
    if (!worker->operands)
        return TR_ENOMEM;
    memcpy(worker->operands, kernels->operands, kernels->operand_bytes);
    return 0;
}

static uint64_t compute(const struct tr_soak_worker *worker, const struct tr_soak_chain *chain) {
    struct tr_kargs args = {
        .b = worker->operands + chain->operands_at, .n = chain->turns, .scalar = TR_FMA_C};
    chain->kernel->function(&args);
    return args.sum;
}

/* If the operands in memory changed, the first word that did is what is told, and all are put
 * right. */
static bool note_operands(struct tr_soak_worker *worker, const struct tr_soak_chain *chain,
                          struct tr_soak_mismatch *mismatch) {
    unsigned char *mine = worker->operands + chain->operands_at;
    const unsigned char *right = worker->run->kernels.operands + chain->operands_at;
    size_t bytes = tr_chain_operand_bytes(chain->kernel);
    for (size_t at = 0; at < bytes; at += 8) {
        if (!memcmp(mine + at, right + at, 8))
            continue;
        mismatch->fault = TR_SOAK_FAULT_OPERANDS;
        mismatch->address = (uint64_t)(uintptr_t)(mine + at);
        mismatch->physical = tr_physical_address(mine + at);
        mismatch->node = tr_node_of_address(mine + at);
        memcpy(&mismatch->expected, right + at, 8);
        memcpy(&mismatch->found, mine + at, 8);
        memcpy(mine, right, bytes);
        return true;
    }
    return false;
}

static void note_fault(struct tr_soak_worker *worker, const struct tr_soak_chain *chain,
                       uint64_t found) {
    struct tr_soak_run *run = worker->run;
    struct tr_soak_mismatch mismatch = {
        .t_s = tr_soak_time_s(run),
        .cpu = worker->cpu,
        .node = -1,
        .physical = -1,
        .expected = chain->expected,
        .found = found,
        .what = chain->kernel->id,
        .isa = chain->kernel->isa,
        .pass = worker->pieces,
    };
    if (!note_operands(worker, chain, &mismatch))
        mismatch.fault =
            compute(worker, chain) == chain->expected ? TR_SOAK_FAULT_ONCE : TR_SOAK_FAULT_AGAIN;
    tr_soak_faults_add(&run->faults, &mismatch);
}

/* --- the clock ------------------------------------------------------------------------------- */

void tr_soak_clock_begin(struct tr_soak_clock *clock, size_t chain) {
    if (chain != clock->chain)
        clock->bursts.n = 0;
    clock->chain = chain;
}

bool tr_soak_clock_take(struct tr_soak_clock *clock, bool all_compute, double *ret_ghz,
                        double *ret_share) {
    double *highest = &clock->highest_ghz[clock->chain];
    if (clock->bursts.n < TR_SOAK_CLOCK_BURSTS)
        return false;
    double ghz = tr_core_clock_ghz(&clock->bursts);
    clock->bursts.n = 0;
    if (!isfinite(ghz))
        return false;
    if (all_compute)
        *highest = fmax(*highest, ghz);
    *ret_ghz = ghz;
    *ret_share = all_compute ? ghz / *highest : NAN;
    return true;
}

static void note_clock(struct tr_soak_worker *worker, size_t chain) {
    bool all_compute = atomic_load(&worker->stage) == TR_SOAK_COMPUTE;
    double ghz, share;
    tr_soak_clock_begin(&worker->clock, chain);
    tr_core_clock_note(&worker->clock.bursts);
    if (!tr_soak_clock_take(&worker->clock, all_compute, &ghz, &share))
        return;
    atomic_store_explicit(&worker->core_ghz, ghz, memory_order_relaxed);
    atomic_store_explicit(&worker->clock_share, share, memory_order_relaxed);
}

/* --- a piece --------------------------------------------------------------------------------- */

void tr_soak_worker_compute(struct tr_soak_worker *worker, double t_s) {
    const struct tr_soak_kernels *kernels = &worker->run->kernels;
    const struct tr_soak_chain *chain =
        &kernels->chains[(size_t)(t_s / chain_s) % kernels->n_chains];
    uint64_t sum = compute(worker, chain);
    worker->pieces++;
    if (sum != chain->expected)
        note_fault(worker, chain, sum);
    atomic_fetch_add_explicit(
        &worker->flop, (unsigned long long)(tr_kernel_flop(chain->kernel) * (double)chain->turns),
        memory_order_relaxed);
    if (worker->pieces % CLOCK_EVERY == 0)
        note_clock(worker, (size_t)(chain - kernels->chains));
}

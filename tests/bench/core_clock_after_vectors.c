/* The core clock against the time since the last wide vector instruction, and the FLOP per cycle
 * that result when a burst of the clock is read close to the kernel, or too late.
 *
 * What core_clock.h says about the length of a burst can be seen here on any machine: a row of
 * chains of 1024 additions follows a piece of FMA, and the median time of each gives a clock. Where
 * the core changes its clock after the vectors, one of them takes far longer (it halts), and those
 * after it are faster. The cost of reading the time (15 to 30 ns) is part of these small chains. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "core_clock.h"
#include "kernel.h"
#include "statistics.h"
#include "tokenroof/machine.h"

enum { TURNS = 16384, PIECES = 8, ROUNDS = 101, CHAINS = 20, CHAIN = 1024 };

static double chain_ns(size_t n) {
    struct tr_kargs args = {.n = n};
    double begin = tr_now_ns();
    tr_k_clock_add_scalar(&args);
    return tr_now_ns() - begin;
}

static double median(const double *values, size_t n) {
    struct tr_summary summary;
    return tr_summarize(values, n, &summary) ? NAN : summary.median;
}

/* A burst as it was once: 20 us, longer than the core waits. */
static double late_burst_ghz(void) {
    double one = chain_ns(20480), three = chain_ns(3 * 20480);
    return 2 * 20480 / (three - one);
}

static void show(const struct tr_kernel *kernel, const double *start) {
    static double chains[CHAINS][ROUNDS];
    double pieces[ROUNDS], late[ROUNDS];
    struct tr_core_clock clock = {0};
    struct tr_kargs args = {.b = start, .n = TURNS, .scalar = TR_FMA_C};
    for (int i = 0; i < 2000; i++) /* some 100 ms until the clock is what it will be */
        kernel->function(&args);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = tr_now_ns();
        for (int i = 0; i < PIECES; i++)
            kernel->function(&args);
        pieces[round] = (tr_now_ns() - begin) / PIECES;
        tr_core_clock_note(&clock);
        for (int i = 0; i < PIECES; i++)
            kernel->function(&args);
        late[round] = late_burst_ghz();
        for (int i = 0; i < PIECES; i++)
            kernel->function(&args);
        for (int i = 0; i < CHAINS; i++)
            chains[i][round] = chain_ns(CHAIN);
    }
    double rate = TURNS * tr_kernel_flop(kernel) / median(pieces, ROUNDS);
    double near_ghz = tr_core_clock_ghz(&clock), late_ghz = median(late, ROUNDS);
    printf("%s %s: %.2f GFLOP/s\n", kernel->id, kernel->isa, rate);
    printf("  bursts of 1.2 us: %.3f GHz, %.2f FLOP per cycle\n", near_ghz, rate / near_ghz);
    printf("  bursts of 20 us:  %.3f GHz, %.2f FLOP per cycle\n", late_ghz, rate / late_ghz);
    printf("  us since the kernel: GHz ");
    double at_us = 0;
    for (int i = 0; i < CHAINS; i++) {
        double ns = median(chains[i], ROUNDS);
        at_us += ns / 1000;
        printf(" %.2f:%.2f", at_us, CHAIN / ns);
    }
    printf("\n");
}

int main(void) {
    struct tr_machine *machine;
    struct tr_machine_options options = {0};
    struct tr_err err = {0};
    double start[24 * 8];
    cpu_set_t one;
    for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++)
        start[i] = tr_fma_start(i);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    if (tr_machine_load(&options, &machine, &err)) {
        fprintf(stderr, "core_clock_after_vectors: %s\n", err.text);
        return 1;
    }
    for (int isa = TR_ISA_SSE2; isa < TR_ISA_COUNT; isa++) {
        const struct tr_kernel *kernel = tr_kernel_find("fma_f64", tr_isa_name(isa));
        if (kernel && machine->cpu.levels[isa].available)
            show(kernel, start);
    }
    tr_machine_destroy(machine);
    return 0;
}

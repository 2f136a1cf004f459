/* Latency: dependent loads over a random cycle of lines, from 4 KiB to memory, in huge pages and in
 * those of 4 KiB (by name and with --full), and each level's figure at the plateau found. With
 * --full also one line a page
 * (what a translation costs), and several chains at once (how many misses are in flight). */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chase.h"
#include "marks.h"
#include "run_latency.h"
#include "tokenroof/calibration.h"

static const int64_t smallest_bytes = 4096, largest_least_bytes = 256 << 20;
/* A cache that holds one line in f of the cycle still answers one load in f. */
enum { LLC_FACTOR = 4, LLC_FACTOR_FULL = 8 };
static const int64_t most_page_lines = 65536; /* 256 MiB: far beyond any second-level TLB */
static const char *const levels[] = {"L1", "L2", "L3", "memory"};
static const int chains[] = {1, 2, 4, 8, 16};
enum { LEVELS = 4, CHAINS = 5 };

static const struct tr_kernel *chase(int n_chains) {
    char id[16];
    snprintf(id, sizeof(id), "chase_%d", n_chains);
    return tr_kernel_find(id, "scalar");
}

static bool is_full(const struct tr_plan_builder *builder) {
    return builder->options->effort == TR_EFFORT_FULL;
}

int64_t tr_bench_chase_bytes(const struct tr_plan_builder *builder, const struct tr_crew *crew) {
    int64_t bytes = crew->llc_bytes > 0
                        ? crew->llc_bytes * (is_full(builder) ? LLC_FACTOR_FULL : LLC_FACTOR)
                        : 0;
    int64_t available = builder->machine->environment.memory_available_bytes;
    if (bytes < largest_least_bytes)
        bytes = largest_least_bytes;
    if (builder->options->size_bytes)
        bytes = builder->options->size_bytes;
    if (available >= 0 && bytes > available / 2 - (4 << 20))
        bytes = available / 2 - (4 << 20);
    return bytes;
}

/* Working sets of 4 KiB and more, `per_octave` an octave, whole units, the last one `largest`. */
static size_t make_sizes(int64_t largest, int per_octave, int64_t unit, int64_t smallest,
                         int64_t *sizes, size_t room) {
    size_t n = 0;
    for (int i = 0; n < room; i++) {
        double size = (double)smallest * exp2((double)i / per_octave);
        if (size >= (double)largest * 0.9)
            break;
        sizes[n++] = (int64_t)size / unit * unit;
    }
    if (n < room)
        sizes[n++] = largest / unit * unit;
    return n;
}

struct sweep {
    struct tr_plan_builder *builder;
    const struct tr_bench *bench;
    struct tr_crew crew;
    struct tr_step *steps;
    size_t n, room;
};

static int begin(struct sweep *sweep, const struct tr_crew *like, struct tr_err *reterr) {
    enum { ROOM = 256 };
    sweep->steps = calloc(ROOM, sizeof(*sweep->steps));
    sweep->room = ROOM;
    sweep->n = 0;
    if (!sweep->steps)
        return TR_ENOMEM;
    int node = like->memory_nodes[0];
    int code = tr_crew_of_cpus(sweep->builder->machine, like->cpus, 1, node, &sweep->crew, reterr);
    if (code)
        free(sweep->steps);
    return code;
}

static struct tr_plan_curve *add_curve(struct sweep *sweep, const char *name, const char *x,
                                       const char *x_unit, size_t *ret_target) {
    struct tr_plan_curve *curve = tr_plan_add_curve(sweep->builder, name, x, x_unit, ret_target);
    if (!curve || tr_plan_place(sweep->builder->machine, &sweep->crew, &curve->curve.place))
        return NULL;
    curve->curve.threads = 1;
    return curve;
}

static void add_step(struct sweep *sweep, const struct tr_step *step) {
    if (sweep->n < sweep->room)
        sweep->steps[sweep->n++] = *step;
}

static int add_sizes(struct sweep *sweep, size_t target, bool one_line_a_page) {
    int64_t sizes[192], unit = one_line_a_page ? TR_CHASE_PAGE_BYTES : TR_LINE_BYTES;
    int64_t largest = tr_bench_chase_bytes(sweep->builder, &sweep->crew);
    int64_t smallest = one_line_a_page ? 8 * unit : smallest_bytes;
    if (one_line_a_page && largest > most_page_lines * unit)
        largest = most_page_lines * unit;
    size_t n = make_sizes(largest, is_full(sweep->builder) ? 4 : 2, unit, smallest, sizes, 192);
    for (size_t i = 0; i < n; i++) {
        const struct tr_step step = {.kernel = chase(1),
                                     .slice_bytes = sizes[i],
                                     .one_line_a_page = one_line_a_page,
                                     .shape = TR_NO_SHAPE,
                                     .result = TR_RESULT_POINT,
                                     .target = target,
                                     .x = (double)sizes[i]};
        add_step(sweep, &step);
    }
    return n ? 0 : TR_EFAIL;
}

static void add_levels(struct sweep *sweep) {
    for (size_t i = 0; i < LEVELS; i++) {
        const struct tr_step step = {.kernel = chase(1),
                                     .slice_bytes = smallest_bytes, /* until it is found */
                                     .variant = levels[i],
                                     .shape = TR_NO_SHAPE};
        add_step(sweep, &step);
    }
}

static int add_chains(struct sweep *sweep) {
    size_t target;
    if (!add_curve(sweep, "latency_chains", "chains", "1", &target))
        return TR_ENOMEM;
    for (size_t i = 0; i < CHAINS; i++) {
        const struct tr_step step = {.kernel = chase(chains[i]),
                                     .slice_bytes =
                                         tr_bench_chase_bytes(sweep->builder, &sweep->crew) /
                                         TR_LINE_BYTES * TR_LINE_BYTES,
                                     .shape = TR_NO_SHAPE,
                                     .result = TR_RESULT_POINT,
                                     .target = target,
                                     .x = chains[i]};
        add_step(sweep, &step);
    }
    return 0;
}

static int end(struct sweep *sweep, enum tr_pages pages, struct tr_err *reterr) {
    struct tr_group *group = NULL;
    int code =
        tr_plan_add_group(sweep->builder, sweep->bench, &sweep->crew, sweep->steps, sweep->n,
                          sweep->bench->seconds_per_kernel * (double)sweep->n, &group, reterr);
    if (code)
        return code;
    group->run = tr_run_latency;
    group->pages = pages;
    group->metric = "latency";
    group->unit = "ns";
    return 0;
}

/* The curve in one kind of page; the first one has the levels' figures. */
static int add_pages(struct sweep *sweep, const struct tr_crew *crew, enum tr_pages pages,
                     bool first, struct tr_err *reterr) {
    size_t target;
    int code = begin(sweep, crew, reterr);
    if (code)
        return code;
    struct tr_plan_curve *curve =
        add_curve(sweep, "latency", "working_set_bytes", "bytes", &target);
    code = curve ? 0 : TR_ENOMEM;
    if (!code) {
        curve->mark = tr_mark_levels;
        code = add_sizes(sweep, target, false);
    }
    if (!code && first && is_full(sweep->builder))
        code = add_chains(sweep);
    if (!code && first)
        add_levels(sweep);
    if (!code && pages == TR_PAGES_4K && is_full(sweep->builder))
        code = add_curve(sweep, "latency_line_a_page", "working_set_bytes", "bytes", &target)
                   ? add_sizes(sweep, target, true)
                   : TR_ENOMEM;
    if (!code)
        return end(sweep, pages, reterr);
    free(sweep->steps);
    tr_crew_finish(&sweep->crew);
    return code;
}

static int add_core(struct tr_plan_builder *builder, const struct tr_bench *bench,
                    enum tr_place_kind kind, int index, struct tr_err *reterr) {
    struct sweep sweep = {.builder = builder, .bench = bench};
    struct tr_crew crew = {0};
    enum tr_pages pages = builder->options->pages;
    int code = tr_crew_make(builder->machine, kind, index, builder->options, 1, &crew, reterr);
    if (!code)
        code = add_pages(&sweep, &crew, pages, true, reterr);
    if (!code && pages != TR_PAGES_4K && (is_full(builder) || builder->options->n_kernels))
        code = add_pages(&sweep, &crew, TR_PAGES_4K, false, reterr);
    tr_crew_finish(&crew);
    return code;
}

int tr_bench_latency(struct tr_plan_builder *builder, const struct tr_bench *bench,
                     struct tr_err *reterr) {
    return tr_bench_each_place(builder, bench, add_core, reterr);
}

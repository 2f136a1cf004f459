/* Latency under load: the crew's first thread chases, the others read from memory with pauses. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xmmintrin.h>

#include "chaser.h"
#include "clock.h"
#include "core_clock.h"
#include "run_latency.h"
#include "series.h"
#include "team.h"

static const double sample_ns_least = 2e6, sample_ns_most = 2e7;
static const double warm_ns = 1e8;   /* of the chaser, once */
static const double settle_ns = 3e5; /* of the load, before each sample */
/* One bit of load, all parts together: small, so that a pause after each spreads them evenly. */
enum { CHUNK_BYTES = 4096, TOUCH_WORDS = 1 << 20 };

/* One thread that loads the memory. */
struct loader {
    struct tr_buffer buffer;
    bool bound_refused;
    uint64_t *sums; /* of all words in the chunks before this one, by the reference */
    size_t n_chunks, at;
    double gb_per_s; /* in the last sample */
    bool wrong;
};

struct state {
    const struct tr_machine *machine;
    const struct tr_group *group;
    const struct tr_run_options *options;
    struct tr_series *series;
    struct tr_watch *watches;
    const struct tr_watch **watch_list;
    struct loader *loaders; /* by thread; the chaser's is unused */
    struct tr_chaser chaser;
    struct tr_barrier barrier;
    size_t current;
    double *injected; /* sum over the kept samples of each step, GB/s */
    atomic_int loading, finished;
    bool quit;
    double begun_ns;
    double clock_ghz, span_ns; /* of the sample at hand */
    size_t loads;
    struct tr_failure failure;
};

/* ---- the load ---- */

/* Some step's kernel: all steps with a load have the same. */
static const struct tr_kernel *load_kernel(const struct tr_group *group) {
    for (size_t i = 0; i < group->n_steps; i++)
        if (group->steps[i].load)
            return group->steps[i].load;
    return NULL;
}

static struct tr_kargs chunk_args(const struct loader *loader, const struct tr_kernel *kernel,
                                  size_t chunk) {
    size_t parts = (size_t)kernel->streams, part_bytes = loader->n_chunks * CHUNK_BYTES / parts;
    return (struct tr_kargs){.b = loader->buffer.base + chunk * (CHUNK_BYTES / parts),
                             .n = CHUNK_BYTES / parts / 8,
                             .stride_bytes = part_bytes};
}

static int setup_loader(struct state *state, int thread, struct tr_err *reterr) {
    struct loader *loader = &state->loaders[thread];
    const struct tr_kernel *kernel = load_kernel(state->group);
    size_t bytes = (size_t)state->group->steps[0].slice_bytes / CHUNK_BYTES * CHUNK_BYTES;
    int node = state->group->crew.memory_nodes[thread];
    bool bound = false;
    if (!kernel)
        return tr_err_set(reterr, TR_EFAIL, "no kernel to load the memory with");
    int code = tr_buffer_map(bytes, state->options->pages, node, &loader->buffer, &bound, reterr);
    if (code)
        return code;
    loader->bound_refused = node >= 0 && !bound;
    loader->n_chunks = bytes / CHUNK_BYTES;
    loader->sums = calloc(loader->n_chunks + 1, sizeof(*loader->sums));
    if (!loader->sums)
        return TR_ENOMEM;
    uint64_t *words = (uint64_t *)(void *)loader->buffer.base;
    for (size_t i = 0; i < bytes / 8; i++) {
        words[i] = tr_data_word((uint64_t)thread, i);
        if (i % TOUCH_WORDS == 0 && *state->options->stop)
            return TR_ESTOPPED;
    }
    for (size_t i = 0; i < loader->n_chunks; i++) {
        struct tr_kargs args = chunk_args(loader, kernel, i);
        kernel->op->reference(kernel, &args);
        loader->sums[i + 1] = loader->sums[i] + args.sum;
        if (i % (TOUCH_WORDS / 512) == 0 && *state->options->stop)
            return TR_ESTOPPED;
    }
    return 0;
}

static void pause_for(int64_t cycles) {
    static const char id[] = "clock_add"; /* as many dependent additions as cycles */
    struct tr_kargs args = {.n = (size_t)cycles};
    if (cycles >= 64)
        tr_kernel_find(id, "scalar")->function(&args);
}

/* Reads on until the chaser has finished; what it read is compared with the reference. */
static void load_memory(struct state *state, int thread) {
    struct loader *loader = &state->loaders[thread];
    const struct tr_step *step = &state->group->steps[state->current];
    loader->gb_per_s = 0;
    atomic_fetch_add(&state->loading, 1);
    if (step->load_pause_cycles < 0) {
        while (!atomic_load_explicit(&state->finished, memory_order_acquire))
            _mm_pause();
        return;
    }
    uint64_t sum = 0;
    size_t first = loader->at, chunks = 0;
    double begin = tr_now_ns();
    while (!atomic_load_explicit(&state->finished, memory_order_acquire)) {
        struct tr_kargs args = chunk_args(loader, step->load, loader->at);
        step->load->function(&args);
        sum += args.sum;
        chunks++;
        if (++loader->at == loader->n_chunks)
            loader->at = 0;
        pause_for(step->load_pause_cycles);
    }
    double end = tr_now_ns();
    uint64_t expected = (first + chunks) / loader->n_chunks * loader->sums[loader->n_chunks] +
                        loader->sums[loader->at] - loader->sums[first];
    loader->wrong |= sum != expected;
    loader->gb_per_s = (double)(chunks * CHUNK_BYTES) / (end - begin);
}

/* ---- the chaser ---- */

static int setup_chaser(struct state *state, struct tr_err *reterr) {
    const struct tr_step *step = &state->group->steps[0];
    int code = tr_chaser_map((size_t)step->slice_bytes, state->options->pages,
                             state->group->crew.memory_nodes[0], state->options->stop,
                             &state->chaser, reterr);
    return code ? code
                : tr_chaser_prepare(&state->chaser, step->kernel, (size_t)step->slice_bytes, false,
                                    warm_ns);
}

static void wait_ns(double ns) {
    for (double until = tr_now_ns() + ns; tr_now_ns() < until;)
        _mm_pause();
}

static int chase(struct state *state) {
    double share_ns = state->group->seconds * 1e9 / (double)state->group->n_steps;
    double sample_ns = fmin(fmax(share_ns / 16, sample_ns_least), sample_ns_most);
    while (atomic_load(&state->loading) < state->group->crew.n_threads - 1)
        _mm_pause();
    wait_ns(settle_ns);
    double clock_before = tr_core_clock_burst_ghz();
    state->loads = (size_t)fmax(1000, sample_ns / state->chaser.ns_a_load);
    double begin = tr_now_ns();
    int code = tr_chaser_walk(&state->chaser, state->loads);
    state->span_ns = tr_now_ns() - begin;
    state->clock_ghz = fmax(clock_before, tr_core_clock_burst_ghz());
    return code;
}

/* ---- thread 0: what a sample gave, what comes next ---- */

static int digest(struct state *state) {
    struct tr_series *series = &state->series[state->current];
    int n = state->group->crew.n_threads;
    double gb_per_s = 0;
    bool wrong = !tr_chaser_is_right(&state->chaser);
    for (int i = 1; i < n; i++) {
        wrong |= state->loaders[i].wrong;
        gb_per_s += state->loaders[i].gb_per_s;
    }
    if (wrong) {
        series->wrong = true;
        return 0;
    }
    if (!tr_watch_keep(state->watch_list, (size_t)n, state->span_ns, series))
        return 0;
    series->units_total += state->span_ns;
    series->span_total_ns += (double)state->loads;
    state->injected[state->current] += gb_per_s;
    return tr_series_add(series, state->span_ns / (double)state->loads, state->watch_list,
                         (size_t)n, state->clock_ghz);
}

static bool is_done(const struct state *state, size_t i) {
    const struct tr_series *series = &state->series[i];
    double elapsed_s = (tr_now_ns() - state->begun_ns) / 1e9;
    size_t least = state->options->min_samples;
    return series->wrong || (elapsed_s > state->group->seconds && series->n >= least) ||
           (elapsed_s > 2 * state->group->seconds + 5 && series->n >= 3) ||
           tr_series_settled(series, least);
}

/* Steps take turns, so that drift of the machine does not bend the curve. */
static void decide(struct state *state, bool have_sample) {
    size_t n = state->group->n_steps;
    if (have_sample && !state->failure.code)
        tr_failure_set(&state->failure, digest(state), NULL);
    if (*state->options->stop)
        tr_failure_set(&state->failure, TR_ESTOPPED, NULL);
    state->quit = true;
    for (size_t k = 1; k <= n && !state->failure.code && state->quit; k++)
        if (!is_done(state, (state->current + k) % n)) {
            state->current = (state->current + k) % n;
            state->quit = false;
        }
    if (state->quit)
        return;
    tr_series_tell(state->options, state->group, state->current, &state->series[state->current],
                   state->begun_ns);
    atomic_store(&state->loading, 0);
    atomic_store(&state->finished, 0);
}

static void take_part(struct state *state, int thread) {
    struct tr_watch *watch = &state->watches[thread];
    tr_watch_begin(watch);
    if (thread == 0) {
        int code = chase(state);
        atomic_store_explicit(&state->finished, 1, memory_order_release);
        tr_failure_set(&state->failure, code, NULL);
    } else {
        load_memory(state, thread);
    }
    tr_watch_end(watch);
}

static void work(void *context, int thread) {
    struct state *state = context;
    struct tr_err err = {0};
    int sense = 0;
    int code = tr_watch_start(state->machine, state->group->crew.cpus[thread],
                              &state->watches[thread], &err);
    if (!code)
        code = thread ? setup_loader(state, thread, &err) : setup_chaser(state, &err);
    tr_failure_set(&state->failure, code, &err);
    tr_barrier_wait(&state->barrier, &sense);
    if (thread == 0) {
        state->begun_ns = tr_now_ns();
        state->current = state->group->n_steps - 1; /* so that the first one comes first */
        decide(state, false);
    }
    tr_barrier_wait(&state->barrier, &sense);
    while (!state->quit) {
        take_part(state, thread);
        tr_barrier_wait(&state->barrier, &sense);
        if (thread == 0)
            decide(state, true);
        tr_barrier_wait(&state->barrier, &sense);
    }
    tr_watch_stop(&state->watches[thread]);
}

/* ---- the group ---- */

static int finish_series(struct state *state) {
    int code = 0;
    for (size_t i = 0; i < state->group->n_steps; i++) {
        struct tr_series *series = &state->series[i];
        if (series->n)
            state->group->steps[i].x = state->injected[i] / (double)series->n;
        code |= tr_series_close(series);
        series->huge_fraction = state->chaser.huge_fraction;
        series->node_fraction = state->chaser.node_fraction;
        series->bound_refused = state->chaser.bound_refused;
        for (int k = 1; k < state->group->crew.n_threads; k++)
            series->bound_refused |= state->loaders[k].bound_refused;
    }
    return code ? TR_ENOMEM : 0;
}

int tr_run_loaded_latency(const struct tr_machine *machine, const struct tr_group *group,
                          const struct tr_run_options *options, struct tr_series *ret_series,
                          struct tr_err *reterr) {
    struct state state = {
        .machine = machine, .group = group, .options = options, .series = ret_series};
    size_t threads = (size_t)group->crew.n_threads;
    int code = TR_ENOMEM;
    for (size_t i = 0; i < group->n_steps; i++)
        tr_series_init(&ret_series[i]);
    if (!group->n_steps || threads < 2)
        return 0;
    state.watches = calloc(threads, sizeof(*state.watches));
    state.watch_list = calloc(threads, sizeof(*state.watch_list));
    state.loaders = calloc(threads, sizeof(*state.loaders));
    state.injected = calloc(group->n_steps, sizeof(*state.injected));
    if (!state.watches || !state.watch_list || !state.loaders || !state.injected)
        goto out;
    for (size_t i = 0; i < threads; i++)
        state.watch_list[i] = &state.watches[i];
    tr_barrier_init(&state.barrier, group->crew.n_threads);
    code = tr_team_run(group->crew.n_threads, work, &state, reterr);
    if (!code)
        code = tr_failure_get(&state.failure, reterr);
    if (finish_series(&state) && !code)
        code = TR_ENOMEM;
out:
    tr_chaser_unmap(&state.chaser);
    for (size_t i = 0; state.loaders && i < threads; i++) {
        tr_buffer_unmap(&state.loaders[i].buffer);
        free(state.loaders[i].sums);
    }
    free(state.watches);
    free(state.watch_list);
    free(state.loaders);
    free(state.injected);
    return code;
}

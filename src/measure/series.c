#include "series.h"

#include <math.h>
#include <stdlib.h>

#include "bind.h"
#include "clock.h"
#include "counted.h"
#include "statistics.h"

void tr_series_init(struct tr_series *series) {
    *series = (struct tr_series){
        .core_ghz = NAN, .efficiency_ghz = NAN, .huge_fraction = NAN, .node_fraction = NAN};
}

void tr_conditions_count(struct tr_sample_conditions *conditions, const struct tr_counts *before,
                         const struct tr_counts *after) {
    tr_count_add(&conditions->context_switches, before->context_switches, after->context_switches);
    tr_count_add(&conditions->page_faults, before->page_faults, after->page_faults);
    tr_count_add(&conditions->migrations, before->migrations, after->migrations);
}

/* Another program on the core takes it away for whole time slices, of 3 to 5 ms: while two share a
 * core that is a switch or two in 10 ms, where a kernel thread now and then makes one or two. */
bool tr_series_preempted(int64_t switches, double span_ns) {
    return switches > 1 + (int64_t)(span_ns / 40e6);
}

/* What the threads' counters say of a sample, all together. */
static struct tr_sample_conditions conditions_of(const struct tr_watch *const *watches, size_t n,
                                                 double core_ghz) {
    struct tr_sample_conditions all = {
        .core_ghz = core_ghz, .window_fraction = NAN, .steal_s = NAN};
    for (size_t i = 0; i < n; i++) {
        tr_conditions_count(&all, &watches[i]->before, &watches[i]->after);
        all.moved_threads += watches[i]->migrated;
    }
    return all;
}

int tr_series_add(struct tr_series *series, double rate, const struct tr_watch *const *watches,
                  size_t n_watches, double core_ghz) {
    double *rates = realloc(series->rates, (series->n + 1) * sizeof(*rates));
    if (!rates)
        return TR_ENOMEM;
    series->rates = rates;
    struct tr_sample_conditions *conditions =
        realloc(series->conditions, (series->n + 1) * sizeof(*conditions));
    if (!conditions)
        return TR_ENOMEM;
    series->conditions = conditions;
    rates[series->n] = rate;
    conditions[series->n++] = conditions_of(watches, n_watches, core_ghz);
    return 0;
}

bool tr_series_settled(const struct tr_series *series, size_t min_samples) {
    struct tr_summary summary;
    if (series->n < min_samples)
        return false;
    if (series->n >= TR_SAMPLES_MOST || tr_summarize(series->rates, series->n, &summary))
        return true;
    return tr_summary_relative_half_width(&summary) <= 0.01;
}

bool tr_series_hopeless(const struct tr_series *series) {
    enum { MOST_IN_VAIN = 100 };
    return series->dropped > series->n + MOST_IN_VAIN;
}

void tr_series_count(struct tr_series *series, const struct tr_counts *before,
                     const struct tr_counts *after) {
    if (before->context_switches >= 0)
        series->context_switches += after->context_switches - before->context_switches;
    if (before->page_faults >= 0)
        series->page_faults += after->page_faults - before->page_faults;
    tr_count_add(&series->migrations, before->migrations, after->migrations);
    tr_counted_add(&series->counted, before, after);
}

void tr_series_count_time(struct tr_series *series, const struct tr_counts *before,
                          const struct tr_counts *after) {
    if (before->cpu_ns < 0 || after->cpu_ns < 0 || before->wall_ns < 0 || after->wall_ns < 0)
        return;
    double passed_ns = (double)(after->wall_ns - before->wall_ns);
    series->passed_ns += passed_ns;
    series->waited_ns += fmax(passed_ns - (double)(after->cpu_ns - before->cpu_ns), 0);
}

int tr_series_close(struct tr_series *series) {
    struct tr_summary summary;
    size_t known = 0;
    double *clocks = calloc(series->n + 1, sizeof(*clocks));
    for (size_t i = 0; clocks && i < series->n; i++)
        if (series->conditions[i].core_ghz > 0)
            clocks[known++] = series->conditions[i].core_ghz;
    int code = clocks ? tr_summarize(clocks, known, &summary) : TR_ENOMEM;
    if (!code)
        series->core_ghz = summary.median;
    free(clocks);
    return code;
}

void tr_series_tell(const struct tr_run_options *options, const struct tr_group *group, size_t i,
                    const struct tr_series *series, double begun_ns) {
    double elapsed_s = (tr_now_ns() - begun_ns) / 1e9;
    struct tr_run_progress progress = {
        .group = group,
        .kernel = group->steps[i].kernel,
        .stage = options->stage,
        .n_stages = options->n_stages,
        .seconds_left = fmax(0, group->seconds - elapsed_s) + options->seconds_after,
        .current = series->n ? series->rates[series->n - 1] : NAN,
        .unit = group->unit,
    };
    if (options->progress)
        options->progress(options->progress_context, &progress);
}

int tr_watch_start(const struct tr_machine *machine, int cpu, struct tr_watch *ret_watch,
                   struct tr_err *reterr) {
    int code = tr_bind_thread(machine, cpu, reterr);
    if (code)
        return code;
    *ret_watch = (struct tr_watch){.machine = machine, .cpu = cpu};
    tr_counters_start(&ret_watch->counters);
    return 0;
}

void tr_watch_stop(struct tr_watch *watch) {
    if (!watch->machine)
        return;
    tr_counters_stop(&watch->counters);
    tr_unbind_thread(watch->machine);
    watch->machine = NULL;
}

void tr_watch_begin(struct tr_watch *watch) {
    watch->not_pinned = !tr_thread_is_bound(watch->machine, watch->cpu);
    tr_counters_read(&watch->counters, &watch->before);
    watch->migrated = tr_current_cpu() != watch->cpu;
}

void tr_watch_end(struct tr_watch *watch) {
    watch->migrated |= tr_current_cpu() != watch->cpu;
    tr_counters_read(&watch->counters, &watch->after);
}

bool tr_watch_keep(const struct tr_watch *const *watches, size_t n, double span_ns,
                   struct tr_series *series) {
    bool migrated = false, not_pinned = false, faulted = false, preempted = false;
    for (size_t i = 0; i < n; i++) {
        const struct tr_watch *watch = watches[i];
        tr_series_count_time(series, &watch->before, &watch->after);
        migrated |= watch->migrated;
        not_pinned |= watch->not_pinned;
        faulted |= watch->after.page_faults > watch->before.page_faults;
        preempted |= tr_series_preempted(
            watch->after.context_switches - watch->before.context_switches, span_ns);
    }
    bool disturbed = migrated || not_pinned || faulted || preempted;
    if (disturbed && series->dropped <= series->n + 5) {
        series->dropped++;
        series->migrated |= migrated;
        series->not_pinned |= not_pinned;
        series->faulted |= faulted;
        return false;
    }
    series->disturbed += disturbed;
    for (size_t i = 0; i < n; i++)
        tr_series_count(series, &watches[i]->before, &watches[i]->after);
    return true;
}

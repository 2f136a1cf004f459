/* Series of samples, and what must not happen to a thread while one is taken: for runners whose
 * threads do different things (latency, pairs, barriers), as far as run.c does for all others. */
#ifndef TR_MEASURE_SERIES_H
#define TR_MEASURE_SERIES_H

#include <stdbool.h>

#include "counters.h"
#include "run.h"

/* Empty, all unknown. */
void tr_series_init(struct tr_series *series);
struct tr_watch;
/* Appends one sample: what its threads' watches saw (they may be NULL where n is 0), and the core
 * clock of that time (NAN unknown). TR_ENOMEM. */
int tr_series_add(struct tr_series *series, double rate, const struct tr_watch *const *watches,
                  size_t n_watches, double core_ghz);
/* A series has no more than so many. */
enum { TR_SAMPLES_MOST = 500 };
/* At least `min_samples`, and the interval of the median within 1%; or very many. */
bool tr_series_settled(const struct tr_series *series, size_t min_samples);
/* So many more samples were dropped than kept that repeating them leads nowhere: threads that never
 * run at the same time. (Samples that are only disturbed are kept after a few attempts.) */
bool tr_series_hopeless(const struct tr_series *series);
/* Adds what was counted between two readings of one thread's counters. */
void tr_series_count(struct tr_series *series, const struct tr_counts *before,
                     const struct tr_counts *after);
/* The same of a sample that may yet be dropped: who had the CPU meanwhile. */
void tr_series_count_time(struct tr_series *series, const struct tr_counts *before,
                          const struct tr_counts *after);
/* Whether something else had one of a sample's threads' CPU: `switches` are those of the thread
 * that was taken off it most often. */
bool tr_series_preempted(int64_t switches, double span_ns);
/* Adds what one thread's counters saw of a sample to its conditions, which begin as zeros; -1 where
 * some thread's did not count. */
void tr_conditions_count(struct tr_sample_conditions *conditions, const struct tr_counts *before,
                         const struct tr_counts *after);
/* Sets core_ghz to the median clock of the samples. */
int tr_series_close(struct tr_series *series);

/* Tells the caller of the run where step `i` stands. */
void tr_series_tell(const struct tr_run_options *options, const struct tr_group *group, size_t i,
                    const struct tr_series *series, double begun_ns);

/* One thread's conditions around a sample. */
struct tr_watch {
    const struct tr_machine *machine;
    int cpu;
    struct tr_counters counters;
    struct tr_counts before, after;
    bool not_pinned, migrated;
};

/* Binds the calling thread to `cpu` and starts counting. TR_EUNAVAILABLE if it cannot be bound. */
int tr_watch_start(const struct tr_machine *machine, int cpu, struct tr_watch *ret_watch,
                   struct tr_err *reterr);
/* Ends counting and lets the thread run anywhere again. */
void tr_watch_stop(struct tr_watch *watch);
/* Right before and right after a sample, on the thread itself. */
void tr_watch_begin(struct tr_watch *watch);
void tr_watch_end(struct tr_watch *watch);
/* By one thread, when all have ended: whether the sample of `span_ns` was undisturbed for all of
 * them. If not it is counted as dropped and should be repeated, unless most samples are like that
 * (true, then: the figure is flagged later). What is kept is added to the series' counts. */
bool tr_watch_keep(const struct tr_watch *const *watches, size_t n, double span_ns,
                   struct tr_series *series);

#endif

#include "phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/err.h"

static const char *const names[TR_SOAK_STAGES] = {"memory", "compute", "mixed",
                                                  "steps",  "filling", "last check"};

const char *tr_soak_load_name(int load) {
    return load >= 0 && load < TR_SOAK_STAGES ? names[load] : "unknown";
}

int tr_soak_load_from_name(const char *name) {
    for (int i = 0; i < TR_SOAK_LOADS; i++)
        if (!strcmp(name, names[i]))
            return i;
    return -1;
}

static const double round_s = 60;
/* Shares of a round. Memory takes most time, since a walk through all of it does. */
static const double shares[TR_SOAK_LOADS] = {0.45, 0.2, 0.2, 0.15};
/* Steps: what a regulator of voltage sees. Slow enough for fans and firmware to follow, as fast as
 * its own loop, in between; then single cores, which reach clocks that all together never do. */
static const double periods_s[] = {1, 0.1, 0.01, 0};
enum { N_PERIODS = sizeof(periods_s) / sizeof(periods_s[0]) };

int tr_soak_phases_make(double seconds, unsigned loads, struct tr_soak_phases *ret_phases) {
    size_t rounds = seconds > 1.5 * round_s ? (size_t)lround(seconds / round_s) : 1;
    double sum = 0, length_s = seconds / (double)rounds, at = 0;
    struct tr_soak_phases phases = {
        .items = calloc(rounds * (TR_SOAK_LOADS - 1 + N_PERIODS), sizeof(*phases.items))};
    if (!phases.items)
        return TR_ENOMEM;
    for (int load = 0; load < TR_SOAK_LOADS; load++)
        sum += loads >> load & 1 ? shares[load] : 0;
    for (size_t i = 0; i < rounds; i++)
        for (int load = 0; load < TR_SOAK_LOADS; load++) {
            int parts = load == TR_SOAK_STEPS ? N_PERIODS : 1;
            for (int part = 0; part < parts && loads >> load & 1; part++) {
                double end = at + length_s * shares[load] / sum / parts;
                phases.items[phases.n++] = (struct tr_soak_phase){
                    .load = (enum tr_soak_load)load,
                    .begin_s = at,
                    .end_s = end,
                    .period_s = load == TR_SOAK_STEPS ? periods_s[part] : NAN,
                };
                at = end;
            }
        }
    *ret_phases = phases;
    return 0;
}

void tr_soak_phases_finish(struct tr_soak_phases *phases) {
    free(phases->items);
    *phases = (struct tr_soak_phases){0};
}

const struct tr_soak_phase *tr_soak_phase_at(const struct tr_soak_phases *phases, double t_s) {
    size_t low = 0, high = phases->n - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (t_s < phases->items[middle].end_s)
            high = middle;
        else
            low = middle + 1;
    }
    return &phases->items[low];
}

/* A turn of one core: all get one, unless they would be shorter than a clock takes to rise. */
static const double turn_least_s = 0.01;

bool tr_soak_step_is_busy(const struct tr_soak_phase *phase, double t_s, int which, int n,
                          double *ret_until_s) {
    double since = fmax(0, t_s - phase->begin_s);
    double turn_s = fmax(turn_least_s, (phase->end_s - phase->begin_s) / n);
    double half_s = phase->period_s > 0 ? phase->period_s / 2 : turn_s;
    double halves = floor(since / half_s);
    *ret_until_s = fmin(phase->end_s, phase->begin_s + (halves + 1) * half_s);
    if (phase->period_s > 0)
        return fmod(halves, 2) < 1;
    return (int)fmod(halves, n) == which;
}

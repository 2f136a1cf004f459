#include "measured_rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const struct {
    const char *kernel;
    enum tr_measured_op op;
} kernels[] = {
    {"gemv", TR_MEASURED_GEMV},
    {"gemm", TR_MEASURED_GEMM},
    {"attention", TR_MEASURED_ATTENTION},
    {"copy", TR_MEASURED_COPY},
};

/* One rate an operation, type, number of threads and of tokens: the best form of it. */
static int add(struct tr_measured *measured, const struct tr_measured_rate *rate) {
    for (size_t i = 0; i < measured->n; i++) {
        struct tr_measured_rate *one = &measured->rates[i];
        if (one->op != rate->op || one->threads != rate->threads || one->tokens != rate->tokens ||
            strcmp(one->type, rate->type))
            continue;
        bool time = rate->op == TR_MEASURED_BARRIER;
        if (time ? rate->rate < one->rate : rate->rate > one->rate)
            one->rate = rate->rate;
        return 0;
    }
    struct tr_measured_rate *grown =
        realloc(measured->rates, (measured->n + 1) * sizeof(*measured->rates));
    if (!grown)
        return TR_ENOMEM;
    measured->rates = grown;
    grown[measured->n++] = *rate;
    return 0;
}

/* A single thread's figure is its core's; all else is the machine's. */
static bool is_machine_wide(const struct tr_measurement *m) {
    return m->place.kind == TR_PLACE_MACHINE || (m->place.kind == TR_PLACE_CORE && m->threads == 1);
}

/* The same product was measured with more weights too: this one is out of a cache. */
static bool is_from_cache(const struct tr_calibration *calibration,
                          const struct tr_measurement *m) {
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *other = &calibration->measurements[i];
        if (!strcmp(m->kernel, "gemv") && !strcmp(other->kernel, "gemv") && m->dtype &&
            other->dtype && !strcmp(m->dtype, other->dtype) && m->threads == other->threads &&
            other->working_set_bytes > m->working_set_bytes)
            return true;
    }
    return false;
}

static int add_measurement(const struct tr_calibration *calibration, struct tr_measured *measured,
                           const struct tr_measurement *m) {
    const char *type = m->quant ? m->quant : m->dtype;
    if (!is_machine_wide(m) || !(m->median > 0) || m->after_s > 0 ||
        tr_strings_has(&m->flags, "above_ceiling") ||
        tr_strings_has(&m->flags, "small_working_set") || is_from_cache(calibration, m))
        return 0;
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (strcmp(m->kernel, kernels[i].kernel) != 0)
            continue;
        bool typed = kernels[i].op != TR_MEASURED_COPY, gemm = kernels[i].op == TR_MEASURED_GEMM;
        struct tr_measured_rate rate = {
            .op = gemm && m->isa && !strcmp(m->isa, "amx") ? TR_MEASURED_GEMM_TILES : kernels[i].op,
            .threads = m->threads,
            .tokens = gemm && m->n > 0 ? (double)m->n : 1,
            .rate = m->median};
        for (size_t k = 0; typed && type && type[k] && k + 1 < sizeof(rate.type); k++)
            rate.type[k] = type[k] >= 'a' && type[k] <= 'z' ? (char)(type[k] - 32) : type[k];
        return add(measured, &rate);
    }
    return 0;
}

static int add_barriers(struct tr_measured *measured, const struct tr_curve *curve) {
    int code = 0;
    if (strcmp(curve->name, "barrier") != 0)
        return 0;
    for (size_t i = 0; i < curve->n_points && !code; i++)
        if (curve->points[i].x >= 1 && curve->points[i].x < 1e6)
            code = add(measured, &(struct tr_measured_rate){.op = TR_MEASURED_BARRIER,
                                                            .threads = (int)curve->points[i].x,
                                                            .tokens = 1,
                                                            .rate = curve->points[i].median});
    return code;
}

int tr_measured_from_calibration(const struct tr_calibration *calibration,
                                 struct tr_measured *ret_measured) {
    struct tr_measured measured = {.read_gb_per_s = NAN};
    const struct tr_measurement *read = tr_calibration_read_rate(calibration);
    int code = 0;
    if (read)
        measured.read_gb_per_s = read->best;
    for (size_t i = 0; i < calibration->n_measurements && !code; i++)
        code = add_measurement(calibration, &measured, &calibration->measurements[i]);
    for (size_t i = 0; i < calibration->n_curves && !code; i++)
        code = add_barriers(&measured, &calibration->curves[i]);
    if (code) {
        tr_measured_finish(&measured);
        return code;
    }
    *ret_measured = measured;
    return 0;
}

bool tr_measured_has_products(const struct tr_measured *measured) {
    for (size_t i = 0; i < measured->n; i++)
        if (measured->rates[i].op == TR_MEASURED_GEMV)
            return true;
    return false;
}

void tr_measured_finish(struct tr_measured *measured) {
    free(measured->rates);
    *measured = (struct tr_measured){0};
}

/* ---- placement ---- */

static double interleaved_sum(const struct tr_matrix *m) {
    size_t n = m->n_rows;
    double sum = 0, least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        double time = 0;
        for (size_t j = 0; j < n; j++)
            time += 1 / m->values[i * n + j];
        sum += (double)n / time;
        least = fmin(least, m->values[i * n + i]);
    }
    /* Each node's memory gives the n-th part of it. */
    return fmin(sum, (double)n * least);
}

static double one_node_sum(const struct tr_matrix *m) {
    size_t n = m->n_rows;
    double best = 0;
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += m->values[i * n + j];
        best = fmax(best, fmin(sum, m->values[j * n + j]));
    }
    return best;
}

double tr_placement_fraction(const struct tr_calibration *calibration, enum tr_placed placed) {
    const json_t *machine = json_object_get(calibration->document, "machine");
    double local = 0;
    if (placed == TR_PLACED_LOCAL || json_array_size(json_object_get(machine, "numa_nodes")) == 1)
        return 1;
    for (size_t i = 0; i < calibration->n_matrices; i++) {
        const struct tr_matrix *m = &calibration->matrices[i];
        if (strcmp(m->name, "node_read") != 0 || m->n_rows != m->n_columns || m->n_rows < 2)
            continue;
        for (size_t j = 0; j < m->n_rows; j++)
            local += m->values[j * m->n_rows + j];
        return (placed == TR_PLACED_ONE_NODE ? one_node_sum(m) : interleaved_sum(m)) / local;
    }
    return NAN;
}

/* ---- after a long load ---- */

static bool is_headline(const struct tr_measurement *m, const char *kernel) {
    return m->kernel && !strcmp(m->kernel, kernel) && m->place.kind == TR_PLACE_MACHINE &&
           m->median > 0;
}

/* The figure after the load / the best without, of the same kernel, type and threads. */
static double kept(const struct tr_calibration *calibration, const char *kernel,
                   double *ret_after_s) {
    const struct tr_measurement *after = NULL;
    double before = NAN;
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        if (is_headline(m, kernel) && m->after_s > 0 && (!after || m->median > after->median))
            after = m;
    }
    for (size_t i = 0; after && i < calibration->n_measurements; i++) {
        const struct tr_measurement *m = &calibration->measurements[i];
        bool same_type = !m->dtype || !after->dtype || !strcmp(m->dtype, after->dtype);
        if (is_headline(m, kernel) && isnan(m->after_s) && m->threads == after->threads &&
            same_type)
            before = fmax(before, m->median);
    }
    if (after)
        *ret_after_s = after->after_s;
    return after ? after->median / before : NAN;
}

struct tr_sustained tr_sustained_from(const struct tr_calibration *calibration) {
    struct tr_sustained found = {0};
    found.read_fraction = kept(calibration, "read", &found.after_s);
    found.compute_fraction = kept(calibration, "fma", &found.after_s);
    return found;
}

struct tr_checked_on tr_checked_on_from(const struct tr_calibration *calibration) {
    const json_t *machine = json_object_get(calibration->document, "machine");
    return (struct tr_checked_on){
        .uarch = tr_calibration_text(calibration, "cpu.uarch"),
        .cores = (int)json_array_size(json_object_get(machine, "cores")),
        .nodes = (int)json_array_size(json_object_get(machine, "numa_nodes")),
    };
}

struct tr_basis tr_basis_from(const struct tr_calibration *calibration,
                              const struct tr_rates *rates, const struct tr_measured *measured) {
    return (struct tr_basis){
        .platform = rates->platform,
        .threads = rates->threads,
        .memory_bytes = rates->memory_bytes,
        .storage_gb_per_s = rates->storage_gb_per_s,
        .rates = rates,
        .measured = tr_measured_has_products(measured) ? measured : NULL,
        .machine = tr_checked_on_from(calibration),
    };
}

int tr_predict_finest(const struct tr_model *model, const struct tr_basis *basis,
                      const struct tr_use_case *use_cases, size_t n_use_cases,
                      struct tr_prediction **ret_prediction, struct tr_err *reterr) {
    struct tr_err coarser = {0}; /* no error where the other one answers */
    int code =
        tr_predict("measured", model, basis, use_cases, n_use_cases, ret_prediction, &coarser);
    if (code && code != TR_EUNAVAILABLE && reterr)
        *reterr = coarser;
    if (code != TR_EUNAVAILABLE)
        return code;
    return tr_predict("formula", model, basis, use_cases, n_use_cases, ret_prediction, reterr);
}

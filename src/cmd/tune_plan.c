#include "tune_plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "search.h"

/* Measuring time of a round; mapping and filling memory comes on top. */
static const double first_round_s = 6, round_s = 3;

static const char *const rates[] = {"read", "copy", "triad", "fma_f32", "latency"};
static const char *const all[] = {"read",      "copy",      "triad",    "fma_f32",       "latency",
                                  "gemv_q4_k", "gemm_q4_k", "gemm_f16", "attention_f16", "barrier"};
enum { N_RATES = sizeof(rates) / sizeof(rates[0]), N_ALL = sizeof(all) / sizeof(all[0]) };
enum { PROMPT_TOKENS = 512 };

bool tr_tune_is_chase(const struct tr_step *step) {
    return step->kernel->op->kind == TR_KIND_CHASE;
}

static int most_threads(const struct tr_plan *plan) {
    int most = 0;
    for (size_t i = 0; i < plan->n_groups; i++)
        most = plan->groups[i].crew.n_threads > most ? plan->groups[i].crew.n_threads : most;
    return most;
}

/* Of streams the searched form, of FMA the best instruction set, of products that of a prompt. */
static bool keeps_step(const struct tr_group *group, size_t i) {
    const struct tr_step *step = &group->steps[i];
    if (step->kernel->op->kind == TR_KIND_STREAM)
        return step->searched;
    if (step->kernel->op->kind == TR_KIND_COMPUTE)
        return i + 1 == group->n_steps;
    return strcmp(step->kernel->op->name, "gemm") != 0 || step->shape.n == PROMPT_TOKENS;
}

/* The memory's latency alone: the curve's last point, as a figure of its own. */
static void trim_latency(struct tr_group *group) {
    size_t largest = 0;
    for (size_t i = 0; i < group->n_steps; i++)
        if (group->steps[i].slice_bytes > group->steps[largest].slice_bytes)
            largest = i;
    group->steps[0] = group->steps[largest];
    group->steps[0].result = TR_RESULT_MEASUREMENT;
    group->n_steps = 1;
}

static void trim_group(struct tr_group *group) {
    size_t n = 0;
    if (tr_tune_is_chase(&group->steps[0])) {
        trim_latency(group);
        return;
    }
    for (size_t i = 0; i < group->n_steps; i++)
        if (keeps_step(group, i))
            group->steps[n++] = group->steps[i];
    group->n_steps = n;
}

/* What a selection by name has and a round does without: single threads, further forms, the curve
 * of latencies. */
static void trim(struct tr_plan *plan, double seconds) {
    int threads = most_threads(plan);
    double sum = 0;
    size_t kept = 0, chased = SIZE_MAX; /* chased: the group that measures the latency */
    for (size_t i = 0; i < plan->n_groups; i++) {
        struct tr_group *group = &plan->groups[i];
        size_t before = group->n_steps;
        bool chase = tr_tune_is_chase(&group->steps[0]);
        if (chase ? chased != SIZE_MAX : group->crew.n_threads != threads) {
            tr_crew_finish(&group->crew);
            free(group->steps);
            continue;
        }
        if (chase)
            chased = kept;
        trim_group(group);
        group->seconds *= (double)group->n_steps / (double)before;
        if (chase)
            group->seconds = 0.1 * seconds;
        sum += chase ? 0 : group->seconds;
        plan->groups[kept++] = *group;
    }
    plan->n_groups = kept;
    for (size_t i = 0; i < plan->n_groups; i++)
        if (i != chased)
            plan->groups[i].seconds *= 0.9 * seconds / sum;
    plan->seconds = seconds;
    plan->by_name = false; /* the headlines are what counts */
}

/* What is searched for: of an operation on streams, of a product with one type of weights. */
static void form_key(const struct tr_kernel *kernel, char key[64]) {
    bool stream = kernel->op->kind == TR_KIND_STREAM;
    snprintf(key, 64, "%s%s%s", kernel->op->name, stream ? "" : "_",
             stream ? "" : tr_dtype_name(kernel->dtype));
}

void tr_tune_set_forms(struct tr_plan *plan, const json_t *forms) {
    for (size_t g = 0; g < plan->n_groups; g++) {
        for (size_t i = 0; i < plan->groups[g].n_steps; i++) {
            struct tr_step *step = &plan->groups[g].steps[i];
            char key[64];
            form_key(step->kernel, key);
            const json_t *form = step->searched ? json_object_get(forms, key) : NULL;
            const struct tr_kernel *kernel =
                tr_search_form(step->kernel, json_string_value(json_object_get(form, "kernel")),
                               json_string_value(json_object_get(form, "isa")));
            if (!kernel)
                continue;
            step->kernel = kernel;
            step->searched = false;
        }
    }
}

int tr_tune_forms_of(const struct tr_plan *plan, json_t **ret_forms) {
    json_t *forms = json_object();
    int failed = !forms;
    for (size_t g = 0; g < plan->n_groups; g++)
        for (size_t i = 0; i < plan->groups[g].n_steps; i++) {
            const struct tr_kernel *kernel = plan->groups[g].steps[i].kernel;
            char key[64];
            form_key(kernel, key);
            if (kernel->op->kind == TR_KIND_STREAM || !strcmp(kernel->op->name, "gemv"))
                failed |= json_object_set_new(
                    forms, key, json_pack("{s:s, s:s}", "kernel", kernel->id, "isa", kernel->isa));
        }
    if (failed) {
        json_decref(forms);
        return TR_ENOMEM;
    }
    *ret_forms = forms;
    return 0;
}

bool tr_tune_can_run(const struct tr_machine *machine, const json_t *forms) {
    const char *op;
    json_t *form;
    json_object_foreach((json_t *)forms, op, form) {
        const char *isa = json_string_value(json_object_get(form, "isa"));
        int level = isa ? tr_isa_from_name(isa) : -1;
        if (level < 0 || !machine->cpu.levels[level].available)
            return false;
    }
    return true;
}

int tr_tune_plan_round(struct tr_measuring *measuring, const struct tr_output_options *output,
                       const struct tr_progress_options *progress, bool first,
                       struct tr_err *reterr) {
    static const struct tr_machine_options machine = {0};
    const struct tr_plan_options options = {.effort = TR_EFFORT_QUICK,
                                            .kernels = first ? all : rates,
                                            .n_kernels = first ? N_ALL : N_RATES,
                                            .isa_cap = -1,
                                            .seconds = first ? first_round_s : round_s};
    int code = tr_measuring_init(measuring, output, progress, &machine, &options, reterr);
    if (!code)
        trim(&measuring->plan, options.seconds);
    return code;
}

int tr_tune_print_plan(const struct tr_output_options *output,
                       const struct tr_progress_options *progress, struct tr_err *reterr) {
    struct tr_measuring measuring = {0};
    int code = tr_tune_plan_round(&measuring, output, progress, true, reterr);
    if (!code)
        code = tr_measuring_print_plan(&measuring, reterr);
    tr_measuring_finish(&measuring);
    return code;
}

#include "tune_step.h"

#include <math.h>
#include <stdio.h>

#include "calibration_json.h"
#include "spec_platforms.h"
#include "tokenroof/machine.h"
#include "tokenroof/model.h"
#include "tokenroof/predict.h"

struct rates {
    double read, tg, pp;
};

/* Of the machine with the overrides; NAN for what is not known of it. */
static int rates_of(const struct tr_machine_options *options, int cores, const char *model_name,
                    struct rates *ret_rates, struct tr_err *reterr) {
    static const struct tr_use_case cases[] = {{.name = "pp512", .prompt_tokens = 512},
                                               {.name = "tg128", .generated_tokens = 128}};
    struct tr_machine *machine = NULL;
    struct tr_model *model = NULL;
    struct tr_prediction *prediction = NULL;
    struct tr_spec spec = {.has_cpu = true, .gpu_layers = -1};
    struct tr_basis basis = {.memory_bytes = NAN, .storage_gb_per_s = NAN, .spec = &spec};
    *ret_rates = (struct rates){NAN, NAN, NAN};
    int code = tr_machine_load(options, &machine, reterr);
    if (code)
        return code;
    const struct tr_limit *limit =
        tr_limit_find(machine->limits, machine->n_limits, "memory_read", TR_PLACE_MACHINE, 0);
    if (limit)
        ret_rates->read = limit->value;
    tr_spec_cpu_of_machine(machine, &spec.cpu);
    if (cores)
        spec.cpu.cores = cores;
    if (model_name)
        code = tr_model_load(model_name, &model, reterr);
    /* Unknown limits are no error: nothing is then known of what they allow. */
    if (!code && model && !tr_predict("spec", model, &basis, cases, 2, &prediction, NULL)) {
        ret_rates->pp = prediction->results[0].pp_tok_s.value;
        ret_rates->tg = prediction->results[1].tg_tok_s.value;
    }
    tr_prediction_destroy(prediction);
    tr_model_destroy(model);
    tr_machine_destroy(machine);
    return code;
}

static bool differs(double to, double from) {
    return !isnan(to) && !(fabs(to - from) < 0.5);
}

int tr_tune_step_find(const struct tr_machine_options *machine, const struct tr_tune_setting *from,
                      const char *label, const char *what_if, const char *model,
                      struct tr_tune_step *ret_step, bool *ret_known, struct tr_err *reterr) {
    struct tr_machine_options before = *machine, after;
    struct tr_tune_step step = {.from = {NAN, NAN}, .to = tr_tune_clocks_of_text(label)};
    struct rates old, new;
    int cores = 0;
    if (from) {
        step.from = tr_tune_clocks_of(from);
        snprintf(step.base, sizeof(step.base), "%s", from->label);
    }
    if (!isnan(step.from.mts))
        before.overrides.mts = step.from.mts;
    if (!isnan(step.from.fclk_mhz))
        before.overrides.fclk_mhz = step.from.fclk_mhz;
    after = before;
    int code = what_if ? tr_what_if_read(what_if, &after.overrides, &cores, reterr) : 0;
    if (code)
        return code;
    if (what_if && after.overrides.mts > 0)
        step.to.mts = after.overrides.mts;
    if (what_if && after.overrides.fclk_mhz > 0)
        step.to.fclk_mhz = after.overrides.fclk_mhz;
    if (!isnan(step.to.mts))
        after.overrides.mts = step.to.mts;
    if (!isnan(step.to.fclk_mhz))
        after.overrides.fclk_mhz = step.to.fclk_mhz;
    *ret_known = what_if || differs(step.to.mts, step.from.mts) ||
                 differs(step.to.fclk_mhz, step.from.fclk_mhz);
    if (!*ret_known)
        return 0;
    code = rates_of(&before, 0, model, &old, reterr);
    if (!code)
        code = rates_of(&after, cores, model, &new, reterr);
    if (code)
        return code;
    step.read = new.read / old.read - 1;
    step.tg = new.tg / old.tg - 1;
    step.pp = new.pp / old.pp - 1;
    *ret_step = step;
    return 0;
}

json_t *tr_tune_step_to_json(const struct tr_tune_step *step) {
    return json_pack("{s:o, s:o, s:o}", "read", tr_json_number(1 + step->read), "tg",
                     tr_json_number(1 + step->tg), "pp", tr_json_number(1 + step->pp));
}

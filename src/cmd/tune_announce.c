#include "tune_announce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "tune_step.h"

static void add_ratio(struct tr_strbuf *text, const char *what, double change, const char *end) {
    if (isnan(change))
        tr_strbuf_addf(text, "%s unknown%s", what, end);
    else
        tr_strbuf_addf(text, "%s %+.1f%%%s", what, 100 * change, end);
}

static void add_clock(struct tr_strbuf *text, const char *name, double from, double to,
                      const char *unit) {
    if (isnan(to))
        return;
    tr_strbuf_addf(text, ", %s", name);
    if (!isnan(from))
        tr_strbuf_addf(text, "%.0f -> ", from);
    tr_strbuf_addf(text, "%.0f %s", to, unit);
}

static void describe_step(const struct tr_tune_step *step, struct tr_strbuf *text) {
    char *base = tr_printable(step->base);
    tr_strbuf_add(text, "at most      ");
    if (isnan(step->read) && isnan(step->tg)) {
        tr_strbuf_add(text, "unknown, as the memory's limits are (see tokenroof topology)");
    } else {
        add_ratio(text, "read", step->read, ", ");
        add_ratio(text, "TG", step->tg, ", ");
        add_ratio(text, "PP", step->pp, "");
        if (base && *base)
            tr_strbuf_addf(text, " against '%s'", base);
    }
    add_clock(text, "", step->from.mts, step->to.mts, "MT/s");
    add_clock(text, "FCLK ", step->from.fclk_mhz, step->to.fclk_mhz, "MHz");
    tr_strbuf_add(text, "\n");
    free(base);
}

/* The first setting that was measured; what a step is compared with. */
static const struct tr_tune_setting *base_of(const struct tr_tune *tune, const char *label) {
    for (size_t i = 0; i < tune->n_settings; i++)
        if (tune->settings[i].recorded && strcmp(tune->settings[i].label, label) != 0)
            return &tune->settings[i];
    return NULL;
}

int tr_tune_announce(struct tr_tune_session *session, const char *label, const char *what_if,
                     struct tr_strbuf *text, struct tr_err *reterr) {
    static const struct tr_machine_options machine = {0};
    struct tr_tune_step step;
    bool known = false;
    int code = tr_tune_session_mark_given_up(session, label, reterr);
    if (!code)
        code = tr_tune_step_find(&machine, base_of(&session->tune, label), label, what_if,
                                 session->tune.model, &step, &known, reterr);
    if (code)
        return code;
    json_t *at_most = known ? tr_tune_step_to_json(&step) : NULL;
    code = tr_tune_session_add(session,
                               tr_tune_line_trying(tr_tune_now().text, label, session->boot_id,
                                                   what_if, at_most, json_incref(session->facts)),
                               reterr);
    if (!code)
        code = tr_tune_session_reread(session, reterr);
    if (!code && known)
        describe_step(&step, text);
    return code;
}

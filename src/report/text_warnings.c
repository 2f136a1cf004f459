#include <ctype.h>
#include <math.h>
#include <string.h>

#include <jansson.h>

#include "text.h"

/* `word` occurs in one of the warnings, in any case. */
static bool mentioned(const struct tr_strings *warnings, const char *word) {
    for (size_t i = 0; i < warnings->n; i++)
        if (strcasestr(warnings->items[i], word))
            return true;
    return false;
}

static void add(struct tr_strings *all, const char *text, bool *failed) {
    if (!tr_strings_has(all, text) && tr_strings_add(all, "%s", text))
        *failed = true;
}

/* What the file's facts say and its writer did not. */
static void add_derived(const struct tr_calibration *calibration, struct tr_strings *all,
                        bool *failed) {
    double populated = tr_calibration_number(calibration, "memory.channels_populated");
    double present = tr_calibration_number(calibration, "memory.channels_present");
    if (populated > 0 && present > populated && !mentioned(all, "channel"))
        *failed |= tr_strings_add(all,
                                  "%.4g of %.4g memory channels are empty: bandwidth is limited to "
                                  "%.0f %%. Put a module into each channel.",
                                  present - populated, present, populated / present * 100) != 0;
    const json_t *conditions = json_object_get(calibration->document, "conditions");
    double steal = json_number_value(json_object_get(conditions, "steal_fraction"));
    if (steal > 0.01 && !mentioned(all, "hypervisor took") && !mentioned(all, "stole"))
        *failed |= tr_strings_add(all,
                                  "The hypervisor took %.0f %% of the time for others: figures are "
                                  "too low. Repeat when the host is quiet.",
                                  steal * 100) != 0;
}

int tr_report_warnings(const struct tr_calibration *calibration, struct tr_strings *ret_warnings) {
    struct tr_strings all = {0};
    bool failed = false;
    for (size_t i = 0; i < calibration->warnings.n; i++)
        add(&all, calibration->warnings.items[i], &failed);
    for (size_t i = 0; i < calibration->n_measurements; i++)
        for (size_t j = 0; j < calibration->measurements[i].warnings.n; j++)
            add(&all, calibration->measurements[i].warnings.items[j], &failed);
    add_derived(calibration, &all, &failed);
    if (failed) {
        tr_strings_finish(&all);
        return TR_ENOMEM;
    }
    *ret_warnings = all;
    return 0;
}

static bool add_warning(struct tr_text *text, const char *warning) {
    struct tr_strbuf line = {0};
    tr_strbuf_addf(&line, "%s!%s ", tr_text_tone(text, TR_TONE_DOUBTFUL), tr_text_plain(text));
    tr_text_add(text, &line, warning);
    if (!line.failed)
        tr_text_wrap(text, line.text, 2);
    bool added = !line.failed;
    tr_strbuf_finish(&line);
    return added;
}

/* Whole warnings with their remedies, as many as there is room for, one at least. */
void tr_text_warnings(struct tr_text *text) {
    struct tr_strings all = {0};
    struct tr_strbuf *out = text->out;
    bool failed = tr_report_warnings(text->calibration, &all) != 0;
    size_t shown = 0, used = 1;
    if (all.n)
        tr_strbuf_add(out, "\n");
    for (size_t i = 0; i < all.n; i++) {
        struct tr_strbuf one = {0};
        text->out = &one;
        failed = !add_warning(text, all.items[i]) || one.failed || failed;
        size_t lines = tr_text_lines(one.text);
        /* What is left out is told in a line of its own. */
        size_t reserved = i + 1 < all.n || shown < i;
        if (!text->most_lines || !shown || used + lines + reserved <= text->most_lines) {
            tr_strbuf_add(out, one.failed ? "" : one.text);
            used += lines;
            shown++;
        }
        tr_strbuf_finish(&one);
    }
    text->out = out;
    if (shown < all.n)
        tr_text_wrapf(text, 2, "! %zu more %s: -v shows all", all.n - shown,
                      all.n - shown == 1 ? "warning" : "warnings");
    tr_strings_finish(&all);
    out->failed = out->failed || failed;
}

#include "validate_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tokenroof/err.h"
#include "verdicts.h"

/* "92.1 % of the limit (82 to 99)". */
static void add_value(const struct tr_check *check, struct tr_strbuf *line) {
    bool low = !isnan(check->low), high = !isnan(check->high);
    if (!check->unit)
        return;
    if (isnan(check->value))
        tr_strbuf_add(line, " unknown");
    else
        tr_strbuf_addf(line, " %.4g %s", check->value, check->unit);
    if (low && high && check->low == check->high)
        tr_strbuf_addf(line, " (expected: %.4g)", check->low);
    else if (low && high)
        tr_strbuf_addf(line, " (expected: %.4g to %.4g)", check->low, check->high);
    else if (low)
        tr_strbuf_addf(line, " (expected: at least %.4g)", check->low);
    else if (high)
        tr_strbuf_addf(line, " (expected: at most %.4g)", check->high);
}

static void add_check(struct tr_text *text, const struct tr_check *check, bool verbose) {
    static const enum tr_tone tones[] = {TR_TONE_GOOD, TR_TONE_DOUBTFUL, TR_TONE_BAD,
                                         TR_TONE_PLAIN};
    static const char *const words[] = {"pass", "WARN", "FAIL", "skip"};
    bool missed = check->outcome == TR_CHECK_WARN || check->outcome == TR_CHECK_FAIL;
    struct tr_strbuf line = {0};
    tr_strbuf_addf(&line, "  %s%s%s  ", tr_text_tone(text, tones[check->outcome]),
                   words[check->outcome], tr_text_plain(text));
    tr_text_add(text, &line, check->name);
    tr_strbuf_add(&line, ":");
    add_value(check, &line);
    tr_strbuf_add(&line, check->unit ? "; " : " ");
    tr_text_add(text, &line, check->why);
    if (check->from && (missed || verbose)) {
        tr_strbuf_add(&line, " [");
        tr_text_add(text, &line, check->from);
        tr_strbuf_add(&line, "]");
    }
    text->out->failed |= line.failed;
    if (!line.failed)
        tr_text_wrap(text, line.text, 8);
    tr_strbuf_finish(&line);
}

void tr_checks_text(const struct tr_checks *checks, const char *machine, const char *calibration,
                    const struct tr_term *term, bool verbose, struct tr_strbuf *out) {
    struct tr_text text = {.term = *term, .out = out};
    int group = -1;
    struct tr_strbuf line = {0};
    tr_text_add(&text, &line, machine ? machine : "this machine");
    tr_strbuf_add(&line, calibration ? ", measured: " : ", nothing measured");
    tr_text_add(&text, &line, calibration ? calibration : "");
    out->failed |= line.failed;
    if (!line.failed)
        tr_text_wrap(&text, line.text, 4);
    tr_strbuf_finish(&line);
    for (size_t i = 0; i < checks->n; i++) {
        if ((int)checks->items[i].group != group)
            tr_text_head(&text, tr_check_group_name(checks->items[i].group));
        group = (int)checks->items[i].group;
        add_check(&text, &checks->items[i], verbose);
    }
    size_t failed = tr_checks_count(checks, TR_CHECK_FAIL);
    tr_text_wrapf(&text, 0, "%s%zu failed%s, %zu warned, %zu passed, %zu skipped",
                  tr_text_tone(&text, failed ? TR_TONE_BAD : TR_TONE_GOOD), failed,
                  tr_text_plain(&text), tr_checks_count(checks, TR_CHECK_WARN),
                  tr_checks_count(checks, TR_CHECK_PASS), tr_checks_count(checks, TR_CHECK_SKIP));
}

int tr_checks_verdicts(const struct tr_checks *checks, const char *format, struct tr_strbuf *out) {
    static const enum tr_verdict_kind kinds[] = {TR_VERDICT_PASS, TR_VERDICT_WARN, TR_VERDICT_FAIL,
                                                 TR_VERDICT_SKIP};
    struct tr_verdict *verdicts = calloc(checks->n ? checks->n : 1, sizeof(*verdicts));
    if (!verdicts)
        return TR_ENOMEM;
    for (size_t i = 0; i < checks->n; i++) {
        const struct tr_check *check = &checks->items[i];
        verdicts[i] = (struct tr_verdict){.name = check->name,
                                          .verdict = kinds[check->outcome],
                                          .value = check->value,
                                          .unit = check->unit,
                                          .low = check->low,
                                          .high = check->high,
                                          .from = check->from,
                                          .why = check->why};
    }
    if (!strcmp(format, "junit"))
        tr_verdicts_junit("validate", verdicts, checks->n, out);
    else if (!strcmp(format, "csv"))
        tr_verdicts_csv(verdicts, checks->n, out);
    else
        tr_verdicts_tap(verdicts, checks->n, out);
    free(verdicts);
    return 0;
}

/* JSON lines: one record a line, for streams, logs and databases. */
#include <stdlib.h>

#include "calibration_json.h"
#include "report.h"

int tr_report_jsonl(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                    struct tr_err *reterr);

/* What each line of one input begins with, so that lines of many hosts can be mixed. */
struct origin {
    const char *host_id, *created, *label;
};

/* Writes `fields` (its reference is taken) behind the head of the record. */
static int add_record(struct tr_strbuf *out, const char *record, const struct origin *origin,
                      json_t *fields) {
    json_t *line = json_pack("{s:s, s:o, s:o, s:o}", "record", record, "host_id",
                             tr_json_text(origin->host_id), "created",
                             tr_json_text(origin->created), "label", tr_json_text(origin->label));
    char *text = NULL;
    /* The head's own members stay what they are. */
    if (line && fields && !json_object_update_missing(line, fields))
        text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        tr_strbuf_addf(out, "%s\n", text);
    free(text);
    json_decref(line);
    json_decref(fields);
    return text && !out->failed ? 0 : TR_ENOMEM;
}

static int add_array(struct tr_strbuf *out, const char *record, const struct origin *origin,
                     const json_t *array) {
    size_t i;
    json_t *item;
    int code = 0;
    json_array_foreach(array, i, item) {
        if (!code)
            code = add_record(out, record, origin, json_incref(item));
    }
    return code;
}

/* One line for the machine and the conditions, one for each entry of its lists. */
static int add_calibration(struct tr_strbuf *out, const struct tr_calibration *calibration,
                           const struct origin *origin) {
    static const struct {
        const char *list, *record;
    } lists[] = {
        {"limits", "limit"},
        {"measurements", "measurement"},
        {"curves", "curve"},
        {"matrices", "matrix"},
    };
    enum { N = sizeof(lists) / sizeof(lists[0]) };
    json_t *document = NULL;
    int code = tr_calibration_to_json(calibration, &document);
    json_t *rest = code ? NULL : json_copy(document);
    for (size_t i = 0; rest && i < N; i++)
        json_object_del(rest, lists[i].list);
    if (!code)
        code = add_record(out, "calibration", origin, rest);
    for (size_t i = 0; !code && i < N; i++)
        code = add_array(out, lists[i].record, origin, json_object_get(document, lists[i].list));
    json_decref(document);
    return code;
}

int tr_report_jsonl(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                    struct tr_err *reterr) {
    (void)reterr;
    int code = 0;
    for (size_t i = 0; !code && i < n; i++) {
        const struct tr_calibration *calibration = inputs[i].calibration;
        struct origin origin = {0};
        json_t *documents = NULL;
        if (calibration) {
            origin.host_id = tr_calibration_text(calibration, "host_id");
            origin.created = calibration->created;
            origin.label = calibration->label;
            code = add_calibration(out, calibration, &origin);
        }
        if (!code)
            code = tr_report_documents(&inputs[i], &documents);
        if (!code)
            code = add_array(out, "prediction", &origin, documents);
        json_decref(documents);
    }
    return code;
}

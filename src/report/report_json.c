#include <stdlib.h>

#include <jansson.h>

#include "calibration_json.h"
#include "report.h"

int tr_report_json(const struct tr_report_input *input, struct tr_strbuf *out);

/* With a list of predictions {"calibration", "predictions"}, else the calibration itself. */
int tr_report_json(const struct tr_report_input *input, struct tr_strbuf *out) {
    json_t *document = NULL, *calibration = NULL, *predictions = NULL;
    char *text = NULL;
    int code = tr_report_documents(input, &predictions);
    if (!code && input->calibration)
        code = tr_calibration_to_json(input->calibration, &calibration);
    if (code)
        goto out;
    if (input->predictions ||
        !calibration) /* also where there are none: the form is the command's */
        document = json_pack("{s:O?, s:O}", "calibration", calibration, "predictions", predictions);
    else
        document = json_incref(calibration);
    text = document ? json_dumps(document, TR_JSON_FLAGS) : NULL;
    if (!text) {
        code = TR_ENOMEM;
        goto out;
    }
    tr_strbuf_addf(out, "%s\n", text);
out:
    free(text);
    json_decref(document);
    json_decref(calibration);
    json_decref(predictions);
    return code;
}

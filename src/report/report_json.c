#include <stdlib.h>

#include <jansson.h>

#include "calibration_json.h"
#include "report.h"

int tr_report_json(const struct tr_report_input *input, struct tr_strbuf *out);

static int add_predictions(const struct tr_report_input *input, json_t *array) {
    for (size_t i = 0; i < input->n_predictions; i++) {
        json_t *prediction = NULL;
        int code = tr_prediction_to_json(input->predictions[i], &prediction);
        if (code)
            return code;
        if (json_array_append_new(array, prediction))
            return TR_ENOMEM;
    }
    return 0;
}

/* With a list of predictions {"calibration", "predictions"}, else the calibration itself. */
int tr_report_json(const struct tr_report_input *input, struct tr_strbuf *out) {
    json_t *document = NULL, *calibration = NULL, *predictions = json_array();
    char *text = NULL;
    int code = predictions ? 0 : TR_ENOMEM;
    if (!code && input->calibration)
        code = tr_calibration_to_json(input->calibration, &calibration);
    if (!code)
        code = add_predictions(input, predictions);
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

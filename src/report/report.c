#include "report.h"

#include <math.h>
#include <string.h>

#include "parse.h"

#define REPORT(name, alias, function) \
    int function(const struct tr_report_input *input, struct tr_strbuf *out);
#define REPORT_SEVERAL(name, alias, function)                                           \
    int function(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out, \
                 struct tr_err *reterr);
#include "reports.def"

static const struct tr_report_format formats[] = {
#define REPORT(name, alias, function) {name, alias, function, NULL},
#define REPORT_SEVERAL(name, alias, function) {name, alias, NULL, function},
#include "reports.def"
};
enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

const struct tr_report_format *tr_report_formats(size_t *ret_n) {
    *ret_n = N_FORMATS;
    return formats;
}

const struct tr_report_format *tr_report_format_find(const char *name) {
    for (size_t i = 0; i < N_FORMATS; i++)
        if (!strcmp(name, formats[i].name) || (formats[i].alias && !strcmp(name, formats[i].alias)))
            return &formats[i];
    return NULL;
}

int tr_report_render_several(const char *format, const struct tr_report_input *inputs, size_t n,
                             struct tr_strbuf *out, struct tr_err *reterr) {
    const struct tr_report_format *found = tr_report_format_find(format);
    if (!found) {
        const char *names[N_FORMATS + 1] = {0};
        struct tr_strbuf known = {0};
        for (size_t i = 0; i < N_FORMATS; i++) {
            names[i] = formats[i].name;
            tr_strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
        }
        const char *near = tr_nearest(format, names);
        tr_err_set(reterr, TR_EUSAGE, "unknown format '%.40s'. %s%s%s Known: %s", format,
                   near ? "Did you mean '" : "", near ? near : "", near ? "'?" : "",
                   known.failed ? "" : known.text);
        tr_strbuf_finish(&known);
        return TR_EUSAGE;
    }
    if (found->render && n != 1)
        return tr_err_set(reterr, TR_EUSAGE, "the format %s takes one file at a time", found->name);
    int code =
        found->render ? found->render(inputs, out) : found->render_several(inputs, n, out, reterr);
    if (!code && out->failed)
        code = TR_ENOMEM;
    if (code == TR_ENOMEM)
        tr_err_set(reterr, code, "out of memory");
    return code;
}

int tr_report_render(const char *format, const struct tr_report_input *input, struct tr_strbuf *out,
                     struct tr_err *reterr) {
    return tr_report_render_several(format, input, 1, out, reterr);
}

int tr_report_documents(const struct tr_report_input *input, json_t **ret_array) {
    json_t *array = input->documents ? json_copy((json_t *)input->documents) : json_array();
    int code = array ? 0 : TR_ENOMEM;
    for (size_t i = 0; !code && !input->documents && i < input->n_predictions; i++) {
        json_t *document = NULL;
        code = tr_prediction_to_json(input->predictions[i], &document);
        if (!code && json_array_append_new(array, document))
            code = TR_ENOMEM;
    }
    if (code)
        json_decref(array);
    else
        *ret_array = array;
    return code;
}

int tr_channels_that_fit(double read_gb_s, double all_channels_gb_s, int channels, int packages) {
    static const double least = 0.70, most = 0.97;
    if (!(read_gb_s > 0) || !(all_channels_gb_s > 0) || packages < 1 || channels < packages ||
        channels % packages)
        return -1;
    int per_package = channels / packages;
    /* In units of one channel in each package. */
    double reached = read_gb_s / all_channels_gb_s * per_package;
    if (reached >= least * per_package)
        return -1;
    for (int k = 1; k < per_package; k += k == 1 ? 1 : 2)
        if (reached <= most * k)
            return reached >= least * k ? k * packages : -1;
    return -1;
}

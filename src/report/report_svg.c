/* One chart as an SVG picture. */
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "plot.h"
#include "report.h"

int tr_report_svg(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                  struct tr_err *reterr);

/* TR_EUSAGE, with the charts that there are and the nearest name. */
static int which(const struct tr_report_input *input, struct tr_err *reterr) {
    struct tr_strings names = {0};
    struct tr_strbuf list = {0};
    int code = tr_plot_names(input, &names);
    if (code)
        return code;
    const char **all = calloc(names.n + 1, sizeof(*all));
    tr_strbuf_add(&list, names.n ? "" : "none");
    for (size_t i = 0; all && i < names.n; i++) {
        char *printable = tr_printable(names.items[i]);
        tr_strbuf_addf(&list, "%s%s", i ? ", " : "", printable ? printable : "?");
        free(printable);
        all[i] = names.items[i];
    }
    const char *near = input->chart && all ? tr_nearest(input->chart, all) : NULL;
    if (!input->chart)
        tr_err_set(reterr, TR_EUSAGE, "svg draws one chart: name it by --chart NAME. There are: %s",
                   list.failed ? "" : list.text);
    else
        tr_err_set(reterr, TR_EUSAGE, "--chart: there is no chart '%.60s'.%s%s%s There are: %s",
                   input->chart, near ? " Did you mean '" : "", near ? near : "", near ? "'?" : "",
                   list.failed ? "" : list.text);
    free(all);
    tr_strbuf_finish(&list);
    tr_strings_finish(&names);
    return TR_EUSAGE;
}

int tr_report_svg(const struct tr_report_input *inputs, size_t n, struct tr_strbuf *out,
                  struct tr_err *reterr) {
    struct tr_plot plot = {0};
    if (n != 1)
        return tr_err_set(reterr, TR_EUSAGE,
                          "svg draws one chart of one file; html sets several "
                          "files against each other");
    int code = inputs->chart ? tr_plot_make(inputs, inputs->chart, &plot) : TR_EUNAVAILABLE;
    if (code == TR_EUNAVAILABLE)
        return which(inputs, reterr);
    if (!code)
        tr_plot_svg(&plot, out);
    tr_plot_finish(&plot);
    return code;
}

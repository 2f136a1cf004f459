#include "report.h"

#include "text.h"

int tr_report_text(const struct tr_report_input *input, struct tr_strbuf *out);

int tr_report_text(const struct tr_report_input *input, struct tr_strbuf *out) {
    struct tr_text text = {
        .input = input,
        .calibration = input->calibration,
        .term = input->term,
        .out = out,
    };
    /* Wider lines are hard to follow, narrower tables do not fit. */
    if (text.term.width < 40)
        text.term.width = 40;
    if (text.term.width > 200)
        text.term.width = 200;
    if (text.calibration) {
        tr_text_notice(&text);
        tr_text_machine(&text);
        tr_text_figures(&text);
        tr_text_curves(&text);
        tr_text_limits(&text);
    }
    tr_text_predictions(&text);
    if (text.calibration)
        tr_text_warnings(&text);
    return 0;
}

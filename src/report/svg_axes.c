#include <math.h>
#include <stdio.h>

#include "plot.h"

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

/* The largest of 1, 2, 5 times a power of ten that is not above `value` by more than a little. */
static double round_step(double value) {
    double power = pow(10, floor(log10(value)));
    double digit = value / power;
    return power * (digit >= 4.99 ? 5 : digit >= 1.99 ? 2 : 1);
}

void tr_svg_scale_fit(struct tr_svg_scale *scale, const struct tr_plot_axis *axis,
                      const double *values, size_t n) {
    double low = INFINITY, high = -INFINITY;
    scale->log = axis->log;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]) || (axis->log && values[i] <= 0))
            continue;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    if (low > high)
        low = axis->log ? 1 : 0, high = axis->log ? 10 : 1;
    if (!axis->log && axis->zero)
        low = fmin(low, 0);
    if (low == high)
        low = axis->log ? low / 2 : low, high = axis->log ? high * 2 : high + 1;
    if (axis->log) { /* no mark touches the frame */
        double room = pow(high / low, 0.04);
        low /= room;
        high = fmin(high * room, 1e307);
    } else {
        double step = round_step((high - low) / 4);
        low = floor(low / step + 1e-9) * step;
        high = axis->whole ? high + 0.03 * (high - low) : ceil(high / step - 1e-9) * step;
    }
    scale->low = low;
    scale->high = high;
}

double tr_svg_at(const struct tr_svg_scale *scale, double value) {
    double share = scale->log ? (log(fmax(value, 1e-300)) - log(scale->low)) /
                                    (log(scale->high) - log(scale->low))
                              : (value - scale->low) / (scale->high - scale->low);
    return scale->from + clamp(share, -0.02, 1.02) * (scale->to - scale->from);
}

/* Powers of the base, each times the digits, that lie within the scale. */
static size_t log_ticks(const struct tr_svg_scale *scale, double base, const int *digits,
                        size_t n_digits, size_t every, double ticks[TR_SVG_TICKS]) {
    size_t n = 0, seen = 0;
    double first = floor(log(scale->low) / log(base)), last = ceil(log(scale->high) / log(base));
    for (double power = first; power <= last && power < first + 400; power++) {
        for (size_t i = 0; i < n_digits; i++) {
            double value = pow(base, power) * digits[i];
            if (value < scale->low * 0.999 || value > scale->high * 1.001)
                continue;
            if (seen++ % every == 0 && n < TR_SVG_TICKS)
                ticks[n++] = value;
        }
    }
    return seen <= every * TR_SVG_TICKS ? n : 0;
}

size_t tr_svg_ticks(const struct tr_svg_scale *scale, const struct tr_plot_axis *axis,
                    size_t wanted, double ticks[TR_SVG_TICKS]) {
    static const int digits[] = {1, 2, 5};
    size_t n = 0;
    if (wanted > TR_SVG_TICKS)
        wanted = TR_SVG_TICKS;
    if (!scale->log) {
        double step =
            round_step((scale->high - scale->low) / (double)(wanted > 1 ? wanted - 1 : 1));
        while ((scale->high - scale->low) / step > (double)wanted)
            step *= 2;
        if (axis->whole)
            step = fmax(1, ceil(step));
        for (double at = ceil(scale->low / step - 1e-9); n < TR_SVG_TICKS; at++) {
            if (at * step > scale->high + step * 1e-6)
                break;
            ticks[n++] = at * step + 0.0; /* never -0 */
        }
        return n;
    }
    if (!axis->bytes)
        n = log_ticks(scale, 10, digits, 3, 1, ticks);
    for (size_t every = 1; (n == 0 || n > wanted) && every < 100; every++)
        n = log_ticks(scale, axis->bytes ? 4 : 10, digits, 1, every, ticks);
    return n;
}

struct tr_svg_label tr_svg_label(const struct tr_plot_axis *axis, double value) {
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    struct tr_svg_label label;
    size_t i = 0;
    if (!axis->bytes) {
        bool large = fabs(value) >= 1e4;
        snprintf(label.text, sizeof(label.text), "%.4g%s", large ? value / 1e3 : value,
                 large ? "k" : "");
        return label;
    }
    for (; value >= 1024 && i < 4; i++)
        value /= 1024;
    snprintf(label.text, sizeof(label.text), "%.4g %s", value, names[i]);
    return label;
}

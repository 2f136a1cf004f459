#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "strbuf.h"
#include "term.h"

static const double min_interval_s = 0.25; /* at most four updates a second */
static const double delay_s = 1.5;         /* what is quicker needs no bar */
enum { BAR_WIDTH = 20, WIDTH_WITH_BAR = 60, USUAL_WIDTH = 80 };

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool in_foreground(void) {
    return isatty(STDERR_FILENO) && tcgetpgrp(STDERR_FILENO) == getpgrp();
}

void tr_progress_init(struct tr_progress *progress, enum tr_progress_mode mode, bool quiet,
                      double total_s) {
    struct tr_term term;
    tr_term_detect(STDERR_FILENO, &term);
    if (quiet)
        mode = TR_PROGRESS_NONE;
    else if (mode == TR_PROGRESS_AUTO)
        mode = in_foreground() ? TR_PROGRESS_BAR : TR_PROGRESS_PLAIN;
    *progress = (struct tr_progress){
        .mode = mode,
        .total_s = total_s,
        .started_s = now_s(),
        .stage = (size_t)-1,
        .unicode = term.unicode,
    };
}

static void add_time_left(struct tr_strbuf *line, double seconds_left) {
    if (isnan(seconds_left))
        return;
    long s = lround(fmax(seconds_left, 0));
    if (s >= 60)
        tr_strbuf_addf(line, "  %ld min %02ld s left", s / 60, s % 60);
    else
        tr_strbuf_addf(line, "  %ld s left", s);
}

static void add_bar(struct tr_strbuf *line, const struct tr_progress *progress, double fraction) {
    size_t filled = (size_t)lround(fmin(fmax(fraction, 0), 1) * BAR_WIDTH);
    tr_strbuf_add(line, " [");
    tr_strbuf_repeat(line, progress->unicode ? "█" : "#", filled);
    tr_strbuf_repeat(line, progress->unicode ? "░" : ".", BAR_WIDTH - filled);
    tr_strbuf_add(line, "]");
}

/* One write, so that the line does not interleave with others'; a failure is nobody's concern. */
static void put(struct tr_strbuf *line) {
    ssize_t n = line->text ? write(STDERR_FILENO, line->text, line->length) : 0;
    (void)n;
    tr_strbuf_finish(line);
}

/* The window as it is now: it may have been resized, which COLUMNS does not follow. The last column
 * stays empty, because some terminals break the line behind it. */
static size_t room_now(void) {
    size_t columns = tr_term_window_columns(STDERR_FILENO);
    return (columns ? columns : USUAL_WIDTH) - 1;
}

/* Adds `text` if it fits whole into what is left of `width`: a part of a number is another one. */
static void add_whole(struct tr_strbuf *line, const char *text, size_t width) {
    size_t used = line->text ? tr_display_width(line->text) : 0;
    if (text && used + tr_display_width(text) <= width)
        tr_strbuf_add(line, text);
}

static void add_cut(struct tr_strbuf *line, const char *text, size_t width) {
    size_t used = line->text ? tr_display_width(line->text) : 0;
    if (text && used < width)
        tr_strbuf_add_bytes(line, text, tr_display_fit(text, width - used));
}

static void add_bar_line(struct tr_strbuf *line, const struct tr_progress *progress,
                         const char *what, size_t index, size_t n, double seconds_left,
                         const char *figure) {
    double fraction = isnan(seconds_left) || !(progress->total_s > 0)
                          ? (double)index / (double)(n ? n : 1)
                          : 1 - seconds_left / progress->total_s;
    size_t width = room_now();
    struct tr_strbuf part = {0};
    tr_strbuf_addf(&part, "[%zu/%zu]", index + 1, n);
    if (width + 1 >= WIDTH_WITH_BAR)
        add_bar(&part, progress, fraction);
    add_whole(line, part.text, width);
    tr_strbuf_finish(&part);
    if (!line->text)
        return;
    add_time_left(&part, seconds_left);
    add_whole(line, part.text, width);
    tr_strbuf_finish(&part);
    tr_strbuf_addf(&part, "  %s", what);
    add_cut(line, part.text, width);
    tr_strbuf_finish(&part);
    if (figure)
        tr_strbuf_addf(&part, "  %s", figure);
    add_whole(line, part.text, width);
    tr_strbuf_finish(&part);
}

static void draw_bar(struct tr_progress *progress, const char *what, size_t index, size_t n,
                     double seconds_left, const char *figure) {
    double now = now_s();
    if (now - progress->started_s < delay_s || now - progress->drawn_s < min_interval_s)
        return;
    struct tr_strbuf text = {0}, line = {0};
    add_bar_line(&text, progress, what, index, n, seconds_left, figure);
    tr_strbuf_addf(&line, "\r%s\x1b[K", text.text ? text.text : "");
    if (!text.failed && !line.failed)
        put(&line);
    tr_strbuf_finish(&text);
    tr_strbuf_finish(&line);
    progress->drawn_s = now;
}

void tr_progress_stage(struct tr_progress *progress, const char *what, size_t index, size_t n,
                       double seconds_left, const char *figure) {
    if (progress->mode == TR_PROGRESS_BAR) {
        draw_bar(progress, what, index, n, seconds_left, figure);
    } else if (progress->mode == TR_PROGRESS_PLAIN && progress->stage != index) {
        struct tr_strbuf line = {0};
        tr_strbuf_addf(&line, "[%zu/%zu] %s", index + 1, n, what);
        add_time_left(&line, seconds_left);
        tr_strbuf_add(&line, "\n");
        put(&line);
    }
    progress->stage = index;
}

void tr_progress_end(struct tr_progress *progress) {
    if (progress->mode == TR_PROGRESS_BAR && progress->drawn_s > 0) {
        struct tr_strbuf line = {0};
        tr_strbuf_add(&line, "\r\x1b[K");
        put(&line);
    }
    progress->drawn_s = 0;
}

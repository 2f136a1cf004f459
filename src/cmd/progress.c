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
enum { BAR_WIDTH = 20 };

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
        .width = term.width,
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

static void draw_bar(struct tr_progress *progress, const char *what, size_t index, size_t n,
                     double seconds_left, const char *figure) {
    double now = now_s();
    if (now - progress->started_s < delay_s || now - progress->drawn_s < min_interval_s)
        return;
    double fraction = isnan(seconds_left) || !(progress->total_s > 0)
                          ? (double)index / (double)(n ? n : 1)
                          : 1 - seconds_left / progress->total_s;
    struct tr_strbuf line = {0}, tail = {0};
    tr_strbuf_addf(&line, "\r[%zu/%zu]", index + 1, n);
    if (progress->width >= 60)
        add_bar(&line, progress, fraction);
    add_time_left(&tail, seconds_left);
    /* The text that may be long comes last and is cut at the edge of the window. */
    tr_strbuf_addf(&tail, "  %s%s%s", what, figure ? "  " : "", figure ? figure : "");
    if (!line.failed && !tail.failed) {
        size_t used = tr_display_width(line.text + 1);
        size_t room = progress->width > used + 1 ? progress->width - used - 1 : 0;
        tr_strbuf_add_bytes(&line, tail.text, tail.length < room ? tail.length : room);
        tr_strbuf_add(&line, "\x1b[K");
        put(&line);
    }
    tr_strbuf_finish(&line);
    tr_strbuf_finish(&tail);
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

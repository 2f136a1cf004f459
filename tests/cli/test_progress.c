/* Progress on a pipe and on a terminal. */
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "progress.h"
#include "test.h"

/* What was written to stderr between begin() and end(). */
struct capture {
    int saved, out;
    char text[4096];
};

static void begin(struct capture *capture, int reader, int writer) {
    capture->saved = dup(STDERR_FILENO);
    capture->out = reader;
    assert_true(dup2(writer, STDERR_FILENO) >= 0);
    close(writer);
}

static void end(struct capture *capture) {
    size_t length = 0;
    ssize_t n;
    assert_int_equal(fcntl(capture->out, F_SETFL, O_NONBLOCK), 0);
    while ((n = read(capture->out, capture->text + length, sizeof(capture->text) - 1 - length)) > 0)
        length += (size_t)n;
    capture->text[length] = '\0';
    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    close(capture->saved);
    close(capture->out);
}

static void begin_pipe(struct capture *capture) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    begin(capture, ends[0], ends[1]);
}

static void begin_terminal(struct capture *capture, unsigned short columns) {
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    begin(capture, master, slave);
}

static void test_plain(void **state) {
    struct capture capture;
    struct tr_progress progress;
    (void)state;
    begin_pipe(&capture);
    tr_progress_init(&progress, TR_PROGRESS_AUTO, false, 100);
    tr_progress_stage(&progress, "read, 1 thread", 0, 3, 100, NULL);
    tr_progress_stage(&progress, "read, 1 thread", 0, 3, 95, "10 GB/s");
    tr_progress_stage(&progress, "read, 2 threads", 1, 3, 40.2, NULL);
    tr_progress_stage(&progress, "fma", 2, 3, NAN, NULL);
    tr_progress_end(&progress);
    end(&capture);
    assert_string_equal(capture.text, "[1/3] read, 1 thread  1 min 40 s left\n"
                                      "[2/3] read, 2 threads  40 s left\n"
                                      "[3/3] fma\n");
}

static void test_silent(void **state) {
    struct capture capture;
    struct tr_progress progress;
    (void)state;
    begin_pipe(&capture);
    tr_progress_init(&progress, TR_PROGRESS_BAR, true, 10);
    progress.started_s -= 60;
    tr_progress_stage(&progress, "read", 0, 2, 10, NULL);
    tr_progress_end(&progress);
    tr_progress_init(&progress, TR_PROGRESS_NONE, false, 10);
    tr_progress_stage(&progress, "read", 0, 2, 10, NULL);
    tr_progress_end(&progress);
    end(&capture);
    assert_string_equal(capture.text, "");
}

/* A terminal that this process does not own: no bar that would be drawn over someone's work. */
static void test_background(void **state) {
    struct capture capture;
    struct tr_progress progress;
    (void)state;
    begin_terminal(&capture, 100);
    tr_progress_init(&progress, TR_PROGRESS_AUTO, false, 10);
    end(&capture);
    assert_int_equal(progress.mode, TR_PROGRESS_PLAIN);
}

static void test_bar(void **state) {
    struct capture capture;
    struct tr_progress progress;
    (void)state;
    unsetenv("COLUMNS");
    begin_terminal(&capture, 70);
    tr_progress_init(&progress, TR_PROGRESS_BAR, false, 10);
    tr_progress_stage(&progress, "not yet", 0, 4, 10, NULL);
    progress.started_s -= 60; /* as if it ran for a minute */
    tr_progress_stage(&progress, "read, 2 threads", 1, 4, 5, "20.5 GB/s");
    tr_progress_stage(&progress, "too soon", 2, 4, 4, NULL);
    progress.drawn_s -= 1;
    tr_progress_stage(&progress, "a text that is much longer than the window is wide, by far", 3, 4,
                      0, NULL);
    tr_progress_end(&progress);
    end(&capture);
    assert_string_equal(capture.text,
                        "\r[2/4] [##########..........]  5 s left  read, 2 threads  20.5 GB/s\x1b[K"
                        "\r[4/4] [####################]  0 s left  a text that is much longer th"
                        "\x1b[K\r\x1b[K");
}

/* One line as it stands on a terminal: what follows the last carriage return. */
static void assert_drawn(const struct capture *capture, const char *expected) {
    const char *at = strrchr(capture->text, '\r');
    assert_non_null(at);
    assert_string_equal(at, expected);
}

static void draw_at(unsigned short columns, struct capture *capture, const char *what, size_t index,
                    size_t n, double seconds_left, const char *figure) {
    struct tr_progress progress;
    begin_terminal(capture, columns);
    tr_progress_init(&progress, TR_PROGRESS_BAR, false, 1000);
    progress.started_s -= 60;
    tr_progress_stage(&progress, what, index, n, seconds_left, figure);
    end(capture);
}

/* What does not fit is left out whole where a part of it would be another number. */
static void test_narrow(void **state) {
    struct capture capture;
    (void)state;
    unsetenv("COLUMNS");
    draw_at(40, &capture, "read, 2 threads", 1, 4, 5, "20.5 GB/s");
    assert_drawn(&capture, "\r[2/4]  5 s left  read, 2 threads\x1b[K");
    draw_at(45, &capture, "read, 2 threads", 1, 4, 5, "20.5 GB/s");
    assert_drawn(&capture, "\r[2/4]  5 s left  read, 2 threads  20.5 GB/s\x1b[K");
    draw_at(20, &capture, "read, 2 threads", 1, 4, 5, "20.5 GB/s");
    assert_drawn(&capture, "\r[2/4]  5 s left  re\x1b[K");
    draw_at(20, &capture, "read, 2 threads", 99, 400, 725, NULL);
    assert_drawn(&capture, "\r[100/400]  read, 2 \x1b[K");
    draw_at(6, &capture, "read, 2 threads", 99, 400, 725, NULL);
    assert_drawn(&capture, "\r\x1b[K");
    draw_at(1, &capture, "read", 0, 1, 1, NULL);
    assert_drawn(&capture, "\r\x1b[K");
}

/* The window is looked at again each time; a COLUMNS of its beginning does not hold it. */
static void test_resize(void **state) {
    struct capture capture;
    struct tr_progress progress;
    const unsigned short widths[] = {100, 30, 20, 64};
    (void)state;
    setenv("COLUMNS", "100", 1);
    begin_terminal(&capture, 100);
    tr_progress_init(&progress, TR_PROGRESS_BAR, false, 10);
    progress.started_s -= 60;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct winsize size = {.ws_row = 24, .ws_col = widths[i]};
        assert_int_equal(ioctl(STDERR_FILENO, TIOCSWINSZ, &size), 0);
        progress.drawn_s -= 1;
        tr_progress_stage(&progress, "read, 2 threads", 1, 4, 5, "20.5 GB/s");
    }
    end(&capture);
    unsetenv("COLUMNS");
    assert_string_equal(capture.text,
                        "\r[2/4] [##########..........]  5 s left  read, 2 threads  20.5 GB/s\x1b[K"
                        "\r[2/4]  5 s left  read, 2 thre\x1b[K"
                        "\r[2/4]  5 s left  re\x1b[K"
                        "\r[2/4] [##########..........]  5 s left  read, 2 threads\x1b[K");
}

/* A cut falls between characters, and wide ones count two columns. */
static void test_cut_between_characters(void **state) {
    struct capture capture;
    (void)state;
    unsetenv("COLUMNS");
    draw_at(20, &capture, "\u00e9\u00e9\u00e9\u00e9", 1, 4, 5, NULL);
    assert_drawn(&capture, "\r[2/4]  5 s left  \u00e9\u00e9\x1b[K");
    draw_at(20, &capture, "a\u5f35\u5f35", 1, 4, 5, NULL);
    assert_drawn(&capture, "\r[2/4]  5 s left  a\x1b[K");
    /* Blocks of the bar are one column each, whatever their bytes. */
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    draw_at(60, &capture, "abcdefghijklmnopqrstuvwxyz", 1, 4, 500, NULL);
    setlocale(LC_CTYPE, "C");
    assert_drawn(&capture, "\r[2/4] [██████████░░░░░░░░░░]  8 min 20 s left  abcdefghijkl\x1b[K");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_bar),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cmd.h"

#include <stddef.h>
#include <time.h>

/* A signal handler can reach nothing but globals: these are what the program has for it. */
static volatile sig_atomic_t stop_signal;
static struct timespec stop_time; /* of the first signal; touched by the handler alone */

/* timeout(1) and others signal a process and its group: both are one wish. */
static const double same_wish_s = 0.2;

const volatile sig_atomic_t *tr_stop_flag(void) {
    return &stop_signal;
}

static void set_action(int number, void (*handler)(int)) {
    struct sigaction action = {0};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static void on_stop(int number) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!stop_signal) {
        stop_signal = number;
        stop_time = now;
        return;
    }
    double since_s =
        (double)(now.tv_sec - stop_time.tv_sec) + (double)(now.tv_nsec - stop_time.tv_nsec) * 1e-9;
    if (since_s > same_wish_s) { /* asked twice: at once, when this handler returns */
        set_action(number, SIG_DFL);
        raise(number);
    }
}

void tr_signals_catch(void) {
    struct sigaction before;
    /* A shell starts background jobs with SIGINT ignored, nohup(1) everything with SIGHUP: that
     * stays so. */
    static const int unless_ignored[] = {SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof(unless_ignored) / sizeof(unless_ignored[0]); i++)
        if (sigaction(unless_ignored[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            set_action(unless_ignored[i], on_stop);
    set_action(SIGTERM, on_stop);
    set_action(SIGPIPE, SIG_IGN); /* write() then fails with EPIPE, which is reported */
}

void tr_signals_reraise(void) {
    int number = (int)stop_signal;
    if (!number)
        return;
    set_action(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

#include "cmd.h"

#include <stddef.h>

/* A signal handler can reach nothing but globals: this is the one that the program has for it. */
static volatile sig_atomic_t stop_signal;

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
    stop_signal = number;
    /* The next one, of either kind, kills at once. */
    set_action(SIGINT, SIG_DFL);
    set_action(SIGTERM, SIG_DFL);
}

void tr_signals_catch(void) {
    struct sigaction before;
    /* A shell starts background jobs with SIGINT ignored; that stays so. */
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        set_action(SIGINT, on_stop);
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

/* The first signal asks to stop, the second one kills; the program dies of it in any case. */
#include <sys/wait.h>

#include "cmd.h"
#include "test.h"

/* Runs `what` in a child and gives the signal that it died of; 0 if it ended well. */
static int dies_of(void (*what)(void)) {
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGINT, SIG_DFL); /* whoever runs the tests in the background has them ignored */
        signal(SIGHUP, SIG_DFL);
        tr_signals_catch();
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    return WEXITSTATUS(status) ? -WEXITSTATUS(status) : 0;
}

static void once(void) {
    raise(SIGTERM);
    if (*tr_stop_flag() != SIGTERM)
        _exit(1);
}

static void once_and_reraise(void) {
    raise(SIGINT);
    tr_signals_reraise();
}

static void hung_up(void) {
    raise(SIGHUP);
    if (*tr_stop_flag() != SIGHUP)
        _exit(1);
    tr_signals_reraise();
}

static void hung_up_under_nohup(void) {
    signal(SIGHUP, SIG_IGN);
    tr_signals_catch();
    raise(SIGHUP);
    if (*tr_stop_flag())
        _exit(1);
}

static void twice_in_one_moment(void) {
    raise(SIGINT);
    raise(SIGINT);
}

static void twice(void) {
    raise(SIGINT);
    usleep(300000);
    raise(SIGTERM);
}

static void broken_pipe(void) {
    raise(SIGPIPE);
    if (*tr_stop_flag())
        _exit(1);
    tr_signals_reraise();
}

static void test_signals(void **state) {
    (void)state;
    assert_int_equal(dies_of(once), 0);
    assert_int_equal(dies_of(once_and_reraise), SIGINT);
    assert_int_equal(dies_of(twice_in_one_moment), 0);
    assert_int_equal(dies_of(twice), SIGTERM);
    assert_int_equal(dies_of(hung_up), SIGHUP);
    assert_int_equal(dies_of(hung_up_under_nohup), 0);
    assert_int_equal(dies_of(broken_pipe), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

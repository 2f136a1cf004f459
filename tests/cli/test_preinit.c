/* Hostile OMP_* variables reach neither the affinity of the first thread nor the OpenMP runtime.
 * The program starts itself anew with such variables and looks at what it finds. */
#include <omp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cmd.h"
#include "test.h"

static char program[4096];

/* In the second process: 0, or the number of the check that did not hold. */
static int look(void) {
    const struct tr_preinit *early = tr_preinit();
    unsigned long mask[TR_PREINIT_MAX_CPUS / (8 * sizeof(unsigned long))] = {0};
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    if (bytes <= 0 || (size_t)bytes != early->mask_bytes)
        return 1;
    if (memcmp(mask, early->mask, (size_t)bytes) != 0)
        return 2;
    if (early->n_removed != 7 || strcmp(early->removed[0], "OMP_PROC_BIND=true") != 0)
        return 3;
    extern char **environ;
    for (char **at = environ; *at; at++)
        if (!strncmp(*at, "OMP_", 4) || !strncmp(*at, "GOMP_", 5) || !strncmp(*at, "KMP_", 4))
            return 4;
    if (!getenv("KEPT") || strcmp(getenv("KEPT"), "yes") != 0)
        return 5;
    if (omp_get_thread_limit() < 1000 || omp_get_dynamic() || omp_get_proc_bind())
        return 6;
    int threads = 0;
#pragma omp parallel num_threads(3) reduction(+ : threads)
    threads = 1;
    return threads == 3 ? 0 : 7;
}

static void test_hostile_variables(void **state) {
    char *const arguments[] = {program, (char[]){"look"}, NULL};
    char *const hostile[] = {
        (char[]){"OMP_PROC_BIND=true"},
        (char[]){"OMP_PLACES={0}"},
        (char[]){"OMP_NUM_THREADS=1"},
        (char[]){"OMP_THREAD_LIMIT=1"},
        (char[]){"KEPT=yes"},
        (char[]){"OMP_DYNAMIC=true"},
        (char[]){"GOMP_CPU_AFFINITY=0"},
        (char[]){"KMP_AFFINITY=compact"},
        (char[]){"ASAN_OPTIONS=detect_leaks=0"},
        NULL,
    };
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execve(program, arguments, hostile);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "look"))
        return look();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_variables),
    };
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n <= 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Runs before the constructors of all shared libraries, as a function of .preinit_array, which only
 * an executable may have. libgomp reads OMP_* and GOMP_* in its constructor, and binds the thread
 * that will run main() there if they ask for it; both would falsify what is measured.
 *
 * Nothing is initialised yet when this runs: no libc function but syscall(), and no sanitizer. */
#include "cmd.h"

#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EARLY __attribute__((no_sanitize("address", "undefined")))

/* Written once, before main(). */
static struct tr_preinit preinit;

const struct tr_preinit *tr_preinit(void) {
    return &preinit;
}

EARLY static bool begins_with(const char *text, const char *start) {
    while (*start)
        if (*text++ != *start++)
            return false;
    return true;
}

EARLY static void before_constructors(int argc, char **argv, char **envp) {
    (void)argc, (void)argv;
    long n = syscall(SYS_sched_getaffinity, 0, sizeof(preinit.mask), preinit.mask);
    preinit.mask_bytes = n > 0 ? (size_t)n : 0;
    char **kept = envp;
    for (char **at = envp; *at; at++) {
        if (!begins_with(*at, "OMP_") && !begins_with(*at, "GOMP_") && !begins_with(*at, "KMP_")) {
            *kept++ = *at;
            continue;
        }
        if (preinit.n_removed < TR_PREINIT_MAX_NAMES)
            preinit.removed[preinit.n_removed] = *at;
        preinit.n_removed++;
    }
    *kept = NULL;
}

typedef void early_fn(int argc, char **argv, char **envp);
__attribute__((section(".preinit_array"), used)) static early_fn *entry = before_constructors;

/* What every test program includes: cmocka and the way to test data. */
#ifndef TR_TEST_H
#define TR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A file of this project's own test data, tests/data/<name>; heap string. */
static inline char *test_data(const char *name) {
    const char *source = getenv("TOKENROOF_TEST_SOURCE");
    char *path = NULL;
    assert_non_null(source);
    if (asprintf(&path, "%s/data/%s", source, name) < 0)
        path = NULL;
    assert_non_null(path);
    return path;
}

/* A file of the recorded machines that are not part of the project: TOKENROOF_TEST_DATA, or
 * ../shared/data beside the checkout. NULL (with a printed reason) where they are absent; the test
 * then calls skip(). */
static inline char *recorded_data(const char *name) {
    const char *folder = getenv("TOKENROOF_TEST_DATA");
    const char *source = getenv("TOKENROOF_TEST_SOURCE");
    char *path = NULL;
    int n = folder ? asprintf(&path, "%s/%s", folder, name)
                   : asprintf(&path, "%s/../../shared/data/%s", source ? source : ".", name);
    if (n < 0)
        return NULL;
    if (access(path, R_OK)) {
        printf("skipped: %s is absent (set TOKENROOF_TEST_DATA to the recorded machines)\n", path);
        free(path);
        return NULL;
    }
    return path;
}

#endif

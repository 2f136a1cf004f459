#include "parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int tr_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret, struct tr_err *reterr) {
    const char *at = text;
    bool negative = *at == '-';
    uint64_t value = 0;
    if (negative)
        at++;
    bool ok = isdigit((unsigned char)*at);
    for (; ok && *at; at++) {
        ok = isdigit((unsigned char)*at) && value < UINT64_MAX / 10 - 1;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    ok = ok && value <= INT64_MAX;
    int64_t number = negative ? -(int64_t)value : (int64_t)value;
    if (!ok || number < min || number > max)
        return tr_err_set(reterr, TR_EUSAGE,
                          "'%.60s' is not a whole number from %" PRId64 " to %" PRId64, text, min,
                          max);
    *ret = number;
    return 0;
}

int tr_parse_double(const char *text, double min, double max, double *ret, struct tr_err *reterr) {
    /* strtod follows the locale's decimal point; the program never sets LC_NUMERIC. The set of
     * characters is checked first: strtod also takes blanks, hexadecimal, "inf" and "nan". */
    char *end = NULL;
    double value = 0;
    bool ok = *text && strspn(text, "0123456789.eE+-") == strlen(text);
    if (ok) {
        value = strtod(text, &end);
        ok = *end == '\0' && end != text && isfinite(value);
    }
    if (!ok || value < min || value > max)
        return tr_err_set(reterr, TR_EUSAGE, "'%.60s' is not a number from %g to %g", text, min,
                          max);
    *ret = value;
    return 0;
}

int tr_parse_size(const char *text, uint64_t *ret_bytes, struct tr_err *reterr) {
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"B", 1},
        {"kB", 1000},
        {"KB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", 1000000000000},
        {"KiB", 1ULL << 10},
        {"MiB", 1ULL << 20},
        {"GiB", 1ULL << 30},
        {"TiB", 1ULL << 40},
    };
    size_t digits = strspn(text, "0123456789.");
    char number[32];
    const char *unit = text + digits;
    double value = 0;
    if (digits == 0 || digits >= sizeof(number))
        goto bad;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (tr_parse_double(number, 0, 1e15, &value, NULL))
        goto bad;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name))
            continue;
        double bytes = value * (double)units[i].bytes;
        if (bytes < 1 || bytes > 9e18)
            goto bad;
        *ret_bytes = (uint64_t)bytes;
        return 0;
    }
    if (strlen(unit) == 1 && strchr("kKmMgGtT", *unit)) {
        char prefix = (char)toupper((unsigned char)*unit);
        return tr_err_set(reterr, TR_EUSAGE,
                          "'%.60s' is ambiguous. Write %s%cB (powers of 1000) or %s%ciB (powers "
                          "of 1024)",
                          text, number, prefix == 'K' ? 'k' : prefix, number, prefix);
    }
bad:
    return tr_err_set(reterr, TR_EUSAGE,
                      "'%.60s' is not a size. Write a number with a unit: 64MiB, 1.5GiB, 500MB",
                      text);
}

/* Optimal string alignment: a swap of neighbours counts as one edit. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t la = strlen(a), lb = strlen(b);
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    if (la > LONGEST || lb > LONGEST)
        return SIZE_MAX; /* never near */
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (same ? 0 : 1);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[lb];
}

const char *tr_nearest(const char *word, const char *const *candidates) {
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (; *candidates; candidates++) {
        size_t distance = edit_distance(word, *candidates);
        /* A word that the user began to type is meant, however much is missing. */
        if (strlen(word) >= 3 && !strncasecmp(word, *candidates, strlen(word)))
            distance = 1;
        if (distance < best_distance) {
            best = *candidates;
            best_distance = distance;
        }
    }
    return best;
}

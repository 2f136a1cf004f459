#include "read_spread.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "read f64, core 12, 2 threads": what stands before and behind the number. */
struct parts {
    size_t before;
    const char *behind;
};

static bool split(const char *name, enum tr_place_kind kind, struct parts *ret_parts) {
    char word[32];
    snprintf(word, sizeof(word), ", %s ", tr_place_kind_name(kind));
    const char *at = strncmp(name, "read ", 5) ? NULL : strstr(name, word);
    if (!at)
        return false;
    at += strlen(word);
    *ret_parts = (struct parts){(size_t)(at - name), at + strspn(at, "0123456789")};
    return true;
}

static bool differ_in_place_alone(const char *a, const char *b, enum tr_place_kind kind) {
    struct parts of_a, of_b;
    return split(a, kind, &of_a) && split(b, kind, &of_b) && of_a.before == of_b.before &&
           !strncmp(a, b, of_a.before) && !strcmp(of_a.behind, of_b.behind);
}

struct tr_read_spread tr_read_spread_of(const struct tr_figures *figures, enum tr_place_kind kind) {
    struct tr_read_spread widest = {.fraction = NAN};
    for (size_t i = 0; i < figures->n; i++) {
        struct tr_read_spread spread = {0};
        double least = INFINITY, best = 0;
        for (size_t k = 0; k < figures->n; k++) {
            if (!differ_in_place_alone(figures->items[i].name, figures->items[k].name, kind))
                continue;
            const struct tr_run_figure *run = &figures->items[k].sets[0].runs[0];
            least = fmin(least, run->value);
            best = fmax(best, run->value);
            spread.untrusted |= run->untrusted;
            spread.n++;
        }
        if (spread.n < 2)
            continue;
        spread.fraction = 1 - least / best;
        if (!(spread.fraction <= widest.fraction))
            widest = spread;
    }
    return widest;
}

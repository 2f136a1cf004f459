/* From what a person writes to rows of the catalogue. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "data.h"
#include "parse.h"
#include "strbuf.h"

enum { MAX_PACKAGES = 64, MAX_TOLD = 6 };

/* How well a name fits; only the best that there is counts. */
enum fit { NO_FIT, BEGINS_AT_WORD, BEGINS, ENDS_AT_WORD, WHOLE };

/* Names that makers or people use beside the one in the table. */
static const struct {
    const char *key, *stands_for;
} aliases[] = {
    {"ryzen ai 200", "ryzen 200"},
    {"ai 200", "ryzen 200"},
};

static enum fit fit_of(const char *full, const char *key) {
    size_t n = strlen(key);
    const char *brief = tr_platform_brief_key(full);
    if (!strcmp(full, key) || !strcmp(brief, key))
        return WHOLE;
    enum fit best = !strncmp(full, key, n) || !strncmp(brief, key, n) ? BEGINS : NO_FIT;
    for (const char *at = brief; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (!strcmp(at, key))
            return ENDS_AT_WORD;
        if (best == NO_FIT && !strncmp(at, key, n))
            best = BEGINS_AT_WORD;
    }
    return best;
}

/* Whether all but blanks and hyphens is the same. */
static bool is_same_unspaced(const char *a, const char *b) {
    for (;; a++, b++) {
        a += strspn(a, " -_");
        b += strspn(b, " -_");
        if (*a != *b || !*a)
            return *a == *b;
    }
}

/* "i51335u" and "i5 1335u" are how people write "core i5-1335u". */
static bool fits_unspaced(const char *full, const char *key) {
    bool fits = is_same_unspaced(full, key);
    for (const char *at = tr_platform_brief_key(full); at && !fits; at = strchr(at, ' ')) {
        at += *at == ' ';
        fits = is_same_unspaced(at, key);
    }
    return fits;
}

/* "ryzen 9" is a whole word of "ryzen 9 9950x", "epyc 9" is none of "epyc 9755". */
static bool fits_words(const char *full, const char *key) {
    const char *at = strstr(full, key);
    return at && (at == full || at[-1] == ' ') && (at[strlen(key)] == ' ' || !at[strlen(key)]);
}

/* "xeon 8488c" leaves a word of "intel xeon platinum 8488c" out. */
static bool has_words(const char *full, const char *key) {
    const char *at = full;
    while (*key) {
        size_t n = strcspn(key, " ");
        while (*at && (strncmp(at, key, n) != 0 || (at[n] && at[n] != ' '))) {
            at += strcspn(at, " ");
            at += *at == ' ';
        }
        if (!*at)
            return false;
        at += n;
        at += *at == ' ';
        key += n + (key[n] == ' ');
    }
    return true;
}

/* --- what there is to choose from ------------------------------------------------------------ */

enum kind { ROW, SERIES, SYSTEM };

struct candidate {
    enum kind kind;
    const char *name;
    char key[TR_PLATFORM_KEY_BYTES];
    const struct tr_platform *row; /* of a ROW */
    size_t system;                 /* row in systems.csv of a SYSTEM */
};

struct candidates {
    struct candidate *items;
    size_t n, capacity;
    struct tr_csv systems;
};

static int add(struct candidates *all, enum kind kind, const char *name,
               const struct tr_platform *row, size_t system) {
    if (all->n == all->capacity) {
        size_t capacity = all->capacity ? 2 * all->capacity : 512;
        struct candidate *items = realloc(all->items, capacity * sizeof(*items));
        if (!items)
            return TR_ENOMEM;
        all->items = items;
        all->capacity = capacity;
    }
    struct candidate *item = &all->items[all->n];
    *item = (struct candidate){.kind = kind, .name = name, .row = row, .system = system};
    if (tr_platform_key(name, item->key))
        all->n++;
    return 0;
}

static bool has(const struct candidates *all, enum kind kind, const char *name) {
    char key[TR_PLATFORM_KEY_BYTES];
    bool named = tr_platform_key(name, key);
    for (size_t i = 0; named && i < all->n; i++)
        if (all->items[i].kind == kind && !strcmp(all->items[i].key, key))
            return true;
    return false;
}

static int add_set(struct candidates *all, const struct tr_platform_set *set) {
    int code = 0;
    for (size_t i = 0; !code && i < set->n; i++)
        if (!has(all, ROW, set->platforms[i].name))
            code = add(all, ROW, set->platforms[i].name, &set->platforms[i], 0);
    for (size_t i = 0; !code && i < set->n; i++)
        if (set->platforms[i].series && !has(all, SERIES, set->platforms[i].series))
            code = add(all, SERIES, set->platforms[i].series, NULL, 0);
    return code;
}

/* The user's rows first: a row of the catalogue with the same name is not added. */
static int collect(const struct tr_platform_file *file, struct candidates *all,
                   struct tr_err *reterr) {
    const struct tr_data *data = tr_data_find("systems.csv");
    int code = file ? add_set(all, &file->set) : 0;
    if (!code)
        code = add_set(all, tr_catalogue_platforms());
    if (!code && data)
        code = tr_csv_parse(data->text, data->length, data->name, &all->systems, reterr);
    for (size_t i = 1; !code && i < all->systems.n_rows; i++)
        code = add(all, SYSTEM, tr_csv_get(&all->systems, i, "name"), NULL, i);
    return code;
}

/* --- choosing -------------------------------------------------------------------------------- */

static int add_row(struct tr_platform_choice *choice, const struct tr_platform *row) {
    const struct tr_platform **rows =
        realloc(choice->rows, (choice->n_rows + 1) * sizeof(*choice->rows));
    if (!rows)
        return TR_ENOMEM;
    choice->rows = rows;
    choice->rows[choice->n_rows++] = row;
    return 0;
}

static int choose_series(const struct candidates *all, const char *series,
                         struct tr_platform_choice *choice) {
    int code = 0;
    choice->is_series = true;
    for (size_t i = 0; !code && i < all->n; i++)
        if (all->items[i].kind == ROW && all->items[i].row->series &&
            !strcmp(all->items[i].row->series, series))
            code = add_row(choice, all->items[i].row);
    return code;
}

/* "mini PC with 128 GB; 1 x Radeon 8060S, 96 GB of it for the GPU; link on-die; 120 W (source)" */
static char *describe_system(const struct tr_csv *systems, size_t at) {
    const char *name = tr_csv_get(systems, at, "name"), *kind = tr_csv_get(systems, at, "kind");
    const char *memory = tr_csv_get(systems, at, "memory_gb");
    const char *gpu = tr_csv_get(systems, at, "gpu"), *n = tr_csv_get(systems, at, "gpu_count");
    const char *share = tr_csv_get(systems, at, "gpu_memory_gb");
    const char *link = tr_csv_get(systems, at, "link"), *power = tr_csv_get(systems, at, "power_w");
    struct tr_strbuf text = {0};
    tr_strbuf_addf(&text, "%s (%s)", name, kind);
    if (*memory)
        tr_strbuf_addf(&text, ", %s GB of memory", memory);
    if (*gpu)
        tr_strbuf_addf(&text, ", %s x %s", *n ? n : "1", gpu);
    if (*share)
        tr_strbuf_addf(&text, " with %s GB", share);
    if (*link)
        tr_strbuf_addf(&text, ", link %s", link);
    if (*power)
        tr_strbuf_addf(&text, ", at most %s W", power);
    tr_strbuf_addf(&text, "; from %s", tr_csv_get(systems, at, "source"));
    return tr_strbuf_take(&text);
}

static int choose_system(const struct candidates *all, size_t at, struct tr_platform_choice *choice,
                         struct tr_err *reterr) {
    const struct tr_csv *systems = &all->systems;
    const char *cpu = tr_csv_get(systems, at, "cpu");
    const struct tr_platform *row = NULL;
    for (size_t i = 0; *cpu && i < all->n; i++)
        if (all->items[i].kind == ROW && !strcmp(all->items[i].name, cpu))
            row = all->items[i].row;
    if (!row)
        return tr_err_set(
            reterr, TR_EUNAVAILABLE,
            "'%s': its processor is not in the catalogue: no limits can be told%s%s%s",
            tr_csv_get(systems, at, "name"),
            *tr_csv_get(systems, at, "memory_gbs") ? " but its memory bandwidth, " : "",
            tr_csv_get(systems, at, "memory_gbs"),
            *tr_csv_get(systems, at, "memory_gbs") ? " GB/s" : "");
    double channels = tr_csv_number(systems, at, "mem_channels");
    double mts = tr_csv_number(systems, at, "mts");
    double sockets = tr_csv_number(systems, at, "sockets");
    choice->own = malloc(sizeof(*choice->own));
    if (!choice->own)
        return TR_ENOMEM;
    *choice->own = *row;
    if (channels > 0)
        choice->own->mem_channels = (int)channels;
    if (mts > 0)
        choice->own->max_mts = mts;
    if (sockets > 0)
        choice->packages *= (int)sockets;
    choice->is_system = true;
    choice->remark = describe_system(systems, at);
    return choice->remark ? add_row(choice, choice->own) : TR_ENOMEM;
}

/* --- what fits ------------------------------------------------------------------------------- */

static int unknown(const struct candidates *all, const char *text, const char *key,
                   struct tr_err *reterr) {
    const char **keys = calloc(2 * all->n + 1, sizeof(*keys));
    const char *found = NULL, *nearest = NULL;
    size_t n = 0;
    if (!keys)
        return TR_ENOMEM;
    for (size_t i = 0; i < all->n; i++) {
        keys[n++] = all->items[i].key;
        keys[n++] = tr_platform_brief_key(all->items[i].key);
    }
    nearest = tr_nearest(key, keys);
    for (size_t i = 0; nearest && all->items && !found && i < n; i++)
        if (!strcmp(keys[i], nearest))
            found = all->items[i / 2].name;
    free(keys);
    if (found)
        return tr_err_set(reterr, TR_EUSAGE, "unknown platform '%.60s'. Did you mean '%s'?", text,
                          found);
    return tr_err_set(reterr, TR_EUSAGE,
                      "unknown platform '%.60s'. `tokenroof list platforms` shows all names", text);
}

static int several(const struct candidates *all, const char *text, const char *key, enum fit fit,
                   struct tr_err *reterr) {
    struct tr_strbuf names = {0};
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (fit_of(all->items[i].key, key) == fit && n++ < MAX_TOLD)
            tr_strbuf_addf(&names, "%s%s", n > 1 ? ", " : "", all->items[i].name);
    if (n > MAX_TOLD)
        tr_strbuf_addf(&names, " and %zu more", n - MAX_TOLD);
    char *list = tr_strbuf_take(&names);
    if (!list)
        return TR_ENOMEM;
    int code = tr_err_set(reterr, TR_EUSAGE, "platform '%.60s' stands for several: %s", text, list);
    free(list);
    return code;
}

static int choose_item(const struct candidates *all, const struct candidate *item,
                       struct tr_platform_choice *choice, struct tr_err *reterr) {
    choice->name = item && item->name ? strdup(item->name) : NULL;
    if (!choice->name)
        return TR_ENOMEM;
    if (item->kind == SERIES)
        return choose_series(all, item->name, choice);
    return item->kind == SYSTEM ? choose_system(all, item->system, choice, reterr)
                                : add_row(choice, item->row);
}

/* Several rows that all have the words: "Ryzen AI Max+" is a range too. */
static int choose_words(const struct candidates *all, const char *text, const char *key,
                        struct tr_platform_choice *choice) {
    int code = 0;
    for (size_t i = 0; !code && i < all->n; i++)
        if (all->items[i].kind == ROW && fits_words(all->items[i].key, key))
            code = add_row(choice, all->items[i].row);
    choice->is_series = choice->n_rows > 1;
    choice->name = strdup(text);
    return choice->name ? code : TR_ENOMEM;
}

/* The only item that fits in this way, of rows alone or of all; NULL. */
static const struct candidate *only_one(const struct candidates *all, const char *key,
                                        bool (*fits)(const char *, const char *), bool rows_only) {
    const struct candidate *found = NULL;
    for (size_t i = 0; all->items && i < all->n; i++) {
        const struct candidate *item = &all->items[i];
        if ((rows_only && item->kind != ROW) || !fits(item->key, key))
            continue;
        if (found)
            return NULL;
        found = item;
    }
    return found;
}

static int choose(const struct candidates *all, const char *text, const char *key,
                  struct tr_platform_choice *choice, struct tr_err *reterr) {
    enum fit best = NO_FIT;
    const struct candidate *of[SYSTEM + 1] = {NULL};
    size_t n[SYSTEM + 1] = {0}, n_words = 0;
    for (size_t i = 0; i < all->n; i++) {
        enum fit fit = fit_of(all->items[i].key, key);
        best = fit > best ? fit : best;
    }
    if (best == NO_FIT) {
        const struct candidate *only = only_one(all, key, fits_unspaced, false);
        if (!only)
            only = only_one(all, key, has_words, true);
        return only ? choose_item(all, only, choice, reterr) : unknown(all, text, key, reterr);
    }
    for (size_t i = 0; i < all->n; i++) {
        const struct candidate *item = &all->items[i];
        if (item->kind == ROW)
            n_words += fits_words(item->key, key);
        if (fit_of(item->key, key) != best)
            continue;
        if (n[item->kind]++ == 0)
            of[item->kind] = item;
    }
    /* A whole name is meant, even where longer ones go on from it; a beginning has to be the only
     * one. Systems come last, since their names begin with those of processors. */
    bool whole = best == WHOLE || best == ENDS_AT_WORD;
    if (n[ROW] == 1 && (whole || n[SERIES] == 0))
        return choose_item(all, of[ROW], choice, reterr);
    if (n[SERIES] == 1 && n[ROW] == 0)
        return choose_item(all, of[SERIES], choice, reterr);
    if (n[SYSTEM] == 1 && n[ROW] + n[SERIES] == 0)
        return choose_item(all, of[SYSTEM], choice, reterr);
    if (!whole && n_words > 1)
        return choose_words(all, text, key, choice);
    return several(all, text, key, best, reterr);
}

/* "2x EPYC 9755", "2 x ...": the number, and where the name begins. */
static int read_count(const char *text, int *ret_count, const char **ret_name,
                      struct tr_err *reterr) {
    size_t digits = strspn(text, "0123456789"), at = digits + strspn(text + digits, " ");
    *ret_count = 1;
    *ret_name = text;
    if (digits == 0 || tolower((unsigned char)text[at]) != 'x' ||
        (text[at + 1] != ' ' && !isalpha((unsigned char)text[at + 1])))
        return 0;
    long count = strtol(text, NULL, 10);
    if (digits > 4 || count < 1 || count > MAX_PACKAGES)
        return tr_err_set(reterr, TR_EUSAGE, "'%.60s': 1 to %d packages are possible", text,
                          MAX_PACKAGES);
    *ret_count = (int)count;
    *ret_name = text + at + 1 + strspn(text + at + 1, " ");
    return 0;
}

/* Members that cannot share a board with others of their kind are no members of "2x SERIES". */
static int check_sockets(struct tr_platform_choice *choice, struct tr_err *reterr) {
    size_t kept = 0;
    if (!choice->rows || !choice->n_rows)
        return 0;
    const struct tr_platform *first = choice->rows[0];
    for (size_t i = 0; i < choice->n_rows; i++)
        if (choice->rows[i]->sockets_max < 0 || choice->rows[i]->sockets_max >= choice->packages)
            choice->rows[kept++] = choice->rows[i];
    choice->n_rows = kept;
    if (kept)
        return 0;
    return tr_err_set(reterr, TR_EUNAVAILABLE, "%s: a board takes at most %d of them, not %d",
                      choice->is_series ? choice->name : first->name, first->sockets_max,
                      choice->packages);
}

int tr_platform_choose(const char *text, const struct tr_platform_file *file,
                       struct tr_platform_choice *ret_choice, struct tr_err *reterr) {
    struct tr_platform_choice choice = {.packages = 1};
    struct candidates all = {0};
    char key[TR_PLATFORM_KEY_BYTES];
    const char *name = text;
    int code = read_count(text, &choice.packages, &name, reterr);
    if (!code && !tr_platform_key(name, key))
        code = tr_err_set(reterr, TR_EUSAGE, "'%.60s' is not a platform's name", text);
    if (!code)
        code = collect(file, &all, reterr);
    if (!code) {
        size_t length = strlen(key), word = strlen(" series");
        if (length > word && !strcmp(key + length - word, " series"))
            key[length - word] = '\0';
        for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
            if (!strcmp(tr_platform_brief_key(key), aliases[i].key))
                snprintf(key, sizeof(key), "%s", aliases[i].stands_for);
        code = choose(&all, name, key, &choice, reterr);
    }
    if (!code)
        code = check_sockets(&choice, reterr);
    free(all.items);
    tr_csv_finish(&all.systems);
    if (code) {
        tr_platform_choice_finish(&choice);
        return code;
    }
    *ret_choice = choice;
    return 0;
}

void tr_platform_choice_finish(struct tr_platform_choice *choice) {
    free(choice->rows);
    free(choice->own);
    free(choice->name);
    free(choice->remark);
    *choice = (struct tr_platform_choice){0};
}

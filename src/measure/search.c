#include "search.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tokenroof/err.h"

static bool same_needs(const struct tr_kernel *a, const struct tr_kernel *b) {
    return a->needs == b->needs || (a->needs && b->needs && !strcmp(a->needs, b->needs));
}

static bool is_form(const struct tr_kernel *row, const struct tr_kernel *kernel,
                    const char *lower_isa) {
    if (row->op != kernel->op || row->dtype != kernel->dtype)
        return false;
    if (kernel->op->kind == TR_KIND_MATRIX) /* of the same flavour */
        return row == kernel || (row->set == TR_SET_SEARCH && !strcmp(row->isa, kernel->isa) &&
                                 same_needs(row, kernel));
    if (row->set == TR_SET_MORE)
        return false;
    bool lower = lower_isa && !strcmp(row->isa, lower_isa) && row->streams == 1;
    return lower || !strcmp(row->isa, kernel->isa);
}

const struct tr_kernel *tr_search_form(const struct tr_kernel *kernel, const char *id,
                                       const char *isa) {
    size_t n_rows;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    for (size_t i = 0; id && isa && i < n_rows; i++)
        if (!strcmp(rows[i].id, id) && !strcmp(rows[i].isa, isa) && rows[i].op == kernel->op &&
            rows[i].dtype == kernel->dtype && same_needs(&rows[i], kernel))
            return &rows[i];
    return NULL;
}

int tr_search_init(const struct tr_kernel *kernel, const char *lower_isa,
                   struct tr_search *ret_search) {
    size_t n_rows;
    const struct tr_kernel *rows = tr_kernels(&n_rows);
    struct tr_search search = {.forms = calloc(n_rows, sizeof(*search.forms))};
    if (!search.forms)
        return TR_ENOMEM;
    for (size_t i = 0; i < n_rows; i++)
        if (is_form(&rows[i], kernel, lower_isa))
            search.forms[search.n++].kernel = &rows[i];
    search.n_left = search.n;
    *ret_search = search;
    return 0;
}

const struct tr_kernel *tr_search_next(const struct tr_search *search) {
    if (search->n_left < 2)
        return NULL;
    return search->forms[search->taken % search->n_left].kernel;
}

static int faster_first(const void *a, const void *b) {
    const struct tr_search_form *x = a, *y = b;
    return (x->rate < y->rate) - (x->rate > y->rate);
}

void tr_search_note(struct tr_search *search, double rate) {
    struct tr_search_form *form = &search->forms[search->taken % search->n_left];
    form->samples++;
    if (rate > form->rate)
        form->rate = rate;
    /* The fewer are left, the closer they are: one sample of each more from round to round. */
    if (++search->taken < search->n_left * (search->round + 1))
        return;
    qsort(search->forms, search->n_left, sizeof(*search->forms), faster_first);
    search->n_left = (search->n_left + 1) / 2;
    search->taken = 0;
    search->round++;
}

const struct tr_kernel *tr_search_winner(const struct tr_search *search) {
    return search->n ? search->forms[0].kernel : NULL;
}

json_t *tr_search_to_json(const struct tr_search *search, const char *unit) {
    json_t *forms = json_array();
    for (size_t i = 0; forms && i < search->n; i++) {
        const struct tr_search_form *form = &search->forms[i];
        json_t *entry = json_pack("{s:s, s:s, s:f, s:s, s:I}", "form", form->kernel->id, "isa",
                                  form->kernel->isa, "rate", form->rate, "unit", unit, "samples",
                                  (json_int_t)form->samples);
        if (json_array_append_new(forms, entry)) {
            json_decref(forms);
            return NULL;
        }
    }
    return forms;
}

void tr_search_finish(struct tr_search *search) {
    free(search->forms);
    *search = (struct tr_search){0};
}

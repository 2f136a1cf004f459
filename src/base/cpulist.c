#include "tokenroof/cpulist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

/* First position whose id is not below `id`. */
static size_t position(const struct tr_cpulist *list, int id) {
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool tr_cpulist_has(const struct tr_cpulist *list, int id) {
    size_t at = position(list, id);
    return at < list->n && list->ids[at] == id;
}

int tr_cpulist_add(struct tr_cpulist *list, int id) {
    size_t at = position(list, id);
    if (at < list->n && list->ids[at] == id)
        return 0;
    int *ids = realloc(list->ids, (list->n + 1) * sizeof(*ids));
    if (!ids)
        return TR_ENOMEM;
    memmove(ids + at + 1, ids + at, (list->n - at) * sizeof(*ids));
    ids[at] = id;
    list->ids = ids;
    list->n++;
    return 0;
}

int tr_cpulist_copy(const struct tr_cpulist *from, struct tr_cpulist *ret_list) {
    struct tr_cpulist copy = {0};
    if (from->n) {
        copy.ids = malloc(from->n * sizeof(*copy.ids));
        if (!copy.ids)
            return TR_ENOMEM;
        memcpy(copy.ids, from->ids, from->n * sizeof(*copy.ids));
        copy.n = from->n;
    }
    *ret_list = copy;
    return 0;
}

bool tr_cpulist_intersects(const struct tr_cpulist *a, const struct tr_cpulist *b) {
    for (size_t i = 0; i < a->n; i++)
        if (tr_cpulist_has(b, a->ids[i]))
            return true;
    return false;
}

void tr_cpulist_finish(struct tr_cpulist *list) {
    if (!list)
        return;
    free(list->ids);
    *list = (struct tr_cpulist){0};
}

/* Digits only: strtol would take signs, blanks and hexadecimal. */
static bool read_id(const char **text, int *ret_id) {
    const char *at = *text;
    long value = 0;
    if (!isdigit((unsigned char)*at))
        return false;
    for (; isdigit((unsigned char)*at); at++) {
        value = value * 10 + (*at - '0');
        if (value > TR_CPULIST_MAX_ID)
            return false;
    }
    *text = at;
    *ret_id = (int)value;
    return true;
}

int tr_cpulist_parse(const char *text, struct tr_cpulist *ret_list, struct tr_err *reterr) {
    struct tr_cpulist list = {0};
    const char *at = text;
    int code = 0;

    while (*at && *at != '\n') {
        int first, last;
        if (!read_id(&at, &first))
            goto bad;
        last = first;
        if (*at == '-') {
            at++;
            if (!read_id(&at, &last) || last < first)
                goto bad;
        }
        for (int id = first; id <= last; id++) {
            code = tr_cpulist_add(&list, id);
            if (code)
                goto fail;
        }
        if (*at == ',' && at[1] && at[1] != '\n')
            at++;
        else if (*at && *at != '\n')
            goto bad;
    }
    *ret_list = list;
    return 0;
bad:
    code = tr_err_set(reterr, TR_EUSAGE,
                      "'%.60s' is not a list of numbers. Write it as 0-7,16-23 (numbers up to %d)",
                      text, TR_CPULIST_MAX_ID);
fail:
    tr_cpulist_finish(&list);
    return code;
}

char *tr_cpulist_format(const struct tr_cpulist *list) {
    struct tr_strbuf out = {0};
    tr_strbuf_add(&out, "");
    for (size_t i = 0; i < list->n;) {
        size_t end = i;
        while (end + 1 < list->n && list->ids[end + 1] == list->ids[end] + 1)
            end++;
        tr_strbuf_addf(&out, "%s%d", i ? "," : "", list->ids[i]);
        if (end > i)
            tr_strbuf_addf(&out, "-%d", list->ids[end]);
        i = end + 1;
    }
    return tr_strbuf_take(&out);
}

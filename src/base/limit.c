#include "tokenroof/limit.h"

#include <stdlib.h>
#include <string.h>

static const char *const place_kinds[] = {"machine", "package", "node", "ccd", "core"};
enum { N_PLACE_KINDS = sizeof(place_kinds) / sizeof(place_kinds[0]) };

const char *tr_place_kind_name(enum tr_place_kind kind) {
    return (size_t)kind < N_PLACE_KINDS ? place_kinds[kind] : NULL;
}

int tr_place_kind_from_name(const char *name) {
    for (int i = 0; i < N_PLACE_KINDS; i++)
        if (!strcmp(name, place_kinds[i]))
            return i;
    return -1;
}

const struct tr_limit *tr_limit_find(const struct tr_limit *limits, size_t n, const char *name,
                                     enum tr_place_kind kind, int index) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(limits[i].name, name) && limits[i].place.kind == kind &&
            limits[i].place.index == index)
            return &limits[i];
    return NULL;
}

void tr_place_finish(struct tr_place *place) {
    if (!place)
        return;
    tr_cpulist_finish(&place->cpus);
    tr_cpulist_finish(&place->memory_nodes);
}

void tr_limit_finish(struct tr_limit *limit) {
    if (!limit)
        return;
    free(limit->name);
    free(limit->unit);
    free(limit->formula);
    free(limit->basis);
    free(limit->binds);
    tr_place_finish(&limit->place);
    *limit = (struct tr_limit){0};
}

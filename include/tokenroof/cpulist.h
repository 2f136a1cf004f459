/* Sets of CPU or node numbers in the kernel's list syntax ("0-7,16-23"). */
#ifndef TOKENROOF_CPULIST_H
#define TOKENROOF_CPULIST_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sorted, without duplicates. Zeroed = empty. The storage of `ids` belongs to the list. */
struct tr_cpulist {
    int *ids;
    size_t n;
};

/* Largest number accepted; a guard against lists such as 0-4000000000. */
#define TR_CPULIST_MAX_ID 65535

int tr_cpulist_parse(const char *text, struct tr_cpulist *ret_list, struct tr_err *reterr);
/* Adds one number; keeps order; adding twice is harmless. */
int tr_cpulist_add(struct tr_cpulist *list, int id);
int tr_cpulist_copy(const struct tr_cpulist *from, struct tr_cpulist *ret_list);
bool tr_cpulist_has(const struct tr_cpulist *list, int id);
bool tr_cpulist_intersects(const struct tr_cpulist *a, const struct tr_cpulist *b);
/* Heap string in list syntax, "" for the empty list; NULL when out of memory. */
char *tr_cpulist_format(const struct tr_cpulist *list);
void tr_cpulist_finish(struct tr_cpulist *list);

#ifdef __cplusplus
}
#endif
#endif

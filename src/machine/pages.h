/* Memory for measurements: page size and node are asked for, then proved. */
#ifndef TR_MACHINE_PAGES_H
#define TR_MACHINE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tokenroof/err.h"

enum tr_pages { TR_PAGES_THP, TR_PAGES_4K, TR_PAGES_2M, TR_PAGES_1G };
/* "thp" "4k" "2m" "1g"; from_name gives -1 for an unknown name. */
const char *tr_pages_name(enum tr_pages pages);
int tr_pages_from_name(const char *name);

/* What a buffer for so many bytes takes once all of it is touched: whole pages of that kind. */
size_t tr_buffer_bytes(size_t bytes, enum tr_pages pages);

struct tr_buffer {
    unsigned char *base; /* aligned to the page size asked for */
    size_t bytes;
    void *mapping;
    size_t mapped_bytes;
};

/* Reserves memory without touching it, bound to `node` (-1: wherever the first toucher is). The
 * thread that is to own the pages must write each of them first.
 * *ret_bound tells whether the kernel took the policy (containers may forbid it).
 * TR_EUNAVAILABLE: no such pages here (with the remedy); TR_ENOMEM. */
int tr_buffer_map(size_t bytes, enum tr_pages pages, int node, struct tr_buffer *ret_buffer,
                  bool *ret_bound, struct tr_err *reterr);
void tr_buffer_unmap(struct tr_buffer *buffer);

/* Gives the memory behind the first `bytes` back; it reads as zeros if it is touched again. */
void tr_buffer_release_after(struct tr_buffer *buffer, size_t bytes);

/* Where a word of memory lies: its physical address, -1 where the kernel does not tell (without
 * CAP_SYS_ADMIN); its node, -1 unknown. The page must have been touched. */
int64_t tr_physical_address(const void *address);
int tr_node_of_address(const void *address);

/* Share of the buffer's present bytes that lie in huge pages, NAN if the kernel does not tell. */
double tr_buffer_huge_fraction(const struct tr_buffer *buffer);
/* Share of (up to 2048 sampled) pages that lie on `node`, NAN if the kernel does not tell. */
double tr_buffer_node_fraction(const struct tr_buffer *buffer, int node);

#endif

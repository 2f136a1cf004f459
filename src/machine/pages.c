#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum { HUGE_SHIFT = 21, GIANT_SHIFT = 30 };
/* MADV_POPULATE_WRITE, which older headers lack. */
enum { MADV_POPULATE_WRITE_ = 23 };

static const char *const names[] = {"thp", "4k", "2m", "1g"};

const char *tr_pages_name(enum tr_pages pages) {
    return names[pages];
}

int tr_pages_from_name(const char *name) {
    for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
        if (!strcmp(name, names[i]))
            return i;
    return -1;
}

static size_t round_up(size_t bytes, size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

/* Less than a huge page is not rounded up to one: with many threads that would be gigabytes. */
static enum tr_pages pages_for(size_t bytes, enum tr_pages pages) {
    return pages == TR_PAGES_THP && bytes < (size_t)1 << HUGE_SHIFT ? TR_PAGES_4K : pages;
}

static size_t page_bytes(enum tr_pages pages) {
    return pages == TR_PAGES_4K   ? 4096
           : pages == TR_PAGES_1G ? (size_t)1 << GIANT_SHIFT
                                  : (size_t)1 << HUGE_SHIFT;
}

size_t tr_buffer_bytes(size_t bytes, enum tr_pages pages) {
    return round_up(bytes, page_bytes(pages_for(bytes, pages)));
}

/* The kernel takes the policy where libnuma finds NUMA support and no sandbox forbids mbind. */
static bool bind_to_node(void *address, size_t bytes, int node) {
    enum { WORD_BITS = 8 * (int)sizeof(unsigned long) };
    unsigned long mask[1024 / WORD_BITS] = {0};
    if (node < 0 || node >= 1024 || numa_available() < 0)
        return false;
    mask[node / WORD_BITS] = 1ul << (node % WORD_BITS);
    return !mbind(address, bytes, MPOL_BIND, mask, 1024, MPOL_MF_STRICT);
}

int tr_buffer_map(size_t bytes, enum tr_pages pages, int node, struct tr_buffer *ret_buffer,
                  bool *ret_bound, struct tr_err *reterr) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    bool pool = pages == TR_PAGES_2M || pages == TR_PAGES_1G;
    pages = pages_for(bytes, pages);
    size_t unit = page_bytes(pages);
    if (pool) {
        int shift = pages == TR_PAGES_1G ? GIANT_SHIFT : HUGE_SHIFT;
        flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (shift << MAP_HUGE_SHIFT);
    }
    size_t length = tr_buffer_bytes(bytes, pages);
    size_t mapped = pool ? length : length + unit;
    void *mapping = mmap(NULL, mapped, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapping == MAP_FAILED) {
        if (pool)
            return tr_err_set(reterr, TR_EUNAVAILABLE,
                              "no %s pages for %zu MiB: %s. Reserve them: echo %zu | sudo tee "
                              "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
                              tr_pages_name(pages), length >> 20, strerror(errno), length / unit,
                              unit / 1024);
        return tr_err_set(reterr, TR_ENOMEM, "no memory for a buffer of %zu MiB: %s", length >> 20,
                          strerror(errno));
    }
    unsigned char *base = mapping;
    if (!pool) {
        base += round_up((uintptr_t)mapping, unit) - (uintptr_t)mapping;
        /* Both may be refused (kernels without huge pages): the size obtained is proved later. */
        (void)madvise(base, length, pages == TR_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    }
    *ret_bound = bind_to_node(base, length, node);
    /* After binding: a node's pool that is too small must fail here, not by SIGBUS later. Kernels
     * before 5.14 cannot populate; there the machine's pool was reserved by mmap at least. */
    if (pool && madvise(base, length, MADV_POPULATE_WRITE_) && errno != EINVAL) {
        int reason = errno;
        munmap(mapping, mapped);
        return tr_err_set(reterr, TR_EUNAVAILABLE, "too few %s pages on node %d: %s",
                          tr_pages_name(pages), node, strerror(reason));
    }
    *ret_buffer = (struct tr_buffer){base, length, mapping, mapped};
    return 0;
}

void tr_buffer_unmap(struct tr_buffer *buffer) {
    if (!buffer || !buffer->mapping)
        return;
    munmap(buffer->mapping, buffer->mapped_bytes);
    *buffer = (struct tr_buffer){0};
}

/* Sums Rss and the huge-page lines of all mappings of /proc/self/smaps inside the buffer; a buffer
 * can be split into several, or be part of a larger one (then that one's share is taken). */
double tr_buffer_huge_fraction(const struct tr_buffer *buffer) {
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    uintptr_t begin = (uintptr_t)buffer->base, end = begin + buffer->bytes;
    bool inside = false;
    double present_kb = 0, huge_kb = 0;
    if (!file)
        return NAN;
    while (fgets(line, sizeof(line), file)) {
        uintptr_t first, last;
        char *at = line;
        first = (uintptr_t)strtoull(at, &at, 16);
        if (*at == '-') {
            last = (uintptr_t)strtoull(at + 1, &at, 16);
            if (*at == ' ') {
                inside = first < end && last > begin;
                continue;
            }
        }
        char *colon = strchr(line, ':');
        if (!inside || !colon)
            continue;
        *colon = '\0';
        double kb = (double)strtoull(colon + 1, NULL, 10);
        if (!strcmp(line, "Rss"))
            present_kb += kb;
        else if (!strcmp(line, "AnonHugePages"))
            huge_kb += kb;
        else if (!strcmp(line, "Private_Hugetlb")) {
            present_kb += kb; /* not part of Rss */
            huge_kb += kb;
        }
    }
    fclose(file);
    return present_kb > 0 ? huge_kb / present_kb : NAN;
}

double tr_buffer_node_fraction(const struct tr_buffer *buffer, int node) {
    enum { MOST = 2048 };
    void *pages[MOST];
    int status[MOST];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), total = buffer->bytes / page;
    size_t n = total < MOST ? total : MOST, known = 0, right = 0;
    if (node < 0 || n == 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        pages[i] = buffer->base + i * (total / n) * page;
    if (move_pages(0, n, pages, NULL, status, 0))
        return NAN;
    for (size_t i = 0; i < n; i++) {
        known += status[i] >= 0;
        right += status[i] == node;
    }
    return known ? (double)right / (double)known : NAN;
}

void tr_buffer_release_after(struct tr_buffer *buffer, size_t bytes) {
    size_t from = round_up(bytes, (size_t)sysconf(_SC_PAGESIZE));
    if (from < buffer->bytes)
        (void)madvise(buffer->base + from, buffer->bytes - from, MADV_DONTNEED);
}

/* An entry of /proc/self/pagemap: bits 0-54 the page's number, 63 whether it is present; see the
 * kernel's Documentation/admin-guide/mm/pagemap.rst. */
int64_t tr_physical_address(const void *address) {
    uint64_t entry = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t number, at = (uint64_t)(uintptr_t)address;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = pread(fd, &entry, sizeof(entry), (off_t)(at / page * sizeof(entry)));
    close(fd);
    number = entry & (((uint64_t)1 << 55) - 1);
    if (n != sizeof(entry) || !(entry >> 63) || !number)
        return -1;
    return (int64_t)(number * page + at % page);
}

int tr_node_of_address(const void *address) {
    const char *at = address;
    void *pages[1] = {(void *)(at - (uintptr_t)at % (uintptr_t)sysconf(_SC_PAGESIZE))};
    int status[1] = {-1};
    return move_pages(0, 1, pages, NULL, status, 0) || status[0] < 0 ? -1 : status[0];
}

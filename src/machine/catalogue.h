/* Tables of platforms inside this room: the built-in one (data/cpus.csv) and a user's file. */
#ifndef TR_MACHINE_CATALOGUE_H
#define TR_MACHINE_CATALOGUE_H

#include "csv.h"
#include "tokenroof/platform.h"

enum { TR_PLATFORM_KEY_BYTES = 128 };

struct tr_platform_entry {
    int family;                      /* CPUID, -1 unknown */
    const char *models;              /* "0x74|0x75", "" unknown */
    char key[TR_PLATFORM_KEY_BYTES]; /* the name as names are compared */
};

/* Rows point into the table they were read from. */
struct tr_platform_set {
    struct tr_csv csv;
    struct tr_platform *platforms;
    struct tr_platform_entry *entries; /* beside platforms */
    size_t n;
};

/* The user's rows; see tokenroof/platform.h. */
struct tr_platform_file {
    struct tr_platform_set set;
};

/* The built-in table; lives as long as the program. */
const struct tr_platform_set *tr_catalogue_platforms(void);

/* Reads all rows of set->csv. A cell that is empty is taken from the row of the same name in
 * `base` (NULL without). TR_ENOMEM. */
int tr_platform_set_fill(struct tr_platform_set *set, const struct tr_platform_set *base);
void tr_platform_set_finish(struct tr_platform_set *set);

/* "name" (0), a text (1), a number (2), or no column of this table (-1). */
int tr_platform_column_kind(const char *column);

/* A product's name without decoration: lower case, single blanks, no "(R)", "CPU", "Processor".
 * false where it does not fit. */
bool tr_platform_key(const char *text, char key[TR_PLATFORM_KEY_BYTES]);
/* The key without "amd " or "intel ". */
const char *tr_platform_brief_key(const char *key);

/* Rows by exact name or unique prefix; by brand string and CPUID. NULL if none. */
const struct tr_platform *tr_platform_set_by_name(const struct tr_platform_set *set,
                                                  const char *name);
const struct tr_platform *tr_platform_set_by_cpu(const struct tr_platform_set *set,
                                                 const struct tr_cpu_facts *cpu);

/* Makes a row the machine's; what the processor did not tell of its cores, the row tells. */
int tr_catalogue_apply(struct tr_machine *machine, const struct tr_platform *platform);
/* A cell of data/uarch.csv; "" where the micro-architecture is unknown (or NULL) or has none. */
const char *tr_uarch_cell(const char *uarch, const char *column);
/* Whether a column of data/uarch.csv is filled in for a micro-architecture. */
bool tr_uarch_computes(const char *uarch, const char *column);
/* Whether it is a core of Arm, whose columns of 256-bit vectors are for all of its NEON units. */
bool tr_uarch_is_arm(const char *uarch);

/* "user" or "catalogue": what a limit computed from the row rests on. */
const char *tr_platform_basis(const struct tr_platform *platform);

#endif

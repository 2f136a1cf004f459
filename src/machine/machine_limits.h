/* Theoretical limits: where the numbers come from is in docs/method.md.
 *
 * No input, no limit: a figure that is not known is left out, never assumed. */
#ifndef TR_MACHINE_MACHINE_LIMITS_H
#define TR_MACHINE_MACHINE_LIMITS_H

#include <stdbool.h>

#include "tokenroof/machine.h"

/* Whether a core belongs to a place (which may be the core itself). */
bool tr_core_is_in(const struct tr_core *core, enum tr_place_kind kind, int index);

/* What the FMA limits are computed with. */
struct tr_flop_clock {
    double performance_ghz; /* of all cores, or of the performance cores of a hybrid part */
    double efficiency_ghz;  /* NAN: as the performance cores, which is an upper bound */
    const char *basis;      /* "measured_clock", "catalogue" */
    const char *only;       /* name of the one limit to add; NULL = all */
};

/* Adds flop_<dtype>_<isa>, and l1_read and l2_read where clock->only names one of them, at one
 * place (cores of `kind` `index` that this process may use), for every type and level that is
 * available here: cores x FLOP per cycle and core (data/uarch.csv, FMA counts 2) x clock. Replaces
 * limits of the same name and place. Nothing is added where the micro-architecture is unknown. 0 or
 * TR_ENOMEM. */
int tr_machine_add_flop_limits_at(struct tr_machine *machine, enum tr_place_kind kind, int index,
                                  const struct tr_flop_clock *clock);

/* The same for the machine and each of its packages, from a clock measured while all cores were
 * busy; basis measured_clock, hard. */
int tr_machine_add_flop_limits(struct tr_machine *machine, double clock_ghz);

/* Bounds the fabric clock by what the cores of `ccds` CCDs read from memory together, in GB/s: a
 * link carries 32 B (the catalogue's width) a fabric clock, no more. Keeps the highest bound in
 * clocks.fclk_at_least_ghz. Where a clock that was given or read lies 3% or more below it, or where
 * one CCD got less than 0.85 of what such a clock allows although the memory gives 1.2 times that,
 * *ret_doubt is a sentence (heap); else NULL. Nothing happens where the width is unknown, and in
 * virtual machines. 0 or TR_ENOMEM. */
int tr_machine_bound_fclk(struct tr_machine *machine, int ccds, double read_gb_per_s,
                          char **ret_doubt);

/* For the files behind this header: */

/* NAN or a value <= 0 adds nothing. Takes over `formula` (heap; NULL = out of memory). */
struct tr_limit_facts {
    const char *name;
    enum tr_place_kind kind;
    int index;
    double value;
    const char *unit;
    const char *basis;
    const char *binds; /* NULL */
    char *formula;
    bool of_memory; /* the host's, where this is a virtual machine */
    bool soft;      /* read, but from a clock that may rise: a higher result is no error */
};
int tr_limit_put(struct tr_machine *machine, const struct tr_limit_facts *facts);
/* The machine's limit of that name and place, to look at until one is added; NULL without. */
struct tr_limit *tr_limit_of(struct tr_machine *machine, const char *name, enum tr_place_kind kind,
                             int index);

/* The weaker of two: catalogue < user < what was read. NULL weakens nothing. */
const char *tr_weaker_basis(const char *a, const char *b);
/* Packages by topology, else by the firmware, else by memory modules, else 1 where the part allows
 * no more; -1 unknown.
 */
int tr_package_count(const struct tr_machine *machine);
/* FMA limits from the catalogue's clocks, where nothing was measured. */
int tr_limits_add_catalogue_flop(struct tr_machine *machine);
/* memory_controller: packages x channels x 32 B x UCLK; nothing where that was not read. */
int tr_limits_put_controller(struct tr_machine *machine, double packages, double channels,
                             enum tr_place_kind kind, int index);
/* memory_read, memory_write, memory_mixed: the least of dram, memory_controller and fabric. */
int tr_limits_add_memory(struct tr_machine *machine);
/* fabric_read, fabric_write of machine, packages, nodes, CCDs. */
int tr_limits_add_fabric(struct tr_machine *machine);
/* Nodes of one package that each own an equal part of its memory channels; 0 where that is not
 * certain. */
int tr_nodes_per_package(const struct tr_machine *machine);

#endif

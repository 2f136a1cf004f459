/* Where memory slots are, from the names that firmware gives them. */
#ifndef TR_MACHINE_MEMORY_SLOTS_H
#define TR_MACHINE_MEMORY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "tokenroof/machine.h"

/* As far as the names tell. */
struct tr_slot {
    int package_bank, package_locator; /* as written, from 0 or 1; -1 unknown */
    int array;                         /* ordinal of its memory array, -1 unknown */
    int package;                       /* resolved, from 0 */
    int controller;                    /* -1 none named */
    bool half_channels; /* "Controller": an Intel client controller, 64 bits in all (memory.c) */
    char channel[4];    /* "" unknown */
    int place;          /* in the channel; -1 unknown */
    bool bare;          /* a letter and a number alone: "A1" */
};

/* Reads locator and bank of a module; `package` and `array` stay unknown. */
void tr_slot_read(const struct tr_memory_module *module, struct tr_slot *ret_slot);
/* Gives each slot its package. `sockets`: populated ones, 0 unknown; `n_arrays`: memory arrays. */
void tr_slots_resolve(struct tr_slot *slots, size_t n, int sockets, int n_arrays);

#endif

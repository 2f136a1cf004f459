/* Which of several forms of one figure (instruction set, variant, kind of store) stands for it. */
#ifndef TR_CALIBRATION_CHOICE_H
#define TR_CALIBRATION_CHOICE_H

#include "tokenroof/calibration.h"

/* How a figure may differ from what the machine does, by its flags. */
enum tr_standing {
    TR_STANDING_SOUND,
    TR_STANDING_SLOWED,    /* unsteady, throttled, disturbed, ...: at least so fast */
    TR_STANDING_FLATTERED, /* small_working_set: caches took part */
    TR_STANDING_REFUSED    /* above_ceiling */
};
enum tr_standing tr_standing_of(const struct tr_measurement *measurement);

/* The best by median of each standing. All zero before the first is offered. */
struct tr_choice {
    const struct tr_measurement *best[TR_STANDING_REFUSED + 1];
    const struct tr_measurement *widest; /* that is not sound: of the widest instruction set */
};

/* Unknown medians are no candidates. */
void tr_choice_offer(struct tr_choice *choice, const struct tr_measurement *measurement);
/* The sound one, unless the 95 % interval of a slowed one lies wholly above the sound one's: what
 * was slowed and is faster all the same comes closer. Then the slowed, the flattered, the refused
 * one; NULL if none was offered. */
const struct tr_measurement *tr_choice_made(const struct tr_choice *choice);
/* A form of a wider instruction set than the one that stands, which doubts keep from standing; NULL
 * if there is none. It may be the faster one on a quiet machine. Where the one that stands is in as
 * much doubt only arithmetic counts: it may be twice as fast with the wider set. */
const struct tr_measurement *tr_choice_passed_over(const struct tr_choice *choice);

#endif

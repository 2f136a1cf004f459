/* Whether a soak says anything of a machine: what it found holds for the processor, the firmware
 * and the memory that it ran with. */
#ifndef TR_DECIDE_SOAK_CONDITIONS_H
#define TR_DECIDE_SOAK_CONDITIONS_H

#include <stdbool.h>

#include <jansson.h>

/* What the soak (tokenroof.soak/1) ran with that the machine (as in a calibration) has otherwise:
 * "BIOS 1.1 instead of 1.2, memory MT/s 6000 instead of 5600"; "" where nothing that both tell
 * differs. The caller frees it; NULL: out of memory. */
char *tr_soak_differences(const json_t *soak, const json_t *machine);
/* A soak that found nothing in less, as `soak` runs by itself, proves little. */
static const double tr_soak_least_minutes = 10;
/* Whether it ran for so long, or for a second less; also where that is unknown (NAN). */
bool tr_soak_is_long_enough(double seconds, double least_minutes);
/* Whether none of its phases was one of memory. */
bool tr_soak_left_memory_out(const json_t *soak);
/* Whether it ran in another boot; false where either is unknown. */
bool tr_soak_of_another_boot(const json_t *soak, const char *boot_id);

#endif

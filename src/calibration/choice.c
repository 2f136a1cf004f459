#include "choice.h"

#include <math.h>
#include <string.h>

#include "tokenroof/isa.h"

enum tr_standing tr_standing_of(const struct tr_measurement *measurement) {
    static const char *const slowing[] = {"unsteady",   "throttled", "migrated",
                                          "not_pinned", "misplaced", "disturbed"};
    const struct tr_strings *flags = &measurement->flags;
    if (tr_strings_has(flags, "above_ceiling"))
        return TR_STANDING_REFUSED;
    if (tr_strings_has(flags, "small_working_set"))
        return TR_STANDING_FLATTERED;
    for (size_t i = 0; i < sizeof(slowing) / sizeof(slowing[0]); i++)
        if (tr_strings_has(flags, slowing[i]))
            return TR_STANDING_SLOWED;
    return TR_STANDING_SOUND;
}

void tr_choice_offer(struct tr_choice *choice, const struct tr_measurement *measurement) {
    enum tr_standing standing = tr_standing_of(measurement);
    const struct tr_measurement *widest = choice->widest;
    if (isnan(measurement->median))
        return;
    if (!choice->best[standing] || measurement->median > choice->best[standing]->median)
        choice->best[standing] = measurement;
    if (standing == TR_STANDING_SOUND)
        return;
    int wider = widest ? tr_isa_from_name(measurement->isa) - tr_isa_from_name(widest->isa) : 1;
    if (wider > 0 || (wider == 0 && measurement->median > widest->median))
        choice->widest = measurement;
}

/* The median where the interval is unknown. */
static double bound(const struct tr_measurement *measurement, int side) {
    double at = measurement->ci95[side];
    return isnan(at) ? measurement->median : at;
}

const struct tr_measurement *tr_choice_made(const struct tr_choice *choice) {
    const struct tr_measurement *sound = choice->best[TR_STANDING_SOUND];
    const struct tr_measurement *slowed = choice->best[TR_STANDING_SLOWED];
    if (sound && slowed && bound(slowed, 0) > bound(sound, 1))
        return slowed;
    for (int i = 0; i <= TR_STANDING_REFUSED; i++)
        if (choice->best[i])
            return choice->best[i];
    return NULL;
}

const struct tr_measurement *tr_choice_passed_over(const struct tr_choice *choice) {
    const struct tr_measurement *made = tr_choice_made(choice), *widest = choice->widest;
    if (!widest || tr_isa_from_name(widest->isa) <= tr_isa_from_name(made->isa))
        return NULL;
    /* Of two in doubt the faster one stands, and its flags tell. Arithmetic may still be twice as
     * fast with the wider set. */
    bool compute = made->metric && !strcmp(made->metric, "compute");
    return compute || tr_standing_of(widest) > tr_standing_of(made) ? widest : NULL;
}

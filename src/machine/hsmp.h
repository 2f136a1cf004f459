/* Clocks that AMD's firmware tells: EPYC through HSMP (the kernel's amd_hsmp module, /dev/hsmp),
 * Ryzen through the table of the ryzen_smu module.
 *
 * Of HSMP only messages that ask are sent, through a device that is opened read-only. Messages and
 * the form of their answers: the kernel's <asm/amd_hsmp.h>. In a recording the answers are a text
 * at /dev/hsmp, a line each: package, message, then either the words of the answer or "error" and
 * the number of the error, as in "0 0x0f 1800 2400" and "0 0x14 error 42". */
#ifndef TR_MACHINE_HSMP_H
#define TR_MACHINE_HSMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"

/* --- HSMP ------------------------------------------------------------------------------------ */

enum { TR_HSMP_MAX_WORDS = 8, TR_HSMP_MAX_PACKAGES = 8 };

struct tr_hsmp_request {
    int package;
    uint32_t message;
    unsigned n_words; /* of the answer; the kernel wants the exact number */
    uint32_t words[TR_HSMP_MAX_WORDS];
    int error; /* errno of this message; 0 = answered */
};

/* The only function that talks to the device (hsmp_hw.c); tests replace it at link time. 0, or the
 * errno of opening the device; EINVAL, and nothing sent, if a message does not merely ask. After a
 * message that timed out the rest is not sent: each would take another half second. */
int tr_hsmp_ask(struct tr_hsmp_request *requests, size_t n);

/* NAN, NULL and -1 for what was not answered. */
struct tr_hsmp {
    bool answered;                     /* at least one message */
    int error;                         /* errno that the question for the fabric clock met, or 0 */
    double fclk_ghz, fclk_highest_ghz; /* of the slowest and of the fastest package */
    double mclk_ghz;                   /* of the slowest package */
    double ddr_gb_s;                   /* theoretical maximum of all packages */
    double power_w, power_limit_w, power_limit_max_w; /* of all packages */
    double core_limit_ghz; /* lowest that a package's cores are held to */
    const char *core_limit_reason;
    int prochot;
};

/* Asks `n_packages` packages, or reads the recorded answers; asks again only if `again`.
 * *ret_bad_line gets the number of the first line of a recording that is not understood, else 0. 0
 * or TR_ENOMEM. */
int tr_hsmp_read(struct tr_source *source, size_t n_packages, bool again, struct tr_hsmp *ret_hsmp,
                 size_t *ret_bad_line);

/* --- ryzen_smu ------------------------------------------------------------------------------- */

struct tr_ryzen_smu {
    bool present;     /* the module is loaded */
    bool readable;    /* its table could be read (root only) */
    uint32_t version; /* of the table's layout; 0 unknown */
    bool documented;  /* the layout is known, and its numbers can be clocks */
    double fclk_ghz, uclk_ghz, mclk_ghz;
};

void tr_ryzen_smu_read(struct tr_source *source, struct tr_ryzen_smu *ret_smu);

#endif

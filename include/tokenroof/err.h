/* Errors: every fallible function returns 0 or one of these negative codes.
 *
 * Conventions of the whole library:
 *  - outputs are named ret_* and are written on success only;
 *  - details go to `struct tr_err *reterr`, written on failure only; NULL is accepted;
 *  - the library never prints and never exits.
 */
#ifndef TOKENROOF_ERR_H
#define TOKENROOF_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum tr_code {
    TR_OK = 0,
    TR_EFAIL = -1,        /* internal error */
    TR_EUSAGE = -2,       /* wrong usage: unknown option, bad value */
    TR_EUNAVAILABLE = -3, /* asked for by name, not possible on this machine */
    TR_EUNTRUSTED = -4,   /* done, but the figure is not to be trusted */
    TR_ECHECK = -5,       /* a check did not hold */
    TR_EFORMAT = -6,      /* an input file is bad */
    TR_ESTOPPED = -7,     /* interrupted or terminated by a signal */
    TR_ENOMEM = -8,       /* out of memory */
    TR_EIO = -9,          /* input or output failed */
};

/* Text of an error: what, why, and what to do; one or two lines, no trailing newline. */
struct tr_err {
    int code;
    char text[768];
};

/* Fills *reterr (which may be NULL) and returns `code`, so that
 * `return tr_err_set(reterr, TR_EIO, "...")` is one line. */
int tr_err_set(struct tr_err *reterr, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For files that the user named as input: one that cannot be read is as bad as one that is
 * malformed. */
int tr_err_of_input(int code);

/* Exit status of the program for an error code (0 for 0); see docs/formats.md. */
int tr_exit_status(int code);

#ifdef __cplusplus
}
#endif
#endif

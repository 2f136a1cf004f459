#include "tokenroof/err.h"

#include <stdarg.h>
#include <stdio.h>

int tr_err_set(struct tr_err *reterr, int code, const char *format, ...) {
    if (reterr) {
        va_list args;
        va_start(args, format);
        reterr->code = code;
        vsnprintf(reterr->text, sizeof(reterr->text), format, args);
        va_end(args);
    }
    return code;
}

int tr_err_of_input(int code) {
    return code == TR_EIO ? TR_EFORMAT : code;
}

int tr_exit_status(int code) {
    switch (code) {
    case TR_OK:
        return 0;
    case TR_EUSAGE:
        return 2;
    case TR_EUNAVAILABLE:
        return 3;
    case TR_EUNTRUSTED:
        return 4;
    case TR_ECHECK:
        return 5;
    case TR_EFORMAT:
        return 6;
    default:
        return 1;
    }
}

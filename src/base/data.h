/* The files of data/, compiled into the program. */
#ifndef TR_BASE_DATA_H
#define TR_BASE_DATA_H

#include <stddef.h>

struct tr_data {
    const char *name; /* "cpus.csv" */
    const char *text; /* terminated by a NUL that is not counted */
    size_t length;
};

const struct tr_data *tr_data_find(const char *name);

#endif

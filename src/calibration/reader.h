/* Typed reading of a JSON tree: every complaint names the file and the path of the field. */
#ifndef TR_CALIBRATION_READER_H
#define TR_CALIBRATION_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "tokenroof/calibration.h"

/* One object of the tree. After the first complaint `code` is set and all further reads do nothing,
 * so that a row of them needs one check. */
struct tr_reader {
    const char *name; /* of the file */
    char path[96];    /* of the object: "measurements[3].place"; "" for the document */
    const json_t *object;
    int code;
    struct tr_err *reterr;
};

/* The member `key` as an object of its own; its `object` is NULL where it is absent or null. */
struct tr_reader tr_reader_member(struct tr_reader *reader, const char *key);
/* The same for item `index` of the array `key`, whose items must be objects. */
struct tr_reader tr_reader_item(struct tr_reader *reader, const char *key, size_t index);
/* Length of the array `key`, 0 where it is absent or null. */
size_t tr_reader_length(struct tr_reader *reader, const char *key);

/* Absent and null read as unknown: NULL, NAN, -1, false, no strings. */
void tr_read_text(struct tr_reader *reader, const char *key, char **ret);
/* The same, but it must be there. */
void tr_read_name(struct tr_reader *reader, const char *key, char **ret);
void tr_read_number(struct tr_reader *reader, const char *key, double *ret);
void tr_read_count(struct tr_reader *reader, const char *key, int64_t max, int64_t *ret);
void tr_read_bool(struct tr_reader *reader, const char *key, bool *ret);
void tr_read_strings(struct tr_reader *reader, const char *key, struct tr_strings *ret);
/* Numbers of an array, items that are null become NAN. */
void tr_read_numbers(struct tr_reader *reader, const char *key, double **ret, size_t *ret_n);
/* Two numbers; NAN twice where absent. */
void tr_read_interval(struct tr_reader *reader, const char *key, double interval[2]);
void tr_read_cpulist(struct tr_reader *reader, const char *key, struct tr_cpulist *ret);
/* The object `place`. False (no complaint) if its kind is one that struct tr_place cannot hold. */
bool tr_read_place(struct tr_reader *reader, struct tr_place *ret);

void tr_reader_complain(struct tr_reader *reader, const char *key, const char *expected,
                        const json_t *found);

#endif

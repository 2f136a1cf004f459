/* The record of a soak: a line of JSON for everything that is known, on disk within a second. */
#ifndef TR_SOAK_RECORD_H
#define TR_SOAK_RECORD_H

#include "append.h"
#include "faults.h"
#include "strbuf.h"
#include "summary.h"
#include "worker.h"

struct tr_soak_record {
    struct tr_append file; /* closed: not kept */
    bool failed;           /* writing failed; what is told in `why` */
    struct tr_err why;
    struct tr_strbuf lines; /* not written yet */
    struct tr_soak_summary *summary;
};

/* TR_EIO; TR_EUSAGE if the file exists. `path` NULL: nothing is written. */
int tr_soak_record_open(const char *path, struct tr_soak_summary *summary,
                        struct tr_soak_record *ret_record, struct tr_err *reterr);
/* Adds a line, which is freed, and takes it into the summary. TR_ENOMEM. */
int tr_soak_record_add(struct tr_soak_record *record, json_t *line);
/* Puts what was added on the disk. A failure is kept in the record, which ends there. */
void tr_soak_record_flush(struct tr_soak_record *record);
void tr_soak_record_close(struct tr_soak_record *record);

/* Lines; NULL when out of memory. */
json_t *tr_soak_line_head(const struct tr_soak_run *run, const struct tr_soak_worker *workers,
                          const struct tr_soak_options *options, const char *created,
                          const char *boot_id);
json_t *tr_soak_line_second(const struct tr_soak_second *second);
json_t *tr_soak_line_mismatch(const struct tr_soak_mismatch *mismatch, const char *at);
json_t *tr_soak_line_nodes(const struct tr_soak_run *run, const struct tr_soak_worker *workers);
json_t *tr_soak_line_note(const char *text);
json_t *tr_soak_line_end(bool partial);

#endif

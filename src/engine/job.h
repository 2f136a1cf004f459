/* What the helper is asked for: lines of JSON on standard input, one a job.
 *
 * The first line holds {"seconds": time budget, "min_samples": N} and, where weights are to lie as
 * in the file, not rearranged, "plain": true. Jobs:
 *   {"op":"mul_mat","type":"Q4_K","m":rows,"k":columns,"n":tokens,"copies":C,"threads":T}
 *       and for routed experts "experts":E,"used":U
 *   {"op":"attention","type":type of the cache,"heads","kv_heads","key_length","value_length",
 *    "depth":positions before,"n","copies","threads"}
 *   {"op":"rest","embedding","heads","kv_heads","key_length","value_length","feed_forward","n",
 *    "copies","threads"}: what a block computes besides products and attention
 *   {"op":"nodes","copies":N,"threads"}: N operations on 32 numbers each
 * Each is timed as one graph of `copies` of the same, with data of their own; times are per copy.
 */
#ifndef TR_ENGINE_JOB_H
#define TR_ENGINE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "quant.h"
#include "tokenroof/err.h"

enum { TR_ENGINE_MAX_JOBS = 1024, TR_ENGINE_MAX_COPIES = 4096 };

enum tr_engine_op {
    TR_ENGINE_MUL_MAT,
    TR_ENGINE_ATTENTION,
    TR_ENGINE_REST,
    TR_ENGINE_NODES,
};

struct tr_engine_job {
    enum tr_engine_op op;
    const struct tr_quant *type;
    int64_t m, k, n;
    int copies, threads;
    int experts, used; /* 0: not routed */
    int heads, kv_heads, key_length, value_length;
    int64_t depth, embedding, feed_forward;
};

struct tr_engine_request {
    double seconds;
    int min_samples;
    bool plain; /* weights in the engine's default kind of buffer alone */
    struct tr_engine_job *jobs;
    size_t n_jobs;
};

/* TR_EFORMAT with the number of the line. */
int tr_engine_request_parse(const char *text, struct tr_engine_request *ret_request,
                            struct tr_err *reterr);
void tr_engine_request_finish(struct tr_engine_request *request);

#endif

#include "job.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
    [TR_ENGINE_MUL_MAT] = "mul_mat",
    [TR_ENGINE_ATTENTION] = "attention",
    [TR_ENGINE_REST] = "rest",
    [TR_ENGINE_NODES] = "nodes",
};
enum { N_OPS = sizeof(op_names) / sizeof(op_names[0]), MAX_LENGTH = 1 << 24 };

/* One line; complains once and remembers it. */
struct line {
    const json_t *object;
    int number;
    int code;
    struct tr_err *reterr;
};

static int64_t integer(struct line *line, const char *key, int64_t min, int64_t max) {
    const json_t *value = json_object_get(line->object, key);
    int64_t found = value ? (int64_t)json_integer_value(value) : 0;
    bool bad = value ? !json_is_integer(value) || found < min || found > max : min > 0;
    if (bad && !line->code)
        line->code = tr_err_set(line->reterr, TR_EFORMAT,
                                "line %d: %s: expected a whole number from %lld to %lld",
                                line->number, key, (long long)min, (long long)max);
    return bad ? min : found;
}

static int small(struct line *line, const char *key, int min, int max) {
    return (int)integer(line, key, min, max);
}

static int op_of(struct line *line) {
    const char *name = json_string_value(json_object_get(line->object, "op"));
    for (int i = 0; name && i < N_OPS; i++)
        if (!strcmp(name, op_names[i]))
            return i;
    line->code = tr_err_set(line->reterr, TR_EFORMAT, "line %d: op: unknown", line->number);
    return 0;
}

static void read_type(struct line *line, struct tr_engine_job *job) {
    const char *name = json_string_value(json_object_get(line->object, "type"));
    job->type = name ? tr_quant_by_name(name) : NULL;
    if (!job->type && !line->code)
        line->code = tr_err_set(line->reterr, TR_EFORMAT, "line %d: type: unknown", line->number);
}

static void read_heads(struct line *line, struct tr_engine_job *job) {
    job->heads = small(line, "heads", 1, 4096);
    job->kv_heads = small(line, "kv_heads", 1, 4096);
    job->key_length = small(line, "key_length", 2, 65536);
    job->value_length = small(line, "value_length", 1, 65536);
    if (!line->code && (job->heads % job->kv_heads || job->key_length % 2))
        line->code = tr_err_set(line->reterr, TR_EFORMAT,
                                "line %d: heads: not a multiple of kv_heads", line->number);
}

static int read_job(struct line *line, struct tr_engine_job *job) {
    job->op = (enum tr_engine_op)op_of(line);
    job->copies = small(line, "copies", 1, TR_ENGINE_MAX_COPIES);
    job->threads = small(line, "threads", 1, 65536);
    if (job->op == TR_ENGINE_NODES)
        return line->code;
    job->n = integer(line, "n", 1, 65536);
    if (job->op == TR_ENGINE_MUL_MAT) {
        read_type(line, job);
        job->m = integer(line, "m", 1, MAX_LENGTH);
        job->k = integer(line, "k", 1, MAX_LENGTH);
        job->experts = small(line, "experts", 0, 65536);
        job->used = small(line, "used", job->experts ? 1 : 0, job->experts);
        if (!line->code && job->k % job->type->block)
            line->code = tr_err_set(line->reterr, TR_EFORMAT, "line %d: k: not a multiple of %u",
                                    line->number, job->type->block);
        return line->code;
    }
    read_heads(line, job);
    if (job->op == TR_ENGINE_ATTENTION) {
        read_type(line, job);
        job->depth = integer(line, "depth", 0, MAX_LENGTH);
    } else {
        job->embedding = integer(line, "embedding", 1, MAX_LENGTH);
        job->feed_forward = integer(line, "feed_forward", 0, MAX_LENGTH);
    }
    return line->code;
}

static int read_head(struct line *line, struct tr_engine_request *request) {
    request->seconds = json_number_value(json_object_get(line->object, "seconds"));
    request->min_samples = small(line, "min_samples", 1, 10000);
    request->plain = json_is_true(json_object_get(line->object, "plain"));
    if (!line->code && !(request->seconds > 0 && request->seconds < 1e6))
        line->code =
            tr_err_set(line->reterr, TR_EFORMAT, "line 1: seconds: expected a number above 0");
    return line->code;
}

int tr_engine_request_parse(const char *text, struct tr_engine_request *ret_request,
                            struct tr_err *reterr) {
    struct tr_engine_request request = {.jobs = calloc(TR_ENGINE_MAX_JOBS, sizeof(*request.jobs))};
    int code = request.jobs ? 0 : TR_ENOMEM;
    for (int number = 1; *text && !code; number++) {
        size_t n = strcspn(text, "\n");
        json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
        struct line line = {object, number, 0, reterr};
        if (!json_is_object(object))
            code = tr_err_set(reterr, TR_EFORMAT, "line %d: expected a JSON object", number);
        else if (number == 1)
            code = read_head(&line, &request);
        else if (request.n_jobs == TR_ENGINE_MAX_JOBS)
            code = tr_err_set(reterr, TR_EFORMAT, "more than %d jobs", TR_ENGINE_MAX_JOBS);
        else
            code = read_job(&line, &request.jobs[request.n_jobs++]);
        json_decref(object);
        text += n + (text[n] == '\n');
    }
    if (!code && !request.n_jobs)
        code = tr_err_set(reterr, TR_EFORMAT, "no job");
    if (code)
        tr_engine_request_finish(&request);
    else
        *ret_request = request;
    return code;
}

void tr_engine_request_finish(struct tr_engine_request *request) {
    free(request->jobs);
    *request = (struct tr_engine_request){0};
}

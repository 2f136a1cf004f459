/* tokenroof-engine FOLDER: times the kernels of the llama.cpp build in FOLDER. Jobs come as lines
 * of JSON on standard input (job.h), results go as lines of JSON to standard output:
 *
 *   {"engine":"llama.cpp","build":...,"variant":...,"release":...}
 *   {"job":0,"buffer":"AMX","median_ns":..,"ci95_ns":[..],"best_ns":..,"n":..,"samples_ns":[..]}
 *   {"job":1,"error":"..."}
 *   {"done":true}
 *
 * A program of its own, because an engine may abort, crash or hang. Exit status 3: there is no
 * engine; 6: a bad request. */
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "statistics.h"
#include "strbuf.h"

enum { MAX_SAMPLES = 1000, LEAST_SAMPLES = 3, OVERTIME = 3 };

struct series {
    struct tr_graph graph;
    bool usable;
    double samples_ns[MAX_SAMPLES];
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int print_line(json_t *object) {
    int failed = !object || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) ||
                 putchar('\n') < 0 || fflush(stdout);
    json_decref(object);
    return failed ? TR_EIO : 0;
}

static int print_engine(const struct tr_ggml *ggml) {
    char *build = NULL;
    if (ggml->version && ggml->commit)
        build = tr_format("ggml %s (%s)", ggml->version(), ggml->commit());
    int code = print_line(json_pack("{s:s, s:s?, s:s?, s:s?}", "engine", "llama.cpp", "build",
                                    build, "variant", ggml->variant, "release", ggml->release));
    free(build);
    return code;
}

static int print_error(size_t job, const char *text) {
    return print_line(json_pack("{s:I, s:s}", "job", (json_int_t)job, "error", text));
}

static int print_result(size_t job, const struct series *series, size_t n) {
    struct tr_summary summary;
    json_t *samples = json_array();
    double best = INFINITY;
    int code = tr_summarize(series->samples_ns, n, &summary);
    for (size_t i = 0; i < n && samples; i++) {
        best = fmin(best, series->samples_ns[i]);
        if (json_array_append_new(samples, json_real(series->samples_ns[i])))
            code = TR_ENOMEM;
    }
    if (!code)
        code = print_line(json_pack(
            "{s:I, s:s?, s:f, s:[f,f], s:f, s:I, s:O}", "job", (json_int_t)job, "buffer",
            series->graph.buffer_name, "median_ns", summary.median, "ci95_ns", summary.ci95[0],
            summary.ci95[1], "best_ns", best, "n", (json_int_t)n, "samples_ns", samples));
    json_decref(samples);
    return code;
}

/* All jobs in turn, so that drift of the machine meets all of them; the first round warms up. */
static int run_rounds(const struct tr_ggml *ggml, const struct tr_engine_request *request,
                      struct series *all, size_t *ret_n) {
    double start = now_ns(), budget = request->seconds * 1e9;
    int threads = 0;
    for (int round = -1; round < MAX_SAMPLES; round++) {
        double spent = now_ns() - start;
        if ((round >= request->min_samples && spent >= budget) ||
            (round >= LEAST_SAMPLES && spent >= OVERTIME * budget))
            break;
        for (size_t i = 0; i < request->n_jobs; i++) {
            if (!all[i].usable)
                continue;
            if (request->jobs[i].threads != threads)
                ggml->set_n_threads(ggml->backend, threads = request->jobs[i].threads);
            double before = now_ns();
            if (ggml->backend_graph_compute(ggml->backend, all[i].graph.graph))
                return TR_EFAIL;
            double after = now_ns();
            if (round >= 0)
                all[i].samples_ns[round] = (after - before) / request->jobs[i].copies;
        }
        *ret_n = round < 0 ? 0 : (size_t)round + 1;
    }
    return 0;
}

static int run(const struct tr_ggml *ggml, const struct tr_engine_request *request,
               struct tr_err *reterr) {
    struct tr_weight_pool pool = {0};
    struct series *all = calloc(request->n_jobs, sizeof(*all));
    size_t n = 0;
    int code = all ? print_engine(ggml) : TR_ENOMEM;
    if (!code)
        code = tr_weight_pool_init(ggml, request, &pool, reterr);
    for (size_t i = 0; i < request->n_jobs && !code; i++) {
        struct tr_err why = {0};
        int failed = tr_graph_build(ggml, &pool, &request->jobs[i], &all[i].graph, &why);
        all[i].usable = !failed;
        if (failed == TR_EUNAVAILABLE)
            code = print_error(i, why.text);
        else
            code = failed;
    }
    if (!code)
        code = run_rounds(ggml, request, all, &n);
    for (size_t i = 0; i < request->n_jobs && !code; i++)
        if (all[i].usable)
            code = print_result(i, &all[i], n);
    if (!code)
        code = print_line(json_pack("{s:b}", "done", true));
    for (size_t i = 0; all && i < request->n_jobs; i++)
        if (all[i].usable)
            tr_graph_finish(&all[i].graph);
    tr_weight_pool_finish(&pool);
    free(all);
    return code;
}

static char *read_all(FILE *file) {
    struct tr_strbuf text = {0};
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        tr_strbuf_add_bytes(&text, piece, n);
    tr_strbuf_add(&text, "");
    return tr_strbuf_take(&text);
}

int main(int argc, char **argv) {
    struct tr_engine_request request = {0};
    struct tr_ggml ggml = {0};
    struct tr_err why = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: tokenroof-engine FOLDER < jobs (part of tokenroof, see "
                        "'tokenroof measure --engine')\n");
        return 2;
    }
    char *text = read_all(stdin);
    int code = text ? tr_engine_request_parse(text, &request, &why) : TR_ENOMEM;
    if (!code)
        code = tr_ggml_open(argv[1], &ggml, &why);
    if (!code)
        code = run(&ggml, &request, &why);
    if (code)
        fprintf(stderr, "%s\n", why.text[0] ? why.text : "out of memory, or an engine that failed");
    tr_engine_request_finish(&request);
    tr_ggml_finish(&ggml);
    free(text);
    return tr_exit_status(code);
}

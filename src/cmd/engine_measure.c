#include "engine_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "csv.h"
#include "data.h"
#include "engine.h"
#include "quant.h"

/* Types that models are published in; each is timed in a process of its own, so that an engine that
 * cannot do one of them costs that one. */
static const char *const types[] = {"F16",  "BF16", "Q8_0",   "Q4_0", "Q4_K",
                                    "Q5_K", "Q6_K", "IQ4_XS", "MXFP4"};
enum { N_TYPES = sizeof(types) / sizeof(types[0]), MAX_ITEMS = 64, NODES = 1000 };
/* A block of Llama 3.1 8B. */
enum {
    HEADS = 32,
    KV_HEADS = 8,
    HEAD_LENGTH = 128,
    EMBEDDING = 4096,
    FEED_FORWARD = 14336,
};

static const double seconds = 1;
/* Weights of one type: four times the caches, within these bounds. */
static const double least_bytes = 512e6, most_bytes = 4e9, memory_fraction = 0.25;

struct timing {
    const char *folder;
    char *helper;
    const struct tr_machine *machine;
    double bytes; /* of weights of a type */
    int threads[2];
    size_t n_threads;
    struct tr_engine_time items[MAX_ITEMS];
    struct tr_engine_times times;
    json_t *entry; /* of `engines` */
};

static void add(struct timing *timing, struct tr_engine_time item) {
    for (size_t i = 0; i < timing->n_threads && timing->times.n < MAX_ITEMS; i++) {
        item.threads = timing->threads[i];
        item.ns = item.ci95_ns[0] = item.ci95_ns[1] = NAN;
        timing->items[timing->times.n++] = item;
    }
}

static double bytes_of(const struct tr_engine_time *item) {
    const struct tr_quant *quant = tr_quant_by_name(item->type);
    return (double)item->rows * (double)item->columns / quant->block * quant->bytes;
}

/* All shapes of one type; of those for one token as many matrices as fill the bytes. */
static int plan_type(struct timing *timing, const char *type, struct tr_err *reterr) {
    const struct tr_data *data = tr_data_find("engine_shapes.csv");
    struct tr_csv csv = {0};
    double all = 0;
    int code = tr_csv_parse(data->text, data->length, data->name, &csv, reterr);
    timing->times = (struct tr_engine_times){.items = timing->items};
    for (size_t i = 1; i < csv.n_rows && !code; i++)
        add(timing, (struct tr_engine_time){
                        .part = TR_ENGINE_PRODUCT,
                        .type = type,
                        .rows = (int64_t)tr_csv_number(&csv, i, "rows"),
                        .columns = (int64_t)tr_csv_number(&csv, i, "columns"),
                        .tokens = (int64_t)tr_csv_number(&csv, i, "tokens"),
                        .copies = 1,
                    });
    tr_csv_finish(&csv);
    for (size_t i = 0; i < timing->times.n; i++)
        if (timing->items[i].tokens == 1)
            all += bytes_of(&timing->items[i]) / (double)timing->n_threads;
    for (size_t i = 0; i < timing->times.n; i++)
        if (timing->items[i].tokens == 1)
            timing->items[i].copies = (int)fmax(1, round(timing->bytes / all));
    return code;
}

static void plan_rest(struct timing *timing) {
    static const struct { int64_t depth, tokens; } points[] = {{512, 1}, {4096, 1}, {0, 512}};
    timing->times = (struct tr_engine_times){.items = timing->items};
    for (size_t i = 0; i < 2 * sizeof(points) / sizeof(points[0]); i++)
        add(timing, (struct tr_engine_time){
                        .part = TR_ENGINE_ATTEND,
                        .type = i % 2 ? "Q8_0" : "F16",
                        .heads = HEADS,
                        .kv_heads = KV_HEADS,
                        .key_length = HEAD_LENGTH,
                        .value_length = HEAD_LENGTH,
                        .depth = points[i / 2].depth,
                        .tokens = points[i / 2].tokens,
                        .copies = points[i / 2].tokens == 1 ? 16 : 1,
                    });
    for (size_t i = 0; i < 2; i++)
        add(timing, (struct tr_engine_time){
                        .part = TR_ENGINE_BLOCK,
                        .heads = HEADS,
                        .kv_heads = KV_HEADS,
                        .key_length = HEAD_LENGTH,
                        .value_length = HEAD_LENGTH,
                        .embedding = EMBEDDING,
                        .feed_forward = FEED_FORWARD,
                        .tokens = i ? 512 : 1,
                        .copies = i ? 1 : 32,
                    });
    add(timing, (struct tr_engine_time){.part = TR_ENGINE_NODE, .tokens = 1, .copies = NODES});
    add(timing, (struct tr_engine_time){.part = TR_ENGINE_START, .tokens = 1, .copies = 1});
}

/* ---- results ---- */

static int append(json_t *array, json_t *item) {
    return array && item && !json_array_append_new(array, item) ? 0 : TR_ENOMEM;
}

static int keep_product(json_t *entry, const struct tr_engine_time *item) {
    bool one = item->tokens == 1;
    double work = one ? bytes_of(item)
                      : 2 * (double)item->rows * (double)item->columns * (double)item->tokens;
    return append(json_object_get(entry, "rates"),
                  json_pack("{s:s, s:s, s:I, s:I, s:I, s:i, s:s?, s:s, s:f, s:[f,f], s:i}", "type",
                            item->type, "op", one ? "gemv" : "gemm", "m", (json_int_t)item->rows,
                            "k", (json_int_t)item->columns, "batch", (json_int_t)item->tokens,
                            "threads", item->threads, "buffer", item->buffer, "unit",
                            one ? "GB/s" : "GFLOP/s", "median", work / item->ns, "ci95",
                            work / item->ci95_ns[1], work / item->ci95_ns[0], "n", item->n));
}

static int keep_other(json_t *entry, const struct tr_engine_time *item) {
    if (item->part == TR_ENGINE_ATTEND)
        return append(json_object_get(entry, "attention"),
                      json_pack("{s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:f, s:[f,f], s:i}",
                                "cache_type", item->type, "heads", item->heads, "kv_heads",
                                item->kv_heads, "key_length", item->key_length, "value_length",
                                item->value_length, "depth", (json_int_t)item->depth, "batch",
                                (json_int_t)item->tokens, "threads", item->threads, "median_ns",
                                item->ns, "ci95_ns", item->ci95_ns[0], item->ci95_ns[1], "n",
                                item->n));
    if (item->part == TR_ENGINE_BLOCK)
        return append(json_object_get(entry, "blocks"),
                      json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:I, s:i, s:f, s:[f,f], s:i}",
                                "embedding", (json_int_t)item->embedding, "feed_forward",
                                (json_int_t)item->feed_forward, "heads", item->heads, "kv_heads",
                                item->kv_heads, "key_length", item->key_length, "value_length",
                                item->value_length, "batch", (json_int_t)item->tokens, "threads",
                                item->threads, "median_ns", item->ns, "ci95_ns", item->ci95_ns[0],
                                item->ci95_ns[1], "n", item->n));
    const char *what = item->part == TR_ENGINE_NODE ? "node" : "start";
    return append(json_object_get(entry, "graph"),
                  json_pack("{s:s, s:i, s:f, s:[f,f], s:i}", "what", what, "threads", item->threads,
                            "median_ns", item->ns, "ci95_ns", item->ci95_ns[0], item->ci95_ns[1],
                            "n", item->n));
}

static int keep_info(json_t *entry, const struct tr_engine_info *info, const char *folder) {
    size_t end = strlen(folder);
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    /* The folder's own name and no path: files are handed on. */
    json_t *facts = json_pack("{s:s?, s:s?, s:s?, s:s?, s:s%}", "name", info->name, "build",
                              info->build, "release", info->release, "variant", info->variant,
                              "directory", folder + start, end - start);
    int failed = !facts || json_object_update(entry, facts);
    json_decref(facts);
    return failed ? TR_ENOMEM : 0;
}

/* One child; what it found goes into the entry. */
static int time_items(struct timing *timing, struct tr_err *reterr) {
    const struct tr_preinit *before = tr_preinit();
    struct tr_engine_info info = {0};
    const struct tr_engine_child child = {
        .helper = timing->helper,
        .folder = timing->folder,
        .seconds = seconds,
        .cpu_mask = before->mask,
        .cpu_mask_bytes = before->mask_bytes,
        .stop = tr_stop_flag(),
    };
    int code = tr_engine_run(&child, &timing->times, &info, reterr);
    if (code)
        return code;
    size_t n = 0;
    for (size_t i = 0; i < timing->times.n && !code; i++) {
        const struct tr_engine_time *item = &timing->items[i];
        if (!(item->ns > 0))
            continue;
        n++;
        code = item->part == TR_ENGINE_PRODUCT ? keep_product(timing->entry, item)
                                               : keep_other(timing->entry, item);
    }
    if (!code)
        code = keep_info(timing->entry, &info, timing->folder);
    tr_engine_info_finish(&info);
    if (!code && !n)
        code = tr_err_set(reterr, TR_EUNAVAILABLE, "the engine has no product of this type");
    return code;
}

static int time_all(struct timing *timing, struct tr_calibration *calibration,
                    struct tr_err *reterr) {
    struct tr_err why = {0};
    size_t found = 0;
    int code = 0;
    for (size_t i = 0; i <= N_TYPES; i++) {
        if (i < N_TYPES)
            code = plan_type(timing, types[i], reterr);
        else
            plan_rest(timing);
        if (!code)
            code = time_items(timing, &why);
        if (code && code != TR_EUNAVAILABLE)
            break;
        found += !code;
        /* The first failure tells whether there is an engine at all. */
        if (code && !found)
            break;
        code = code ? tr_strings_add(&calibration->warnings, "engine: %s: %s",
                                     i < N_TYPES ? types[i] : "attention", why.text)
                    : 0;
        if (code)
            break;
    }
    if (code && reterr)
        *reterr = why;
    return code;
}

static void choose(struct timing *timing) {
    const struct tr_machine *machine = timing->machine;
    int cores = (int)machine->n_cores;
    timing->threads[timing->n_threads++] = 1;
    if (cores > 1)
        timing->threads[timing->n_threads++] = cores;
    int64_t caches = machine->llc_most_bytes > 0 ? machine->llc_most_bytes : machine->llc_bytes;
    timing->bytes = fmin(fmax(least_bytes, 4 * (double)caches), most_bytes);
    if (machine->os.memory_bytes > 0)
        timing->bytes = fmin(timing->bytes, memory_fraction * (double)machine->os.memory_bytes);
}

int tr_engine_measure(const char *folder, const struct tr_machine *machine,
                      const struct tr_output_options *output, struct tr_calibration *calibration,
                      struct tr_err *reterr) {
    struct timing timing = {.folder = folder, .machine = machine};
    char now[32];
    time_t seconds_now = time(NULL);
    struct tm utc;
    gmtime_r(&seconds_now, &utc);
    strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &utc);
    choose(&timing);
    int code = tr_engine_find_helper(&timing.helper, reterr);
    timing.entry = json_pack("{s:s, s:[], s:[], s:[], s:[]}", "measured_at", now, "rates", "graph",
                             "attention", "blocks");
    if (!code && !timing.entry)
        code = TR_ENOMEM;
    if (!code)
        code = time_all(&timing, calibration, reterr);
    if (!code) {
        json_t *engines = json_object_get(calibration->document, "engines");
        if (!json_is_array(engines)) {
            engines = json_array();
            json_object_set_new(calibration->document, "engines", engines);
        }
        code = json_array_append(engines, timing.entry) ? TR_ENOMEM : 0;
    }
    if (!code)
        tr_note(output, "engine: %zu rates of %s kept",
                json_array_size(json_object_get(timing.entry, "rates")),
                json_string_value(json_object_get(timing.entry, "name")));
    json_decref(timing.entry);
    free(timing.helper);
    return code;
}

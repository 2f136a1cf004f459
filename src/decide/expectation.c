#include "expectation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration_json.h"
#include "facts.h"
#include "figure_sets.h"
#include "file.h"
#include "read_spread.h"
#include "reader.h"
#include "validate.h"

enum { MAX_FILE_BYTES = 16 << 20 };

/* --- reading --------------------------------------------------------------------------------- */

/* Complains about the first member that is not in the list. */
static void only(struct tr_reader *reader, const char *const *known) {
    const char *key;
    json_t *value;
    if (reader->code || !reader->object)
        return;
    json_object_foreach((json_t *)reader->object, key, value) {
        bool found = false;
        for (size_t i = 0; known[i] && !found; i++)
            found = !strcmp(key, known[i]);
        if (found)
            continue;
        reader->code = tr_err_set(reader->reterr, TR_EFORMAT, "%.200s: %s%s%.60s: unknown field",
                                  reader->name, reader->path, *reader->path ? "." : "", key);
        return;
    }
}

/* A bound must be a number that makes sense: negative ones would hold always. */
static void read_bound(struct tr_reader *reader, const char *key, double *ret) {
    tr_read_number(reader, key, ret);
    if (!reader->code && *ret < 0)
        tr_reader_complain(reader, key, "a number from 0", json_object_get(reader->object, key));
}

static void read_percent(struct tr_reader *reader, const char *key, double *ret) {
    read_bound(reader, key, ret);
    *ret /= 100;
}

static void read_figures(struct tr_reader *document, struct tr_expectation *to) {
    static const char *const known[] = {"name", "unit", "least", "most", NULL};
    size_t n = tr_reader_length(document, "figures");
    to->figures = calloc(n ? n : 1, sizeof(*to->figures));
    if (!to->figures)
        document->code = TR_ENOMEM;
    for (size_t i = 0; !document->code && i < n; i++) {
        struct tr_reader item = tr_reader_item(document, "figures", i);
        struct tr_expected_figure *figure = &to->figures[to->n_figures++];
        *figure = (struct tr_expected_figure){.least = NAN, .most = NAN};
        only(&item, known);
        tr_read_name(&item, "name", &figure->name);
        tr_read_name(&item, "unit", &figure->unit);
        read_bound(&item, "least", &figure->least);
        read_bound(&item, "most", &figure->most);
        if (!item.code && isnan(figure->least) && isnan(figure->most))
            tr_reader_complain(&item, "least", "a number, or one for most", NULL);
        if (!item.code && figure->least > figure->most)
            tr_reader_complain(&item, "least", "a number that is not above most",
                               json_object_get(item.object, "least"));
        document->code = item.code;
    }
}

static void read_models(struct tr_reader *document, struct tr_expectation *to) {
    static const char *const known[] = {"model", "pp512_tok_s", "tg128_tok_s", NULL};
    size_t n = tr_reader_length(document, "models");
    to->models = calloc(n ? n : 1, sizeof(*to->models));
    if (!to->models)
        document->code = TR_ENOMEM;
    for (size_t i = 0; !document->code && i < n; i++) {
        struct tr_reader item = tr_reader_item(document, "models", i);
        struct tr_expected_model *model = &to->models[to->n_models++];
        *model = (struct tr_expected_model){.pp_tok_s = NAN, .tg_tok_s = NAN};
        only(&item, known);
        tr_read_name(&item, "model", &model->model);
        read_bound(&item, "pp512_tok_s", &model->pp_tok_s);
        read_bound(&item, "tg128_tok_s", &model->tg_tok_s);
        document->code = item.code;
    }
}

static void read_facts(struct tr_reader *document, struct tr_expectation *to) {
    static const char *const memory_known[] = {"modules", "total_bytes", "channels", "mts", NULL};
    static const char *const settings_known[] = {"nps", "smt", NULL};
    static const char *const spread_known[] = {"core", "ccd", "node", NULL};
    tr_read_text(document, "cpu_model", &to->cpu_model);
    read_bound(document, "sockets", &to->sockets);
    read_bound(document, "cores", &to->cores);
    struct tr_reader memory = tr_reader_member(document, "memory");
    only(&memory, memory_known);
    read_bound(&memory, "modules", &to->modules);
    read_bound(&memory, "total_bytes", &to->memory_bytes);
    read_bound(&memory, "channels", &to->channels);
    read_bound(&memory, "mts", &to->mts);
    document->code = memory.code;
    struct tr_reader settings = tr_reader_member(document, "settings");
    only(&settings, settings_known);
    tr_read_text(&settings, "nps", &to->nps);
    tr_read_text(&settings, "smt", &to->smt);
    document->code = settings.code;
    struct tr_reader spread = tr_reader_member(document, "maximum_spread_percent");
    only(&spread, spread_known);
    read_percent(&spread, "core", &to->core_spread);
    read_percent(&spread, "ccd", &to->ccd_spread);
    read_percent(&spread, "node", &to->node_spread);
    document->code = spread.code;
}

static int read_document(const json_t *document, const char *name, struct tr_expectation *to,
                         struct tr_err *reterr) {
    static const char *const known[] = {
        "schema", "created", "from",     "cpu_model", "sockets",
        "cores",  "memory",  "settings", "figures",   "maximum_spread_percent",
        "models", NULL};
    const char *schema = json_string_value(json_object_get(document, "schema"));
    if (!schema || strcmp(schema, TR_EXPECTATION_SCHEMA) != 0)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%.300s: schema: expected " TR_EXPECTATION_SCHEMA ", found %.60s", name,
                          schema ? schema : "none");
    struct tr_reader reader = {.name = name, .object = document, .reterr = reterr};
    only(&reader, known);
    if (!reader.code)
        read_facts(&reader, to);
    if (!reader.code)
        read_figures(&reader, to);
    if (!reader.code)
        read_models(&reader, to);
    return reader.code;
}

int tr_expectation_parse(const char *text, size_t length, const char *name,
                         struct tr_expectation *ret_expectation, struct tr_err *reterr) {
    struct tr_expectation expectation = {.sockets = NAN,
                                         .cores = NAN,
                                         .modules = NAN,
                                         .memory_bytes = NAN,
                                         .channels = NAN,
                                         .mts = NAN,
                                         .core_spread = NAN,
                                         .ccd_spread = NAN,
                                         .node_spread = NAN};
    json_error_t error;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!document)
        return tr_err_set(reterr, TR_EFORMAT, "%.300s: line %d, column %d: not JSON: %s", name,
                          error.line, error.column, error.text);
    expectation.path = strdup(name);
    int code = expectation.path ? read_document(document, name, &expectation, reterr) : TR_ENOMEM;
    json_decref(document);
    if (code)
        tr_expectation_finish(&expectation);
    else
        *ret_expectation = expectation;
    return code;
}

int tr_expectation_read(const char *path, struct tr_expectation *ret_expectation,
                        struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    int code = tr_file_read(path, MAX_FILE_BYTES, &text, &length, reterr);
    if (!code)
        code = tr_expectation_parse(text, length, path, ret_expectation, reterr);
    free(text);
    return code;
}

int tr_expectation_check_units(const struct tr_expectation *expectation,
                               const struct tr_calibration *calibration, struct tr_err *reterr) {
    struct tr_figures figures;
    tr_figures_init(&figures, 1);
    int code = tr_figures_add_run(&figures, 0, calibration);
    for (size_t i = 0; !code && i < expectation->n_figures; i++) {
        const struct tr_expected_figure *wanted = &expectation->figures[i];
        for (size_t k = 0; !code && k < figures.n; k++)
            if (!strcmp(figures.items[k].name, wanted->name) &&
                strcmp(figures.items[k].unit, wanted->unit) != 0)
                code = tr_err_set(reterr, TR_EFORMAT,
                                  "%.300s: figures[%zu].unit: expected %.20s, in which '%.100s' is "
                                  "measured, found '%.20s'",
                                  expectation->path, i, figures.items[k].unit, wanted->name,
                                  wanted->unit);
    }
    tr_figures_finish(&figures);
    return code;
}

void tr_expectation_finish(struct tr_expectation *expectation) {
    for (size_t i = 0; i < expectation->n_figures; i++) {
        free(expectation->figures[i].name);
        free(expectation->figures[i].unit);
    }
    for (size_t i = 0; i < expectation->n_models; i++)
        free(expectation->models[i].model);
    free(expectation->figures);
    free(expectation->models);
    free(expectation->path);
    free(expectation->cpu_model);
    free(expectation->nps);
    free(expectation->smt);
    *expectation = (struct tr_expectation){0};
}

/* --- writing --------------------------------------------------------------------------------- */

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

/* Four digits: what is promised need not be finer. */
static json_t *rounded(double value) {
    if (!(value > 0))
        return json_null();
    double step = pow(10, floor(log10(value)) - 3);
    return tr_json_number(round(value / step) * step);
}

static json_t *facts_json(const json_t *machine) {
    json_t *object = json_object(), *memory = json_object(), *settings = json_object();
    double modules = tr_fact_modules(tr_fact(machine, "memory"));
    size_t cores = json_array_size(tr_fact(machine, "cores"));
    bool ok =
        object && memory && settings &&
        put(memory, "modules", modules > 0 ? json_integer((json_int_t)modules) : json_null()) &&
        put(memory, "total_bytes", tr_json_number(tr_fact_number(machine, "memory.total_bytes"))) &&
        put(memory, "channels",
            tr_json_number(tr_fact_number(machine, "memory.channels_populated"))) &&
        put(memory, "mts", tr_json_number(tr_fact_number(machine, "memory.configured_mts"))) &&
        put(settings, "nps", tr_json_text(tr_fact_text(machine, "settings.nps"))) &&
        put(settings, "smt", tr_json_text(tr_fact_smt(tr_fact_text(machine, "settings.smt")))) &&
        put(object, "schema", json_string(TR_EXPECTATION_SCHEMA)) &&
        put(object, "cpu_model", tr_json_text(tr_fact_text(machine, "cpu.model"))) &&
        put(object, "sockets", tr_json_number(tr_fact_number(machine, "packages"))) &&
        put(object, "cores", cores ? json_integer((json_int_t)cores) : json_null()) &&
        json_object_set(object, "memory", memory) == 0 &&
        json_object_set(object, "settings", settings) == 0;
    json_decref(memory);
    json_decref(settings);
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *figures_json(const struct tr_calibration *calibration, double margin) {
    struct tr_figures figures;
    json_t *array = json_array();
    tr_figures_init(&figures, 1);
    bool ok = array && !tr_figures_add_run(&figures, 0, calibration);
    for (size_t i = 0; ok && i < figures.n; i++) {
        const struct tr_figure *figure = &figures.items[i];
        double value = figure->sets[0].runs[0].value;
        bool lower = figure->lower_is_better;
        /* What could not be trusted here promises nothing. */
        if (figure->sets[0].runs[0].untrusted)
            continue;
        json_t *object = json_object();
        ok = object && put(object, "name", tr_json_text(figure->name)) &&
             put(object, "unit", tr_json_text(figure->unit)) &&
             put(object, lower ? "most" : "least",
                 rounded(lower ? value * (1 + margin) : value * (1 - margin)));
        ok = json_array_append_new(array, object) == 0 && ok;
    }
    tr_figures_finish(&figures);
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

/* What others may be apart: as far as this machine's are (its cores may be of two kinds, its nodes
 * of different size), and the margin on top. */
static double allowed_spread(const struct tr_figures *figures, enum tr_place_kind kind,
                             double margin) {
    double own = tr_read_spread_of(figures, kind).fraction;
    double percent = 100 * (1 - (1 - (isnan(own) ? 0 : own)) * (1 - margin));
    return ceil(100 * percent - 1e-6) / 100;
}

static json_t *spreads_json(const struct tr_calibration *calibration, double margin) {
    struct tr_figures figures;
    json_t *object = NULL;
    tr_figures_init(&figures, 1);
    if (!tr_figures_add_run(&figures, 0, calibration))
        object =
            json_pack("{s:f, s:f, s:f}", "core", allowed_spread(&figures, TR_PLACE_CORE, margin),
                      "ccd", allowed_spread(&figures, TR_PLACE_CCD, margin), "node",
                      allowed_spread(&figures, TR_PLACE_NODE, margin));
    tr_figures_finish(&figures);
    return object;
}

static json_t *models_json(const struct tr_model_speed *speeds, size_t n, double margin) {
    json_t *array = json_array();
    bool ok = array;
    for (size_t i = 0; ok && i < n; i++) {
        json_t *object = json_object();
        ok = object && put(object, "model", tr_json_text(speeds[i].model)) &&
             put(object, "pp512_tok_s", rounded(speeds[i].pp_tok_s * (1 - margin))) &&
             put(object, "tg128_tok_s", rounded(speeds[i].tg_tok_s * (1 - margin)));
        ok = json_array_append_new(array, object) == 0 && ok;
    }
    if (ok)
        return array;
    json_decref(array);
    return NULL;
}

int tr_expectation_of(const json_t *machine, const struct tr_calibration *calibration,
                      const struct tr_model_speed *speeds, size_t n_speeds, double margin,
                      json_t **ret_document) {
    json_t *document = facts_json(machine);
    bool ok = document && put(document, "created", tr_json_text(calibration->created)) &&
              put(document, "from", tr_json_text(calibration->path)) &&
              put(document, "figures", figures_json(calibration, margin)) &&
              put(document, "maximum_spread_percent", spreads_json(calibration, margin)) &&
              put(document, "models", models_json(speeds, n_speeds, margin));
    if (!ok) {
        json_decref(document);
        return TR_ENOMEM;
    }
    *ret_document = document;
    return 0;
}

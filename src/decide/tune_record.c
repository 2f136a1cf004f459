/* From the lines of a record to settings and recordings. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "series.h"
#include "strbuf.h"
#include "tune.h"

#define SCHEMA "tokenroof.tune-record/"
/* A median of so many says something; a round that did not end counts with such figures. */
enum { LEAST_SAMPLES = 9 };

struct samples {
    double *values;
    size_t n;
};

struct parser {
    struct tr_tune *tune;
    const char *name;
    size_t line;
    struct samples samples[TR_TUNE_FIGURES]; /* of the round that has not ended */
    struct tr_err *reterr;
};

const char *tr_tune_state_name(enum tr_tune_state state) {
    static const char *const names[] = {"tried",   "measuring",   "measured",
                                        "stopped", "interrupted", "crashed"};
    return names[state];
}

void tr_tune_round_init(struct tr_tune_round *round) {
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++)
        round->readings[i] =
            (struct tr_tune_reading){.value = NAN, .low = NAN, .high = NAN, .scatter = NAN};
}

static int complain(const struct parser *parser, const char *field, const char *expected) {
    return tr_err_set(parser->reterr, TR_EFORMAT, "%.300s:%zu: %s: expected %s", parser->name,
                      parser->line, field, expected);
}

static int read_text(const struct parser *parser, const json_t *line, const char *key,
                     const char **ret_text) {
    *ret_text = json_string_value(json_object_get(line, key));
    return *ret_text ? 0 : complain(parser, key, "a text");
}

/* Replaces *to by a copy. */
static int keep(char **to, const char *text) {
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return TR_ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

static int find_boot(struct tr_tune *tune, const char *id, size_t *ret_boot) {
    for (size_t i = 0; i < tune->n_boots; i++) {
        if (!strcmp(tune->boots[i], id)) {
            *ret_boot = i;
            return 0;
        }
    }
    char **boots = realloc(tune->boots, (tune->n_boots + 1) * sizeof(*boots));
    char *copy = strdup(id);
    if (boots)
        tune->boots = boots;
    if (!boots || !copy) {
        free(copy);
        return TR_ENOMEM;
    }
    boots[tune->n_boots] = copy;
    *ret_boot = tune->n_boots++;
    return 0;
}

size_t tr_tune_find(const struct tr_tune *tune, const char *label) {
    for (size_t i = 0; i < tune->n_settings; i++)
        if (!strcmp(tune->settings[i].label, label))
            return i;
    return SIZE_MAX;
}

static int find_setting(struct tr_tune *tune, const char *label, size_t *ret_setting) {
    *ret_setting = tr_tune_find(tune, label);
    if (*ret_setting != SIZE_MAX)
        return 0;
    struct tr_tune_setting *settings =
        realloc(tune->settings, (tune->n_settings + 1) * sizeof(*settings));
    char *copy = strdup(label);
    if (settings)
        tune->settings = settings;
    if (!settings || !copy) {
        free(copy);
        return TR_ENOMEM;
    }
    settings[tune->n_settings] = (struct tr_tune_setting){.label = copy};
    *ret_setting = tune->n_settings++;
    return 0;
}

static void keep_object(json_t **to, json_t *machine) {
    if (!json_is_object(machine))
        return;
    json_decref(*to);
    *to = json_incref(machine);
}

/* --- events ---------------------------------------------------------------------------------- */

static int read_session(struct parser *parser, const json_t *line) {
    struct tr_tune *tune = parser->tune;
    int code = keep(&tune->created, json_string_value(json_object_get(line, "at")));
    if (!code)
        code = keep(&tune->host_id, json_string_value(json_object_get(line, "host_id")));
    return code ? code : keep(&tune->model, json_string_value(json_object_get(line, "model")));
}

static int read_where(struct parser *parser, const json_t *line, size_t *ret_setting,
                      size_t *ret_boot) {
    const char *label, *boot;
    int code = read_text(parser, line, "label", &label);
    if (!code)
        code = read_text(parser, line, "boot_id", &boot);
    if (!code)
        code = find_setting(parser->tune, label, ret_setting);
    return code ? code : find_boot(parser->tune, boot, ret_boot);
}

static int read_trying(struct parser *parser, const json_t *line) {
    struct tr_tune *tune = parser->tune;
    size_t number, boot;
    int code = read_where(parser, line, &number, &boot);
    if (code)
        return code;
    struct tr_tune_setting *setting = &tune->settings[number];
    setting->state = TR_TUNE_TRIED;
    setting->announced_boot = boot;
    tune->trying = number;
    if (!setting->recorded)
        keep_object(&setting->machine, json_object_get(line, "machine"));
    keep_object(&setting->at_most, json_object_get(line, "at_most"));
    code = keep(&setting->announced_at, json_string_value(json_object_get(line, "at")));
    const char *what_if = json_string_value(json_object_get(line, "what_if"));
    return !code && what_if ? keep(&setting->what_if, what_if) : code;
}

static void forget_samples(struct parser *parser) {
    for (size_t i = 0; i < TR_TUNE_FIGURES; i++) {
        free(parser->samples[i].values);
        parser->samples[i] = (struct samples){0};
    }
}

static int add_round(struct tr_tune_recording *recording, const struct tr_tune_round *round) {
    struct tr_tune_round *rounds =
        realloc(recording->rounds, (recording->n_rounds + 1) * sizeof(*rounds));
    if (!rounds)
        return TR_ENOMEM;
    recording->rounds = rounds;
    rounds[recording->n_rounds++] = *round;
    return 0;
}

static int reading_of(const struct samples *samples, struct tr_tune_reading *to) {
    double *off = malloc(samples->n * sizeof(*off)), median = NAN, mad = NAN;
    int code = off ? tr_series_median(samples->values, samples->n, &median) : TR_ENOMEM;
    for (size_t i = 0; !code && i < samples->n; i++)
        off[i] = fabs(samples->values[i] - median);
    if (!code)
        code = tr_series_median(off, samples->n, &mad);
    free(off);
    to->value = median;
    to->scatter = 1.4826 * mad / median;
    to->n = samples->n;
    return code;
}

/* What a recording leaves that has no end, or none yet: a round of its samples. */
static int end_recording(struct parser *parser, enum tr_tune_state state) {
    struct tr_tune *tune = parser->tune;
    if (tune->running == SIZE_MAX)
        return 0;
    struct tr_tune_recording *recording = &tune->recordings[tune->running];
    struct tr_tune_setting *setting = &tune->settings[recording->setting];
    struct tr_tune_round round;
    bool any = false;
    int code = 0;
    tr_tune_round_init(&round);
    for (size_t i = 0; !code && i < TR_TUNE_FIGURES; i++) {
        recording->n_samples += parser->samples[i].n;
        if (parser->samples[i].n < LEAST_SAMPLES)
            continue;
        code = reading_of(&parser->samples[i], &round.readings[i]);
        any = true;
    }
    if (!code && any)
        code = add_round(recording, &round);
    forget_samples(parser);
    recording->state = setting->state = state;
    setting->n_crashes += state == TR_TUNE_CRASHED;
    setting->n_interruptions += state == TR_TUNE_INTERRUPTED;
    if (state != TR_TUNE_MEASURING)
        tune->running = SIZE_MAX;
    return code;
}

static int read_measuring(struct parser *parser, const json_t *line) {
    struct tr_tune *tune = parser->tune;
    size_t number, boot;
    /* A record that nobody marked: its writer is gone for sure, since another one came. */
    int code = end_recording(parser, TR_TUNE_INTERRUPTED);
    if (!code)
        code = read_where(parser, line, &number, &boot);
    if (code)
        return code;
    struct tr_tune_recording *recordings =
        realloc(tune->recordings, (tune->n_recordings + 1) * sizeof(*recordings));
    if (!recordings)
        return TR_ENOMEM;
    tune->recordings = recordings;
    struct tr_tune_recording *recording = &recordings[tune->n_recordings];
    *recording =
        (struct tr_tune_recording){.setting = number, .boot = boot, .state = TR_TUNE_MEASURING};
    tune->running = tune->n_recordings++;
    keep_object(&recording->machine, json_object_get(line, "machine"));
    struct tr_tune_setting *setting = &tune->settings[number];
    setting->state = TR_TUNE_MEASURING;
    setting->recorded = true;
    keep_object(&setting->machine, json_object_get(line, "machine"));
    if (tune->trying == number)
        tune->trying = SIZE_MAX;
    return keep(&recording->at, json_string_value(json_object_get(line, "at")));
}

/* The recording that a line belongs to. */
static int running(struct parser *parser, struct tr_tune_recording **ret_recording) {
    struct tr_tune *tune = parser->tune;
    if (tune->running == SIZE_MAX)
        return complain(parser, "event", "'measuring' before this line");
    *ret_recording = &tune->recordings[tune->running];
    return 0;
}

static int read_samples(struct parser *parser, const json_t *line) {
    struct tr_tune_recording *recording = NULL;
    int code = running(parser, &recording);
    for (size_t f = 0; !code && f < TR_TUNE_FIGURES; f++) {
        const json_t *array =
            json_object_get(json_object_get(line, "samples"), tr_tune_figure_names[f]);
        size_t n = json_array_size(array);
        struct samples *to = &parser->samples[f];
        double *values = n ? realloc(to->values, (to->n + n) * sizeof(*values)) : NULL;
        if (n && !values)
            return TR_ENOMEM;
        if (values)
            to->values = values;
        for (size_t i = 0; i < n; i++) {
            double value = json_number_value(json_array_get(array, i));
            if (value > 0)
                to->values[to->n++] = value;
        }
    }
    return code;
}

static struct tr_tune_reading read_reading(const json_t *figure) {
    const char *doubt = tr_fact_text(figure, "doubt");
    double n = tr_fact_number(figure, "n");
    struct tr_tune_reading reading = {.value = tr_fact_number(figure, "value"),
                                      .low = tr_fact_number(figure, "low"),
                                      .high = tr_fact_number(figure, "high"),
                                      .scatter = tr_fact_number(figure, "scatter"),
                                      .n = n > 0 && n < 1e9 ? (size_t)n : 0};
    if (!(reading.value > 0))
        reading.value = NAN;
    for (size_t i = 0; doubt && doubt[i] && i + 1 < sizeof(reading.doubt); i++)
        reading.doubt[i] = doubt[i];
    return reading;
}

static int read_round(struct parser *parser, const json_t *line) {
    struct tr_tune_recording *recording = NULL;
    struct tr_tune_round round;
    const json_t *figures = json_object_get(line, "figures");
    int code = running(parser, &recording);
    if (!code && !json_is_object(figures))
        code = complain(parser, "figures", "an object");
    if (code)
        return code;
    tr_tune_round_init(&round);
    for (size_t f = 0; f < TR_TUNE_FIGURES; f++)
        if (json_is_object(json_object_get(figures, tr_tune_figure_names[f])))
            round.readings[f] = read_reading(json_object_get(figures, tr_tune_figure_names[f]));
    forget_samples(parser);
    const char *tier = json_string_value(json_object_get(line, "tier"));
    if (tier)
        code = keep(&recording->tier, tier);
    return code ? code : add_round(recording, &round);
}

static int read_forms(struct parser *parser, const json_t *line) {
    keep_object(&parser->tune->forms, json_object_get(line, "forms"));
    return 0;
}

static int read_measured(struct parser *parser, const json_t *line) {
    (void)line;
    return end_recording(parser, TR_TUNE_MEASURED);
}

static int read_stopped(struct parser *parser, const json_t *line) {
    (void)line;
    return end_recording(parser, TR_TUNE_STOPPED);
}

/* A recording that was lost, or a setting that was announced and never came up. */
static int read_lost(struct parser *parser, const json_t *line, enum tr_tune_state state) {
    struct tr_tune *tune = parser->tune;
    const char *label;
    size_t number;
    int code = read_text(parser, line, "label", &label);
    if (!code)
        code = find_setting(tune, label, &number);
    if (code)
        return code;
    struct tr_tune_setting *setting = &tune->settings[number];
    if (tune->running != SIZE_MAX && tune->recordings[tune->running].setting == number) {
        code = end_recording(parser, state);
    } else {
        setting->state = state;
        setting->n_crashes += state == TR_TUNE_CRASHED;
        setting->n_interruptions += state == TR_TUNE_INTERRUPTED;
        if (tune->trying == number)
            tune->trying = SIZE_MAX;
    }
    if (code || state != TR_TUNE_CRASHED)
        return code;
    return keep(&setting->crashed_at, json_string_value(json_object_get(line, "at")));
}

static int read_crashed(struct parser *parser, const json_t *line) {
    return read_lost(parser, line, TR_TUNE_CRASHED);
}

static int read_interrupted(struct parser *parser, const json_t *line) {
    return read_lost(parser, line, TR_TUNE_INTERRUPTED);
}

static const struct {
    const char *name;
    int (*read)(struct parser *parser, const json_t *line);
} events[] = {
    {"session", read_session},         {"trying", read_trying},   {"measuring", read_measuring},
    {"samples", read_samples},         {"round", read_round},     {"forms", read_forms},
    {"measured", read_measured},       {"stopped", read_stopped}, {"crashed", read_crashed},
    {"interrupted", read_interrupted},
};

static int check_schema(const struct parser *parser, const json_t *line) {
    const char *schema = json_string_value(json_object_get(line, "schema"));
    if (!schema || strncmp(schema, SCHEMA, strlen(SCHEMA)) != 0)
        return complain(parser, "schema", "'" SCHEMA "1'");
    if (strcmp(schema + strlen(SCHEMA), "1") != 0)
        return tr_err_set(parser->reterr, TR_EFORMAT,
                          "%.300s: its schema is %.60s; this version reads " SCHEMA
                          "1. Use a newer tokenroof",
                          parser->name, schema);
    return 0;
}

static int read_line(struct parser *parser, const char *text, size_t length) {
    json_error_t error;
    json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    int code = 0;
    if (!json_is_object(line)) {
        json_decref(line);
        return tr_err_set(parser->reterr, TR_EFORMAT,
                          "%.300s:%zu: not a line of a record (one JSON object a line)",
                          parser->name, parser->line);
    }
    const char *event = json_string_value(json_object_get(line, "event"));
    if (parser->line == 1)
        code = check_schema(parser, line);
    for (size_t i = 0; !code && event && i < sizeof(events) / sizeof(events[0]); i++)
        if (!strcmp(event, events[i].name))
            code = events[i].read(parser, line);
    json_decref(line);
    return code;
}

int tr_tune_parse(const char *text, size_t length, const char *name, struct tr_tune *ret_tune,
                  struct tr_err *reterr) {
    struct tr_tune tune = {.trying = SIZE_MAX, .running = SIZE_MAX};
    struct parser parser = {.tune = &tune, .name = name, .reterr = reterr};
    int code = keep(&tune.path, name);
    const char *at = text, *end = text + length;
    while (!code && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            break; /* torn by a crash */
        parser.line++;
        code = read_line(&parser, at, (size_t)(newline - at));
        at = newline + 1;
    }
    if (!code && !parser.line)
        code = tr_err_set(reterr, TR_EFORMAT, "%.300s: no record in it", name);
    if (!code)
        code = end_recording(&parser, TR_TUNE_MEASURING);
    forget_samples(&parser);
    if (code)
        tr_tune_finish(&tune);
    else
        *ret_tune = tune;
    return code;
}

void tr_tune_finish(struct tr_tune *tune) {
    for (size_t i = 0; i < tune->n_settings; i++) {
        struct tr_tune_setting *setting = &tune->settings[i];
        free(setting->label);
        free(setting->announced_at);
        free(setting->crashed_at);
        free(setting->what_if);
        json_decref(setting->machine);
        json_decref(setting->at_most);
    }
    for (size_t i = 0; i < tune->n_recordings; i++) {
        free(tune->recordings[i].at);
        free(tune->recordings[i].tier);
        free(tune->recordings[i].rounds);
        json_decref(tune->recordings[i].machine);
    }
    for (size_t i = 0; i < tune->n_boots; i++)
        free(tune->boots[i]);
    free(tune->settings);
    free(tune->recordings);
    free(tune->boots);
    free(tune->path);
    free(tune->created);
    free(tune->host_id);
    free(tune->model);
    json_decref(tune->forms);
    *tune = (struct tr_tune){.trying = SIZE_MAX, .running = SIZE_MAX};
}

enum tr_tune_state tr_tune_unfinished(const struct tr_tune *tune, const char *boot_id,
                                      bool writer_lives) {
    if (tune->running == SIZE_MAX)
        return TR_TUNE_MEASURED;
    if (writer_lives)
        return TR_TUNE_MEASURING;
    const char *then = tune->boots[tune->recordings[tune->running].boot];
    return boot_id && strcmp(then, boot_id) != 0 ? TR_TUNE_CRASHED : TR_TUNE_INTERRUPTED;
}

bool tr_tune_given_up(const struct tr_tune *tune, const char *label, const char *boot_id) {
    if (tune->trying == SIZE_MAX)
        return false;
    const struct tr_tune_setting *setting = &tune->settings[tune->trying];
    return strcmp(setting->label, label) != 0 && boot_id &&
           strcmp(tune->boots[setting->announced_boot], boot_id) != 0;
}

/* A list of checks with their outcome: what `validate` tells. */
#ifndef TR_DECIDE_CHECKS_H
#define TR_DECIDE_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define TR_VALIDATE_SCHEMA "tokenroof.validate/1"

enum tr_check_group {
    TR_CHECK_IDENTITY,
    TR_CHECK_POPULATION,
    TR_CHECK_CONFIGURATION,
    TR_CHECK_BANDWIDTH,
    TR_CHECK_COMPUTE,
    TR_CHECK_SYMMETRY,
    TR_CHECK_LATENCY,
    TR_CHECK_STABILITY,
    TR_CHECK_MODELS,
    TR_CHECK_GROUPS
};
/* "identity", "memory population", ... */
const char *tr_check_group_name(enum tr_check_group group);

enum tr_check_outcome { TR_CHECK_PASS, TR_CHECK_WARN, TR_CHECK_FAIL, TR_CHECK_SKIP };
/* "pass", "warn", "fail", "skip" */
const char *tr_check_outcome_name(enum tr_check_outcome outcome);

struct tr_check {
    enum tr_check_group group;
    enum tr_check_outcome outcome;
    char *name;
    double value;     /* NAN: it has none */
    char *unit;       /* NULL: no value */
    double low, high; /* what is expected; NAN: no bound */
    char *from;       /* where the expectation comes from; NULL without one */
    char *why;        /* what is so, its likely cause, and the remedy, in one line */
};

struct tr_checks {
    struct tr_check *items;
    size_t n;
};

/* A check as it is added: texts are copied. */
struct tr_check_facts {
    const char *name;
    double value;
    const char *unit; /* NULL: no value */
    double low, high;
    const char *from;
};
#define TR_CHECK_OF(name_) \
    { .name = (name_), .value = NAN, .low = NAN, .high = NAN }

/* TR_ENOMEM. */
int tr_checks_add(struct tr_checks *checks, enum tr_check_group group,
                  enum tr_check_outcome outcome, const struct tr_check_facts *facts,
                  const char *why, ...) __attribute__((format(printf, 5, 6)));
size_t tr_checks_count(const struct tr_checks *checks, enum tr_check_outcome outcome);
void tr_checks_finish(struct tr_checks *checks);
/* The document, schema tokenroof.validate/1 (docs/formats.md); freed with json_decref. */
int tr_checks_to_json(const struct tr_checks *checks, const char *machine, const char *calibration,
                      json_t **ret_document);

#endif

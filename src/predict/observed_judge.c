/* What most likely explains the difference between a prediction and an engine's own result: each
 * cause has a test of its own on what both sides tell, in the order of how sure the test is. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "observed.h"
#include "strbuf.h"

/* Without a checked interval: what the tiers aim at for most results. */
static const double likely_generation = 0.10, likely_prompt = 0.15;
static const double noisy = 0.05;    /* relative standard deviation of repetitions */
static const double drifting = 0.05; /* last half of the repetitions against the first */
static const double alike = 0.05;    /* two rates that are the same */
static const double lower = 0.9;     /* a rate that is clearly lower */

double tr_observed_spread(const struct tr_observed *observed) {
    double mean = 0, square = 0;
    size_t n = observed->n_samples;
    if (observed->sd_tok_s >= 0 && n != 1)
        return observed->sd_tok_s / observed->tok_s;
    for (size_t i = 0; i < n; i++)
        mean += observed->samples[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (observed->samples[i] - mean) * (observed->samples[i] - mean);
    return n > 1 ? sqrt(square / (double)(n - 1)) / mean : NAN;
}

struct tr_estimate tr_observed_predicted(const struct tr_prediction_result *result,
                                         double *ret_roof_tok_s) {
    double prompt = result->use_case.prompt_tokens, generated = result->use_case.generated_tokens;
    if (!generated) {
        *ret_roof_tok_s = result->roof_pp_tok_s;
        return result->pp_tok_s;
    }
    if (!prompt) {
        *ret_roof_tok_s = result->roof_tg_tok_s;
        return result->tg_tok_s;
    }
    double tokens = prompt + generated;
    *ret_roof_tok_s = tokens / (prompt / result->roof_pp_tok_s + generated / result->roof_tg_tok_s);
    return (struct tr_estimate){tokens / result->total_s.value, tokens / result->total_s.high,
                                tokens / result->total_s.low};
}

/* ---- causes ---- */

struct judgement {
    const struct tr_observed_pair *pair;
    const struct tr_observed_list *list;
    struct tr_observed_verdict *verdict;
    struct tr_strbuf why;
    double ratio; /* observed / predicted */
};

__attribute__((format(printf, 3, 4))) static void
found(struct judgement *judgement, const char *cause, const char *format, ...) {
    struct tr_observed_verdict *verdict = judgement->verdict;
    if (verdict->n_causes == TR_OBSERVED_MAX_CAUSES)
        return;
    verdict->causes[verdict->n_causes++] = cause;
    va_list args;
    va_start(args, format);
    tr_strbuf_add(&judgement->why, " ");
    tr_strbuf_vaddf(&judgement->why, format, args);
    va_end(args);
}

/* A backend other than the processor's own and those that hand its products on. */
static bool has_accelerator(const struct tr_observed *observed) {
    static const char *const own[] = {"CPU", "BLAS", "AMX", "RPC", "llamafile", "KleidiAI"};
    const char *at = observed->backends;
    while (at && *at) {
        size_t n = strcspn(at, ", ");
        bool known = n == 0;
        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
            known = known || (strlen(own[i]) == n && !strncasecmp(at, own[i], n));
        if (!known)
            return true;
        at += n + (at[n] ? 1 : 0);
    }
    return false;
}

static void look_at_backend(struct judgement *judgement) {
    const struct tr_observed *observed = judgement->pair->observed;
    bool prompt = observed->prompt_tokens > 0;
    if (has_accelerator(observed)) {
        if (observed->gpu_layers == 0 && !prompt)
            return; /* single tokens stay on the processor */
        found(judgement, "backend",
              observed->gpu_layers == 0
                  ? "The engine ran with the backend %s: without layers on the card it still "
                    "computes prompts there; predicted was the processor alone."
                  : "The engine ran with the backend %s, predicted was the processor alone.",
              observed->backends);
    } else if (prompt && observed->backends && strstr(observed->backends, "BLAS")) {
        found(judgement, "backend",
              "The engine was built with BLAS, which computes prompts in F32: other kernels than "
              "the predicted ones.");
    }
}

/* Letters and digits alone, in one case: makers' marks differ between sources. */
static bool same_processor(const char *a, const char *b) {
    for (;;) {
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (*b && !isalnum((unsigned char)*b))
            b++;
        if (!*a || !*b)
            return true; /* one may go on: "... 8-Core Processor" */
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}

static void look_at_machine(struct judgement *judgement) {
    const char *theirs = judgement->pair->observed->cpu, *ours = judgement->pair->machine->cpu;
    if (theirs && ours && !same_processor(theirs, ours))
        found(judgement, "machine", "The engine ran on another processor: %s; predicted was %s.",
              theirs, ours);
}

static void look_at_file(struct judgement *judgement) {
    const struct tr_observed_pair *pair = judgement->pair;
    if (tr_observed_match(pair->observed, pair->model) == TR_OBSERVED_OTHER_FILE)
        found(judgement, "file",
              "The engine's file has %.3g GB, the predicted one %.3g GB: by bytes alone the rate "
              "of generation would be x %.2f.",
              pair->observed->model_bytes / 1e9, (double)pair->model->file_bytes / 1e9,
              (double)pair->model->file_bytes / pair->observed->model_bytes);
}

static int bits_of(const char *mask) {
    int bits = 0;
    if (!mask || mask[0] != '0' || tolower((unsigned char)mask[1]) != 'x')
        return 0;
    for (const char *at = mask + 2; *at; at++) {
        int digit = isdigit((unsigned char)*at)    ? *at - '0'
                    : isxdigit((unsigned char)*at) ? tolower((unsigned char)*at) - 'a' + 10
                                                   : 0;
        for (; digit; digit &= digit - 1)
            bits++;
    }
    return bits;
}

/* The same test with another number of threads in the same file. */
static const struct tr_observed *faster_sibling(const struct judgement *judgement) {
    const struct tr_observed *own = judgement->pair->observed, *best = NULL;
    for (size_t i = 0; i < judgement->list->n; i++) {
        const struct tr_observed *other = &judgement->list->items[i];
        bool same = other->prompt_tokens == own->prompt_tokens &&
                    other->generated_tokens == own->generated_tokens &&
                    other->depth == own->depth && other->model_bytes == own->model_bytes;
        if (same && other->threads != own->threads && other->tok_s > own->tok_s * (1 + alike) &&
            (!best || other->tok_s > best->tok_s))
            best = other;
    }
    return best;
}

static void look_at_threads(struct judgement *judgement) {
    const struct tr_observed_pair *pair = judgement->pair;
    const struct tr_observed_machine *machine = pair->machine;
    int threads = pair->observed->threads, masked = bits_of(pair->observed->cpu_mask);
    if (!threads)
        found(judgement, "threads",
              "The result does not say with how many threads the engine ran; predicted were %d.",
              pair->threads);
    else if (masked && masked < threads)
        found(judgement, "threads", "%d threads of the engine had %d CPUs (mask %s).", threads,
              masked, pair->observed->cpu_mask);
    else if (machine->cpus && threads > machine->cpus)
        found(judgement, "threads", "The engine ran %d threads on %d CPUs.", threads,
              machine->cpus);
    else if (machine->cores && threads > machine->cores)
        found(judgement, "smt",
              "The engine ran %d threads on %d cores: two of a core share its units and its "
              "caches, and wait for each other at every barrier.",
              threads, machine->cores);
    const struct tr_observed *sibling = faster_sibling(judgement);
    if (sibling && judgement->ratio < lower)
        found(judgement, "threads", "With %d threads the engine itself reached %.3g tok/s.",
              sibling->threads, sibling->tok_s);
}

/* Mean of the second half of the repetitions / mean of the first. */
static double trend(const struct tr_observed *observed) {
    size_t half = observed->n_samples / 2;
    double first = 0, last = 0;
    for (size_t i = 0; i < half; i++) {
        first += observed->samples[i];
        last += observed->samples[observed->n_samples - 1 - i];
    }
    return half >= 2 ? last / first : NAN;
}

static void look_at_samples(struct judgement *judgement) {
    const struct tr_observed *observed = judgement->pair->observed;
    double spread = tr_observed_spread(observed), way = trend(observed);
    if (judgement->ratio < 1 && way < 1 - drifting)
        found(judgement, "clock",
              "From its first repetitions to its last the engine lost %.0f %%: the clock fell "
              "(power, heat), or other work began.",
              100 * (1 - way));
    if (spread > noisy || fabs(judgement->ratio - 1) < 2 * spread)
        found(judgement, "noise",
              "The engine's own repetitions scatter by %.1f %%: other work ran on the machine.",
              100 * spread);
}

/* Observed / predicted of the file's other kind of test with as many threads: both low says clock,
 * generation alone says memory. That is told from observed rates alone, so only by the pair. */
static void look_at_memory(struct judgement *judgement) {
    const struct tr_observed_pair *pair = judgement->pair;
    const struct tr_observed_machine *machine = pair->machine;
    if (machine->nodes < 2 || !(judgement->ratio < lower) || !pair->observed->generated_tokens)
        return;
    const double placed[] = {machine->interleaved_fraction, machine->one_node_fraction};
    static const char *const names[] = {"in turn over all nodes", "on one node"};
    size_t nearest = 2;
    for (size_t i = 0; i < 2; i++)
        if (!isnan(placed[i]) &&
            (nearest == 2 || fabs(log(judgement->ratio / placed[i])) <
                                 fabs(log(judgement->ratio / placed[nearest]))))
            nearest = i;
    if (nearest == 2)
        found(judgement, "placement",
              "The machine has %d NUMA nodes: pages on the wrong ones make generation slower.",
              machine->nodes);
    else
        found(judgement, "placement",
              "The machine has %d NUMA nodes; with pages %s reading reaches x %.2f.",
              machine->nodes, names[nearest], placed[nearest]);
}

static void look_at_build(struct judgement *judgement) {
    const struct tr_observed_pair *pair = judgement->pair;
    const char *commit = pair->observed->commit;
    if (strcmp(pair->fidelity, "engine") != 0 || !commit || !pair->engine ||
        strstr(pair->engine, commit))
        return;
    /* One of the two commits may be written shorter. */
    const char *open = strchr(pair->engine, '(');
    size_t n = open ? strspn(open + 1, "0123456789abcdef") : 0;
    if (n >= 7 && !strncmp(open + 1, commit, n < strlen(commit) ? n : strlen(commit)))
        return;
    found(judgement, "build",
          "The engine is build %s; the kernels that were timed are those of %s.",
          pair->observed->build, pair->engine);
}

static void add_guess(struct judgement *judgement) {
    const struct tr_observed_pair *pair = judgement->pair;
    if (judgement->verdict->n_causes)
        return;
    if (judgement->ratio > 1 || !strcmp(pair->fidelity, "formula"))
        found(judgement, "unknown", "%s",
              !strcmp(pair->fidelity, "formula")
                  ? "The formula is an upper bound that engines do not reach."
                  : "Nothing in the result explains it: the calibration may have been made under "
                    "other work, or the engine has faster kernels.");
    else
        found(judgement, "clock",
              "Nothing else in the result explains it: a lower clock or other work on the machine "
              "during the engine's run, else slower kernels of this build.");
}

static bool is_as_predicted(const struct tr_observed_pair *pair, double ratio) {
    const struct tr_estimate *predicted = &pair->predicted;
    double likely = pair->observed->generated_tokens ? likely_generation : likely_prompt;
    if (!isnan(predicted->low) && !isnan(predicted->high))
        return ratio * predicted->value >= predicted->low &&
               ratio * predicted->value <= predicted->high;
    return fabs(ratio - 1) <= likely;
}

int tr_observed_judge(const struct tr_observed_pair *pair, const struct tr_observed_list *list,
                      struct tr_observed_verdict *ret_verdict) {
    double ratio = pair->observed->tok_s / pair->predicted.value;
    struct tr_observed_verdict verdict = {.fraction_of_prediction = ratio,
                                          .fraction_of_roof =
                                              pair->observed->tok_s / pair->roof_tok_s};
    struct judgement judgement = {pair, list, &verdict, {0}, ratio};
    bool other = tr_observed_match(pair->observed, pair->model) == TR_OBSERVED_OTHER_MODEL;
    if (other || isnan(ratio)) {
        verdict.verdict = "not comparable";
        verdict.fraction_of_prediction = verdict.fraction_of_roof = NAN;
        if (other)
            found(&judgement, "model", "It is another model: %s, %.3g GB, not %s, %.3g GB.",
                  pair->observed->model_type ? pair->observed->model_type : "of unknown type",
                  pair->observed->model_bytes / 1e9, pair->model->name,
                  (double)pair->model->file_bytes / 1e9);
        else
            found(&judgement, "unknown", "There is no prediction for it.");
        verdict.why = tr_strbuf_take(&judgement.why);
    } else {
        bool near = is_as_predicted(pair, ratio);
        verdict.verdict = near ? "as predicted" : ratio < 1 ? "slower" : "faster";
        tr_strbuf_addf(&judgement.why, " The engine reaches %.0f %% of the prediction.",
                       100 * ratio);
        look_at_backend(&judgement);
        look_at_machine(&judgement);
        look_at_file(&judgement);
        if (!near) {
            look_at_threads(&judgement);
            look_at_samples(&judgement);
            look_at_memory(&judgement);
            look_at_build(&judgement);
            add_guess(&judgement);
        }
        if (pair->best_threads && pair->best_threads != pair->threads &&
            pair->best_tok_s > pair->predicted.value * (1 + alike))
            tr_strbuf_addf(&judgement.why, " With %d threads %.3g tok/s are predicted.",
                           pair->best_threads, pair->best_tok_s);
        verdict.why = tr_strbuf_take(&judgement.why);
    }
    if (!verdict.why)
        return TR_ENOMEM;
    memmove(verdict.why, verdict.why + 1, strlen(verdict.why)); /* each sentence has a blank */
    *ret_verdict = verdict;
    return 0;
}

const char *tr_observed_unfit(const struct tr_observed_pair *pair,
                              const struct tr_observed_verdict *verdict) {
    static const struct {
        const char *cause, *why;
    } unfit[] = {
        {"model", "it is another model"},
        {"backend", "it ran with another backend"},
        {"machine", "it ran on another processor"},
        {"file", "it is another file of this model"},
        {"noise", "its repetitions scatter too much"},
    };
    if (!strcmp(pair->fidelity, "formula") || !strcmp(pair->fidelity, "spec"))
        return "the prediction does not rest on measured kernels";
    if (!pair->observed->commit)
        return "it does not say which build of the engine it is";
    if (!pair->observed->threads)
        return "it does not say how many threads ran";
    if (pair->observed->prompt_tokens && pair->observed->generated_tokens)
        return "prompt and output are timed together";
    for (size_t i = 0; i < verdict->n_causes; i++)
        for (size_t j = 0; j < sizeof(unfit) / sizeof(unfit[0]); j++)
            if (!strcmp(verdict->causes[i], unfit[j].cause))
                return unfit[j].why;
    if (isnan(verdict->fraction_of_prediction))
        return "there is no prediction for it";
    return tr_observed_spread(pair->observed) > noisy ? "its repetitions scatter too much" : NULL;
}

/* How an engine is started for what was predicted. */
#include "command.h"

#include <math.h>
#include <string.h>

#include "profile.h"

void tr_command_add_basis(struct tr_strbuf *text, const struct tr_basis *basis, double context) {
    double sequences = basis->parallel > 1 ? basis->parallel : 1;
    tr_strbuf_addf(text, " -c %.0f", ceil(context * sequences / 256) * 256);
    if (sequences > 1)
        tr_strbuf_addf(text, " -np %.0f", sequences);
    if (basis->ubatch > 0)
        tr_strbuf_addf(text, " -ub %d", basis->ubatch);
    if (basis->no_flash_attention)
        tr_strbuf_add(text, " -fa off");
    if (basis->cache_type && strcmp(basis->cache_type, "f16") != 0)
        tr_strbuf_addf(text, " -fa on -ctk %s -ctv %s", basis->cache_type, basis->cache_type);
}

/* The number with which generation is fastest, where that is clearly another one. */
static int generation_threads(const struct tr_prediction *prediction) {
    static const double clearly = 1.02;
    for (size_t i = 0; i < prediction->n_results; i++) {
        const struct tr_prediction_result *result = &prediction->results[i];
        if (result->best_threads > 0 && result->best_tg_tok_s > clearly * result->tg_tok_s.value)
            return result->best_threads;
    }
    return prediction->threads;
}

char *tr_prediction_command(const struct tr_prediction *prediction, const struct tr_basis *basis,
                            double context, bool threads_given, const char *placed) {
    struct tr_strbuf text = {0};
    bool nodes = basis->machine.nodes > 1;
    if (prediction->threads < 1 ||
        (basis->profile && strcmp(basis->profile, TR_PROFILE_DEFAULT) != 0))
        return NULL;
    if (nodes && !strcmp(placed, "interleaved"))
        tr_strbuf_add(&text, "numactl --interleave=all ");
    else if (nodes && !strcmp(placed, "one-node"))
        tr_strbuf_add(&text, "numactl --membind=0 ");
    tr_strbuf_addf(&text, "llama-server -m MODEL.gguf -t %d -tb %d",
                   threads_given ? prediction->threads : generation_threads(prediction),
                   prediction->threads);
    if (nodes)
        tr_strbuf_add(&text, !strcmp(placed, "local") ? " --numa distribute" : " --numa numactl");
    tr_command_add_basis(&text, basis, context);
    return tr_strbuf_take(&text);
}

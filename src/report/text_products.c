/* Matrix products and attention of language models: a row a type of weights. One token at a time
 * is a product with a vector (gemv), prompts are products of matrices (gemm). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MOST_TYPES = 32, MOST_BATCHES = 3, NAME_WIDTH = 26, NAME_BRIEF = 16 };

struct type {
    const char *kernel; /* gemv (and gemm), or attention */
    const char *quant;
    int64_t depth;                                        /* attention */
    const struct tr_measurement *one_token, *one_token_1; /* on all threads, on one */
    const struct tr_measurement *batches[MOST_BATCHES], *batches_1[MOST_BATCHES];
};

struct products {
    struct type types[MOST_TYPES];
    size_t n_types;
    int64_t batches[MOST_BATCHES]; /* tokens at once, ascending */
    size_t n_batches;
    int threads;                           /* on all threads; 0: one alone */
    const struct tr_measurement **figures; /* all that are shown */
    size_t n_figures;
};

static bool is_product(const struct tr_measurement *at) {
    return at->metric && !strcmp(at->metric, "rate") && at->quant && isfinite(at->median) &&
           !tr_strings_has(&at->flags, "above_ceiling");
}

static bool is_kernel(const struct tr_measurement *at, const char *kernel) {
    return !strcmp(at->kernel, kernel);
}

/* The most different numbers of tokens that fit, least first. */
static void add_batch(struct products *products, int64_t tokens) {
    size_t at = 0;
    while (at < products->n_batches && products->batches[at] < tokens)
        at++;
    if ((at < products->n_batches && products->batches[at] == tokens) ||
        products->n_batches == MOST_BATCHES)
        return;
    memmove(products->batches + at + 1, products->batches + at,
            (products->n_batches++ - at) * sizeof(*products->batches));
    products->batches[at] = tokens;
}

static struct type *find_type(struct products *products, const struct tr_measurement *at) {
    bool attention = is_kernel(at, "attention");
    for (size_t i = 0; i < products->n_types; i++) {
        struct type *type = &products->types[i];
        if (attention == !strcmp(type->kernel, "attention") && !strcmp(type->quant, at->quant) &&
            (!attention || type->depth == at->depth))
            return type;
    }
    if (products->n_types == MOST_TYPES)
        return NULL;
    struct type *type = &products->types[products->n_types++];
    *type = (struct type){
        .kernel = attention ? "attention" : "gemv", .quant = at->quant, .depth = at->depth};
    return type;
}

/* Of weights that come from memory, the figure with the largest working set; of those the best. */
static void keep(const struct tr_measurement **kept, const struct tr_measurement *at) {
    if (!*kept || at->working_set_bytes > (*kept)->working_set_bytes ||
        (at->working_set_bytes == (*kept)->working_set_bytes && at->median > (*kept)->median))
        *kept = at;
}

static void add(struct products *products, const struct tr_measurement *at) {
    bool all = at->place.kind == TR_PLACE_MACHINE && at->threads != 1;
    struct type *type =
        is_product(at) && (all || at->threads == 1) ? find_type(products, at) : NULL;
    if (!type)
        return;
    if (is_kernel(at, "gemm")) {
        for (size_t i = 0; i < products->n_batches; i++)
            if (products->batches[i] == at->n)
                keep(all ? &type->batches[i] : &type->batches_1[i], at);
    } else if (is_kernel(at, "gemv") || at->batch == 1) {
        keep(all ? &type->one_token : &type->one_token_1, at);
    }
    if (all && at->threads > products->threads)
        products->threads = at->threads;
}

static void add_figure(struct products *products, struct tr_table *table,
                       const struct tr_measurement *at, bool half_width) {
    double half = at ? tr_text_half_width(at) : NAN;
    tr_table_add(table, at ? tr_text_measured(at->median, at->median, half).text : "");
    if (half_width)
        tr_table_add(table, at ? tr_text_measured(half, at->median, half).text : "");
    if (at)
        products->figures[products->n_figures++] = at;
}

/* Letters of all flags in a row, each once. */
static void flag_cell(struct tr_table *table, const struct type *type, bool all) {
    struct tr_number row = {""};
    const struct tr_measurement *const *batches = all ? type->batches : type->batches_1;
    for (size_t i = 0; i <= MOST_BATCHES; i++) {
        const struct tr_measurement *at = i < MOST_BATCHES ? batches[i]
                                          : all            ? type->one_token
                                                           : type->one_token_1;
        struct tr_number flags = at ? tr_text_flags(at) : (struct tr_number){""};
        for (const char *letter = flags.text; *letter; letter++)
            if (!strchr(row.text, *letter))
                row.text[strlen(row.text)] = *letter;
    }
    tr_table_add(table, row.text);
}

static void side_cells(struct products *products, struct tr_table *table, const struct type *type,
                       bool all, bool half_width) {
    const struct tr_measurement *const *batches = all ? type->batches : type->batches_1;
    add_figure(products, table, all ? type->one_token : type->one_token_1, half_width);
    for (size_t i = 0; i < products->n_batches; i++)
        add_figure(products, table, batches[i], half_width && i + 1 == products->n_batches);
    flag_cell(table, type, all);
}

static void side_heads(struct tr_text *text, struct tr_table *table,
                       const struct products *products, bool half_width) {
    const char *head = !half_width ? NULL : text->term.unicode ? "±95%" : "+-95%";
    tr_table_add(table, "1 tok GB/s");
    if (head)
        tr_table_add(table, head);
    for (size_t i = 0; i < products->n_batches; i++)
        tr_table_addf(table, "%lld%s", (long long)products->batches[i],
                      i ? " tok" : " tok GFLOP/s");
    if (head && products->n_batches)
        tr_table_add(table, head);
    tr_table_add(table, "");
}

static void add_side_letters(struct tr_strbuf *letters, const struct products *products,
                             bool half_width) {
    tr_strbuf_repeat(letters, "r", 1 + products->n_batches);
    if (half_width)
        tr_strbuf_repeat(letters, "r", 1 + (products->n_batches > 0));
    tr_strbuf_add(letters, "l");
}

/* Forms of the table, from the widest to the narrowest. */
enum form { BOTH_SIDES, WITH_INTERVALS, PLAIN, BRIEF };

static void name_cell(struct tr_text *text, struct tr_table *table, const struct type *type,
                      bool brief) {
    struct tr_strbuf name = {0};
    if (!strcmp(type->kernel, "attention"))
        tr_strbuf_addf(&name, brief ? "  attention %s" : "  attention %s, %lld deep", type->quant,
                       (long long)type->depth);
    else
        tr_strbuf_addf(&name, brief ? "  %s" : "  weights %s", type->quant);
    tr_text_cell(text, table, name.failed ? "" : name.text, brief ? NAME_BRIEF : NAME_WIDTH);
    tr_strbuf_finish(&name);
}

static void write_table(struct tr_text *text, struct products *products, enum form form,
                        struct tr_strbuf *out) {
    struct tr_table table;
    struct tr_strbuf letters = {0};
    bool all = products->threads > 0, both = form == BOTH_SIDES && all;
    bool half_width = form <= WITH_INTERVALS;
    products->n_figures = 0;
    tr_strbuf_add(&letters, "l");
    add_side_letters(&letters, products, half_width);
    if (both)
        add_side_letters(&letters, products, false);
    tr_table_init(&table, letters.failed ? "l" : letters.text);
    tr_table_addf(&table, "%s%d thread%s", form == BRIEF ? "" : "language models, ",
                  all ? products->threads : 1, products->threads > 1 ? "s" : "");
    side_heads(text, &table, products, half_width);
    if (both) {
        tr_table_addf(&table, "1 thread: 1");
        for (size_t i = 0; i < products->n_batches; i++)
            tr_table_addf(&table, "%lld", (long long)products->batches[i]);
        tr_table_add(&table, "");
    }
    for (size_t i = 0; i < products->n_types; i++) {
        const struct type *type = &products->types[i];
        name_cell(text, &table, type, form == BRIEF);
        side_cells(products, &table, type, all, half_width);
        if (both)
            side_cells(products, &table, type, false, false);
    }
    tr_table_write(&table, 0, out);
    out->failed |= table.failed || letters.failed;
    tr_table_finish(&table);
    tr_strbuf_finish(&letters);
}

/* The widest form that there is room for. */
static void write_fitting(struct tr_text *text, struct products *products, enum form from) {
    for (enum form form = from;; form++) {
        struct tr_strbuf trial = {0};
        write_table(text, products, form, &trial);
        bool done = form == BRIEF || tr_text_columns(trial.text) <= text->term.width;
        if (done)
            tr_strbuf_add(text->out, trial.failed ? "" : trial.text);
        text->out->failed |= trial.failed;
        tr_strbuf_finish(&trial);
        if (done)
            break;
    }
}

/* "4096 x 512 x 4096", "4096 deep, 1 token" */
static void shape_cell(struct tr_table *table, const struct tr_measurement *at) {
    if (is_kernel(at, "attention"))
        tr_table_addf(table, "%lld deep, %lld token%s", (long long)at->depth, (long long)at->batch,
                      at->batch == 1 ? "" : "s");
    else if (at->m > 0 && at->k > 0)
        tr_table_addf(table, "%lld x %lld x %lld", (long long)at->m, (long long)at->n,
                      (long long)at->k);
    else
        tr_table_add(table, "");
}

/* Every figure a row. */
static void write_all(struct tr_text *text, struct products *products) {
    const struct tr_calibration *calibration = text->calibration;
    const char *const heads[] = {"language models",
                                 "type",
                                 "m x n x k",
                                 "threads",
                                 "median",
                                 text->term.unicode ? "±95%" : "+-95%",
                                 "best",
                                 "n",
                                 "unit",
                                 "flags"};
    struct tr_table table;
    tr_table_init(&table, "lllrrrrrll");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        tr_table_add(&table, heads[i]);
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        double half = tr_text_half_width(at);
        if (!at->metric || strcmp(at->metric, "rate") != 0)
            continue;
        struct tr_strbuf name = {0};
        tr_strbuf_addf(&name, "  %s", at->kernel);
        tr_text_cell(text, &table, name.failed ? "" : name.text, 16);
        tr_strbuf_finish(&name);
        tr_text_cell(text, &table, at->quant ? at->quant : "", 12);
        shape_cell(&table, at);
        tr_table_addf(&table, "%d", at->threads);
        tr_table_add(&table, tr_text_measured(at->median, at->median, half).text);
        tr_table_add(&table, tr_text_measured(half, at->median, half).text);
        tr_table_add(&table, tr_text_measured(at->best, at->median, half).text);
        tr_table_addf(&table, "%zu", at->n_samples);
        tr_text_cell(text, &table, at->unit, 12);
        tr_table_add(&table, tr_text_flags(at).text);
    }
    struct tr_strbuf trial = {0};
    tr_table_write(&table, 0, &trial);
    if (tr_text_columns(trial.text) <= text->term.width) {
        tr_strbuf_add(text->out, "\n");
        tr_strbuf_add(text->out, trial.failed ? "" : trial.text);
    } else {
        tr_strbuf_add(text->out, "\n");
        write_fitting(text, products, WITH_INTERVALS);
    }
    text->out->failed |= table.failed;
    tr_strbuf_finish(&trial);
    tr_table_finish(&table);
}

void tr_text_products(struct tr_text *text) {
    const struct tr_calibration *calibration = text->calibration;
    struct products products = {0};
    products.figures = calloc(4 * MOST_TYPES * (MOST_BATCHES + 1), sizeof(*products.figures));
    for (size_t i = 0; i < calibration->n_measurements; i++) {
        const struct tr_measurement *at = &calibration->measurements[i];
        if (is_product(at) && is_kernel(at, "gemm") && at->n > 0)
            add_batch(&products, at->n);
    }
    for (size_t i = 0; i < calibration->n_measurements; i++)
        add(&products, &calibration->measurements[i]);
    if (products.figures && products.n_types && text->full) {
        write_all(text, &products);
        tr_text_flag_legend(text, products.figures, products.n_figures);
    } else if (products.figures && products.n_types) {
        write_fitting(text, &products, BOTH_SIDES);
        tr_text_flag_legend(text, products.figures, products.n_figures);
    }
    text->out->failed |= !products.figures;
    free(products.figures);
}

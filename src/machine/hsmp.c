#include "hsmp.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "strbuf.h"

static const char device[] = "/dev/hsmp";

enum message {
    POWER = 0x04,           /* mW */
    POWER_LIMIT = 0x06,     /* mW */
    POWER_LIMIT_MAX = 0x07, /* mW */
    PROCHOT = 0x0b,         /* 1: asserted */
    FCLK_MCLK = 0x0f,       /* MHz, MHz */
    DDR_BANDWIDTH = 0x14,   /* GB/s: maximum 31:20, used 19:8; per cent used 7:0 */
    CORE_LIMIT = 0x19,      /* MHz 31:16, reason bits 15:0 */
};

static const struct {
    enum message id;
    unsigned n_words;
} questions[] = {
    {FCLK_MCLK, 2},       {DDR_BANDWIDTH, 1}, {POWER, 1},      {POWER_LIMIT, 1},
    {POWER_LIMIT_MAX, 1}, {PROCHOT, 1},       {CORE_LIMIT, 1},
};
enum { N_QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

/* --- asking ---------------------------------------------------------------------------------- */

/* The answers as a recording has them; NULL out of memory. */
static char *as_text(const struct tr_hsmp_request *requests, size_t n) {
    struct tr_strbuf text = {0};
    tr_strbuf_add(&text, "");
    for (size_t i = 0; i < n; i++) {
        tr_strbuf_addf(&text, "%d 0x%02x", requests[i].package, (unsigned)requests[i].message);
        if (requests[i].error)
            tr_strbuf_addf(&text, " error %d", requests[i].error);
        for (unsigned k = 0; !requests[i].error && k < requests[i].n_words; k++)
            tr_strbuf_addf(&text, " %u", (unsigned)requests[i].words[k]);
        tr_strbuf_add(&text, "\n");
    }
    return tr_strbuf_take(&text);
}

/* Asks this machine and keeps the answers. *ret_error: errno of opening the device. */
static int ask(struct tr_source *source, size_t n_packages, int *ret_error) {
    struct tr_hsmp_request requests[TR_HSMP_MAX_PACKAGES * N_QUESTIONS] = {0};
    size_t n = 0;
    if (n_packages > TR_HSMP_MAX_PACKAGES)
        n_packages = TR_HSMP_MAX_PACKAGES;
    for (size_t package = 0; package < n_packages; package++)
        for (size_t i = 0; i < N_QUESTIONS; i++)
            requests[n++] = (struct tr_hsmp_request){.package = (int)package,
                                                     .message = questions[i].id,
                                                     .n_words = questions[i].n_words};
    *ret_error = tr_hsmp_ask(requests, n);
    if (*ret_error)
        return 0;
    char *text = as_text(requests, n);
    int code = text ? tr_source_keep(source, device, text) : TR_ENOMEM;
    free(text);
    return code;
}

/* --- understanding --------------------------------------------------------------------------- */

static double least(double a, double b) {
    return isnan(a) || b < a ? b : a;
}

static double sum(double a, double b) {
    return isnan(a) ? b : a + b;
}

/* What holds the clock, in the order of what a person would do about it. */
static const char *reason_text(uint32_t bits) {
    static const struct {
        uint32_t bit;
        const char *text;
    } reasons[] = {
        {0x02, "overheated (PROCHOT)"}, {0x01, "temperature (cHTC)"},
        {0x08, "package power (PPT)"},  {0x04, "current (TDC)"},
        {0x20, "reliability"},          {0x40, "the management controller (APML)"},
        {0x80, "an HSMP setting"},      {0x10, "the part's maximum"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (bits & reasons[i].bit)
            return reasons[i].text;
    return NULL;
}

/* Firmware that answers 0 tells nothing. */
static void take_clocks(struct tr_hsmp *hsmp, const uint32_t *words) {
    double fclk_ghz = words[0] / 1e3, mclk_ghz = words[1] / 1e3;
    if (words[0] && !(fclk_ghz <= hsmp->fclk_highest_ghz))
        hsmp->fclk_highest_ghz = fclk_ghz;
    if (words[0])
        hsmp->fclk_ghz = least(hsmp->fclk_ghz, fclk_ghz);
    if (words[1])
        hsmp->mclk_ghz = least(hsmp->mclk_ghz, mclk_ghz);
}

static void take(struct tr_hsmp *hsmp, uint32_t message, const uint32_t *words) {
    double core_ghz = (words[0] >> 16) / 1e3;
    hsmp->answered = true;
    switch ((enum message)message) {
    case FCLK_MCLK:
        take_clocks(hsmp, words);
        break;
    case DDR_BANDWIDTH:
        if (words[0] >> 20)
            hsmp->ddr_gb_s = sum(hsmp->ddr_gb_s, words[0] >> 20);
        break;
    case POWER:
        hsmp->power_w = sum(hsmp->power_w, words[0] / 1e3);
        break;
    case POWER_LIMIT:
        hsmp->power_limit_w = sum(hsmp->power_limit_w, words[0] / 1e3);
        break;
    case POWER_LIMIT_MAX:
        hsmp->power_limit_max_w = sum(hsmp->power_limit_max_w, words[0] / 1e3);
        break;
    case PROCHOT:
        hsmp->prochot = hsmp->prochot > 0 || (words[0] & 1);
        break;
    case CORE_LIMIT:
        if (core_ghz > 0 && !(core_ghz >= hsmp->core_limit_ghz)) {
            hsmp->core_limit_ghz = core_ghz;
            hsmp->core_limit_reason = reason_text(words[0] & 0xffff);
        }
        break;
    }
}

static unsigned words_of(uint32_t message) {
    for (size_t i = 0; i < N_QUESTIONS; i++)
        if (questions[i].id == message)
            return questions[i].n_words;
    return 0; /* of a newer recorder: passed over */
}

/* One line; false if it is not understood. */
static bool take_line(struct tr_hsmp *hsmp, char *line) {
    uint32_t words[TR_HSMP_MAX_WORDS] = {0};
    char *save = NULL, *end = NULL;
    const char *package = strtok_r(line, " ", &save);
    const char *id = strtok_r(NULL, " ", &save);
    const char *word = strtok_r(NULL, " ", &save);
    int64_t value;
    if (!package || !id || !word ||
        tr_parse_int(package, 0, TR_HSMP_MAX_PACKAGES - 1, &value, NULL))
        return false;
    uint32_t message = (uint32_t)strtoul(id, &end, 16);
    if (*end)
        return false;
    if (!strcmp(word, "error")) {
        word = strtok_r(NULL, " ", &save);
        if (!word || tr_parse_int(word, 1, 4095, &value, NULL))
            return false;
        if (message == FCLK_MCLK && !hsmp->error)
            hsmp->error = (int)value;
        return true;
    }
    unsigned n = 0;
    for (; word; word = strtok_r(NULL, " ", &save)) {
        if (n == TR_HSMP_MAX_WORDS || tr_parse_int(word, 0, UINT32_MAX, &value, NULL))
            return false;
        words[n++] = (uint32_t)value;
    }
    unsigned expected = words_of(message);
    if (expected && n != expected)
        return false;
    if (expected)
        take(hsmp, message, words);
    return true;
}

int tr_hsmp_read(struct tr_source *source, size_t n_packages, bool again, struct tr_hsmp *ret_hsmp,
                 size_t *ret_bad_line) {
    struct tr_hsmp hsmp = {
        .fclk_ghz = NAN,
        .fclk_highest_ghz = NAN,
        .mclk_ghz = NAN,
        .ddr_gb_s = NAN,
        .power_w = NAN,
        .power_limit_w = NAN,
        .power_limit_max_w = NAN,
        .core_limit_ghz = NAN,
        .prochot = -1,
    };
    *ret_bad_line = 0;
    bool asks = source->live && (again || !tr_source_is_kept(source, device));
    int code = asks ? ask(source, n_packages, &hsmp.error) : 0;
    if (code)
        return code;
    char *text = hsmp.error ? NULL : tr_source_read(source, device, NULL);
    char *rest = text, *line;
    for (size_t number = 1; rest && (line = strsep(&rest, "\n")) != NULL; number++)
        if (*line && *line != '#' && !take_line(&hsmp, line) && !*ret_bad_line)
            *ret_bad_line = number;
    free(text);
    *ret_hsmp = hsmp;
    return 0;
}

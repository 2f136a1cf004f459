/* Clocks as people write them into labels. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "facts.h"
#include "parse.h"
#include "tune.h"

/* Transfer rates of memory that anybody sells or overclocks to; FCLK of any part that has one. */
static const double mts_least = 1333, mts_most = 20000, fclk_least = 400, fclk_most = 4000;

/* What a number is about: the word before it, or behind it. */
enum subject { ANYTHING, MEMORY, FABRIC, OTHER };

static bool is_word(const char *text, size_t n, const char *word) {
    return n == strlen(word) && !strncasecmp(text, word, n);
}

static enum subject subject_of(const char *text, size_t n) {
    static const char *const memory[] = {"mts",  "mt",  "mt/s",   "ddr4",
                                         "ddr5", "ram", "memory", "mem"};
    static const char *const others[] = {"mclk", "uclk", "cl", "mhz", "ghz"};
    if (is_word(text, n, "fclk") || is_word(text, n, "if"))
        return FABRIC;
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
        if (is_word(text, n, memory[i]))
            return MEMORY;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (is_word(text, n, others[i]))
            return OTHER;
    return ANYTHING;
}

/* Words of letters, digits, '/' and '.'; "CL30" and "DDR5" are words, "6400" is a number. */
static size_t word_length(const char *text) {
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '/' || text[n] == '.')
        n++;
    return n;
}

/* "6400", "6400MT/s", "2133MHz": *ret_unit gets what its unit is about. */
static bool number_of(const char *text, size_t n, double *ret_number, enum subject *ret_unit) {
    char word[16];
    size_t digits = strspn(text, "0123456789.");
    if (digits > n || digits >= sizeof(word) || !isdigit((unsigned char)*text))
        return false;
    *ret_unit = subject_of(text + digits, n - digits);
    if (digits < n && *ret_unit == ANYTHING)
        return false;
    memcpy(word, text, digits);
    word[digits] = '\0';
    return !tr_parse_double(word, 0, 1e6, ret_number, NULL);
}

struct tr_tune_clocks tr_tune_clocks_of_text(const char *text) {
    struct tr_tune_clocks clocks = {NAN, NAN};
    enum subject before = ANYTHING;
    while (text && *text) {
        size_t n = word_length(text);
        double number;
        enum subject unit;
        if (!n) {
            /* "FCLK 2133, 6400": what was said is about the next number alone. */
            if (*text == ',' || *text == ';')
                before = ANYTHING;
            text++;
        } else if (number_of(text, n, &number, &unit)) {
            const char *next = text + n + strspn(text + n, " ");
            enum subject about = before == ANYTHING ? unit : before;
            if (about == ANYTHING && subject_of(next, word_length(next)) == MEMORY)
                about = MEMORY;
            if (about == FABRIC && number >= fclk_least && number <= fclk_most)
                clocks.fclk_mhz = number;
            else if ((about == MEMORY || about == ANYTHING) && number >= mts_least &&
                     number <= mts_most && isnan(clocks.mts))
                clocks.mts = number;
            before = ANYTHING;
            text += n;
        } else {
            before = subject_of(text, n);
            text += n;
        }
    }
    return clocks;
}

struct tr_tune_clocks tr_tune_clocks_of(const struct tr_tune_setting *setting) {
    struct tr_tune_clocks label = tr_tune_clocks_of_text(setting->label);
    struct tr_tune_clocks said = tr_tune_clocks_of_text(setting->what_if);
    struct tr_tune_clocks clocks = {isnan(said.mts) ? label.mts : said.mts,
                                    isnan(said.fclk_mhz) ? label.fclk_mhz : said.fclk_mhz};
    if (!setting->recorded)
        return clocks;
    double mts = tr_fact_number(setting->machine, "memory.configured_mts");
    double fclk_ghz = tr_fact_number(setting->machine, "clocks.fclk_ghz");
    if (!isnan(mts))
        clocks.mts = mts;
    if (!isnan(fclk_ghz))
        clocks.fclk_mhz = 1000 * fclk_ghz;
    return clocks;
}

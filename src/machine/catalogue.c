/* The catalogue of CPUs (data/cpus.csv) and of micro-architectures (data/uarch.csv).
 *
 * Both tables are parsed once, on first use, and live as long as the program: the one place with
 * state that changes after start, written under pthread_once() only. */
#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpuid_table.h"
#include "csv.h"
#include "data.h"
#include "parse.h"
#include "parts.h"

enum { MAX_NAME = 128 };

struct entry {
    int family;         /* CPUID, -1 unknown */
    const char *models; /* "0x74|0x75", "" unknown */
    char key[MAX_NAME]; /* the name as names are compared */
};

static struct catalogue {
    struct tr_csv cpus, uarchs; /* the rows point into them */
    struct tr_platform *platforms;
    struct entry *entries; /* beside platforms */
    size_t n;
} catalogue;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* --- names ----------------------------------------------------------------------------------- */

/* Words that follow a product's name in brand strings: "96-Core Processor", "w/ Radeon 780M
 * Graphics", "@ 2.70GHz". */
static bool ends_name(const char *word) {
    static const char *const words[] = {"@", "w/", "with", "emb"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(word, words[i]))
            return true;
    size_t digits = strspn(word, "0123456789");
    return digits && (!strcmp(word + digits, "-core") || !strcmp(word + digits, "-cores"));
}

/* The product's name without decoration: lower case, one blank between words, no "(R)", "CPU",
 * "Processor", "13th Gen". Returns false where it does not fit. */
static bool make_key(const char *text, char key[MAX_NAME]) {
    size_t n = 0;
    key[0] = '\0';
    while (*text) {
        char word[MAX_NAME];
        size_t length = 0;
        text += strspn(text, " ");
        while (*text && *text != ' ') {
            size_t mark = !strncasecmp(text, "(r)", 3) ? 3 : !strncasecmp(text, "(tm)", 4) ? 4 : 0;
            if (mark) {
                text += mark;
                continue;
            }
            if (length + 1 >= sizeof(word))
                return false;
            word[length++] = (char)tolower((unsigned char)*text++);
        }
        word[length] = '\0';
        if (ends_name(word))
            break;
        if (length == 0 || !strcmp(word, "cpu") || !strcmp(word, "processor"))
            continue;
        if (!strcmp(word, "amd") || !strcmp(word, "intel")) /* what stands before is no name */
            n = 0;
        if (n + length + 2 > MAX_NAME)
            return false;
        n += (size_t)snprintf(key + n, MAX_NAME - n, "%s%s", n ? " " : "", word);
    }
    return n > 0;
}

static const char *without_vendor(const char *key) {
    if (!strncmp(key, "amd ", 4))
        return key + 4;
    return strncmp(key, "intel ", 6) ? key : key + 6;
}

/* --- reading --------------------------------------------------------------------------------- */

static int whole(const struct tr_csv *csv, size_t row, const char *column) {
    double value = tr_csv_number(csv, row, column);
    return value >= 0 && value < 1e6 ? (int)value : -1;
}

static char *text_of(const struct tr_csv *csv, size_t row, const char *column) {
    int at = tr_csv_column(csv, column);
    return at >= 0 && *csv->rows[row][at] ? csv->rows[row][at] : NULL;
}

static int hexadecimal(const char *text) {
    char *end = NULL;
    if (strncmp(text, "0x", 2) != 0) /* "arm64" */
        return -1;
    unsigned long value = strtoul(text + 2, &end, 16);
    return end == text + 2 || value > 0xffff ? -1 : (int)value;
}

static void read_platform(const struct tr_csv *csv, size_t row, struct tr_platform *platform,
                          struct entry *entry) {
    *platform = (struct tr_platform){
        .name = text_of(csv, row, "name"),
        .uarch = text_of(csv, row, "uarch"),
        .sockets_max = whole(csv, row, "sockets_max"),
        .cores = whole(csv, row, "cores"),
        .p_cores = whole(csv, row, "p_cores"),
        .e_cores = whole(csv, row, "e_cores"),
        .ccds = whole(csv, row, "ccds"),
        .cores_per_ccd = whole(csv, row, "cores_per_ccd"),
        .gmi_links_per_ccd = whole(csv, row, "gmi_links_per_ccd"),
        .l3_mb = tr_csv_number(csv, row, "l3_mb"),
        .base_ghz = tr_csv_number(csv, row, "base_ghz"),
        .boost_ghz = tr_csv_number(csv, row, "boost_ghz"),
        .allcore_boost_ghz = tr_csv_number(csv, row, "allcore_boost_ghz_if_known"),
        .mem_type = text_of(csv, row, "mem_type"),
        .mem_channels = whole(csv, row, "mem_channels"),
        .max_mts = tr_csv_number(csv, row, "max_mts"),
        .fclk_ghz = tr_csv_number(csv, row, "fclk_ghz_default"),
        .ccd_read_bytes_per_fclk = tr_csv_number(csv, row, "ccd_read_bytes_per_fclk"),
        .ccd_write_bytes_per_fclk = tr_csv_number(csv, row, "ccd_write_bytes_per_fclk"),
        .source = text_of(csv, row, "source"),
        .notes = text_of(csv, row, "notes"),
    };
    entry->family = hexadecimal(tr_csv_get(csv, row, "cpuid_family"));
    entry->models = tr_csv_get(csv, row, "cpuid_model");
    if (!platform->name || !make_key(platform->name, entry->key))
        entry->key[0] = '\0';
}

static void read_tables(void) {
    const struct tr_data *cpus = tr_data_find("cpus.csv");
    const struct tr_data *uarchs = tr_data_find("uarch.csv");
    /* Both are part of the program and a test reads them; what cannot be read here (no memory) is
     * an empty catalogue. */
    if (uarchs)
        tr_csv_parse(uarchs->text, uarchs->length, uarchs->name, &catalogue.uarchs, NULL);
    if (!cpus || tr_csv_parse(cpus->text, cpus->length, cpus->name, &catalogue.cpus, NULL))
        return;
    size_t n = catalogue.cpus.n_rows - 1;
    catalogue.platforms = calloc(n, sizeof(*catalogue.platforms));
    catalogue.entries = calloc(n, sizeof(*catalogue.entries));
    if (!catalogue.platforms || !catalogue.entries)
        return;
    for (size_t i = 0; i < n; i++)
        read_platform(&catalogue.cpus, i + 1, &catalogue.platforms[i], &catalogue.entries[i]);
    catalogue.n = n;
}

static const struct catalogue *open_catalogue(void) {
    pthread_once(&once, read_tables);
    return &catalogue;
}

/* --- platforms ------------------------------------------------------------------------------- */

const struct tr_platform *tr_platforms(size_t *ret_n) {
    const struct catalogue *all = open_catalogue();
    *ret_n = all->n;
    return all->platforms;
}

const struct tr_platform *tr_platform_by_name(const char *name) {
    const struct catalogue *all = open_catalogue();
    const struct tr_platform *found = NULL;
    char key[MAX_NAME];
    size_t n_found = 0;
    if (!name || !make_key(name, key))
        return NULL;
    for (size_t i = 0; i < all->n; i++) {
        const char *full = all->entries[i].key, *brief = without_vendor(full);
        if (!strcmp(full, key) || !strcmp(brief, key))
            return &all->platforms[i];
        if (!strncmp(full, key, strlen(key)) || !strncmp(brief, key, strlen(key))) {
            found = &all->platforms[i];
            n_found++;
        }
    }
    return n_found == 1 ? found : NULL;
}

static bool lists_model(const char *models, int model) {
    while (*models) {
        if (hexadecimal(models) == model)
            return true;
        models += strcspn(models, "|");
        models += *models == '|';
    }
    return false;
}

static bool fits_cpuid(const struct entry *entry, const struct tr_cpu_facts *cpu) {
    if (entry->family < 0 || cpu->family < 0)
        return true;
    return entry->family == cpu->family && (!*entry->models || cpu->model_number < 0 ||
                                            lists_model(entry->models, cpu->model_number));
}

static const struct tr_platform *find_key(const char *key, const struct tr_cpu_facts *cpu) {
    const struct catalogue *all = open_catalogue();
    for (size_t i = 0; i < all->n; i++)
        if (!strcmp(all->entries[i].key, key) && fits_cpuid(&all->entries[i], cpu))
            return &all->platforms[i];
    return NULL;
}

const struct tr_platform *tr_platform_by_cpu(const struct tr_cpu_facts *cpu) {
    char key[MAX_NAME];
    if (!cpu->model || !make_key(cpu->model, key))
        return NULL;
    const struct tr_platform *found = find_key(key, cpu);
    /* "Ryzen 7 PRO 7840U" is a 7840U with management features; where PRO makes a difference
     * (Threadripper), the row's own name has it. */
    char *pro = strstr(key, " pro ");
    if (!found && pro) {
        memmove(pro, pro + 4, strlen(pro + 4) + 1);
        found = find_key(key, cpu);
    }
    return found;
}

int tr_catalogue_fill(struct tr_machine *machine) {
    struct tr_cpu_facts *cpu = &machine->cpu;
    machine->platform = (struct tr_platform *)tr_platform_by_cpu(cpu);
    const char *uarch = machine->platform ? machine->platform->uarch : NULL;
    if (!uarch || cpu->uarch)
        return 0;
    /* Known by its name only (a recording of firmware tables): the row tells the rest. "p+e" are
     * the two kinds of cores of a hybrid part. */
    const char *plus = strchr(uarch, '+');
    cpu->uarch = plus ? strndup(uarch, (size_t)(plus - uarch)) : strdup(uarch);
    if (plus && !cpu->uarch_efficiency)
        cpu->uarch_efficiency = strdup(plus + 1);
    return cpu->uarch && (!plus || cpu->uarch_efficiency) ? 0 : TR_ENOMEM;
}

/* --- micro-architectures --------------------------------------------------------------------- */

/* Whether the column `cpuid` of a row names the CPU: "06h/55h step>=5", "17h/31h 17h/71h", with
 * "(P-cores)" or "(E-cores)" at the end of hybrid parts' rows. A step rule belongs to the pair
 * before it. */
static bool names_cpu(const char *cpuid, int family, int model, int stepping) {
    bool found = false;
    while (*cpuid) {
        char *end = NULL;
        if (!strncmp(cpuid, "step<=", 6)) {
            found = found && stepping <= strtol(cpuid + 6, NULL, 10);
        } else if (!strncmp(cpuid, "step>=", 6)) {
            found = found && stepping >= strtol(cpuid + 6, NULL, 10);
        } else if (isxdigit((unsigned char)*cpuid)) {
            if (found)
                return true;
            found = strtol(cpuid, &end, 16) == family && !strncmp(end, "h/", 2) &&
                    strtol(end + 2, NULL, 16) == model;
        }
        cpuid += strcspn(cpuid, " ");
        cpuid += strspn(cpuid, " ");
    }
    return found;
}

const char *tr_uarch_find(const char *vendor, int family, int model, int stepping,
                          bool efficiency) {
    const struct tr_csv *csv = &open_catalogue()->uarchs;
    for (size_t i = 1; vendor && i < csv->n_rows; i++) {
        const char *cpuid = tr_csv_get(csv, i, "cpuid");
        if (strcmp(tr_csv_get(csv, i, "vendor"), vendor) != 0 ||
            (strstr(cpuid, "(E-cores)") != NULL) != efficiency)
            continue;
        if (names_cpu(cpuid, family, model, stepping))
            return tr_csv_get(csv, i, "uarch");
    }
    return NULL;
}

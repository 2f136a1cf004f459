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

#include "catalogue.h"
#include "cpuid_table.h"
#include "csv.h"
#include "data.h"
#include "parse.h"
#include "parts.h"

static struct catalogue {
    struct tr_platform_set platforms;
    struct tr_csv uarchs;
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

/* "13th Gen" and what else stands before the maker's name is left out too. */
bool tr_platform_key(const char *text, char key[TR_PLATFORM_KEY_BYTES]) {
    size_t n = 0;
    key[0] = '\0';
    while (*text) {
        char word[TR_PLATFORM_KEY_BYTES];
        size_t length = 0;
        text += strspn(text, " ");
        while (*text && *text != ' ') {
            size_t mark = 0;
            if (*text == '(')
                mark = !strncasecmp(text, "(r)", 3) ? 3 : !strncasecmp(text, "(tm)", 4) ? 4 : 0;
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
        if (n + length + 2 > TR_PLATFORM_KEY_BYTES)
            return false;
        n += (size_t)snprintf(key + n, TR_PLATFORM_KEY_BYTES - n, "%s%s", n ? " " : "", word);
    }
    return n > 0;
}

const char *tr_platform_brief_key(const char *key) {
    if (!strncmp(key, "amd ", 4))
        return key + 4;
    return strncmp(key, "intel ", 6) ? key : key + 6;
}

/* --- reading --------------------------------------------------------------------------------- */

enum field_kind { TEXT, COUNT, NUMBER };

/* The columns that are read, and where to. */
static const struct field {
    const char *column;
    enum field_kind kind;
    size_t offset;
} fields[] = {
#define FIELD(column, kind, member) \
    { column, kind, offsetof(struct tr_platform, member) }
    FIELD("name", TEXT, name),
    FIELD("series", TEXT, series),
    FIELD("uarch", TEXT, uarch),
    FIELD("sockets_max", COUNT, sockets_max),
    FIELD("cores", COUNT, cores),
    FIELD("p_cores", COUNT, p_cores),
    FIELD("e_cores", COUNT, e_cores),
    FIELD("ccds", COUNT, ccds),
    FIELD("cores_per_ccd", COUNT, cores_per_ccd),
    FIELD("gmi_links_per_ccd", COUNT, gmi_links_per_ccd),
    FIELD("l3_mb", NUMBER, l3_mb),
    FIELD("base_ghz", NUMBER, base_ghz),
    FIELD("boost_ghz", NUMBER, boost_ghz),
    FIELD("allcore_boost_ghz_if_known", NUMBER, allcore_boost_ghz),
    FIELD("e_boost_ghz", NUMBER, e_boost_ghz),
    FIELD("mem_type", TEXT, mem_type),
    FIELD("mem_channels", COUNT, mem_channels),
    FIELD("max_mts", NUMBER, max_mts),
    FIELD("fclk_ghz_default", NUMBER, fclk_ghz),
    FIELD("ccd_read_bytes_per_fclk", NUMBER, ccd_read_bytes_per_fclk),
    FIELD("ccd_write_bytes_per_fclk", NUMBER, ccd_write_bytes_per_fclk),
    FIELD("max_memory_gb", NUMBER, max_memory_gb),
    FIELD("pcie_generation", NUMBER, pcie_generation),
    FIELD("pcie_lanes", COUNT, pcie_lanes),
    FIELD("source", TEXT, source),
    FIELD("notes", TEXT, notes),
#undef FIELD
};
enum { N_FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* A row and the one below it that fills its empty cells; `base` NULL without. */
struct row {
    const struct tr_csv *csv, *base;
    size_t at, base_at;
};

static char *cell(const struct row *row, const char *column) {
    char *const nothing = (char *)""; /* never written to */
    int at = tr_csv_column(row->csv, column);
    char *text = at >= 0 ? row->csv->rows[row->at][at] : nothing;
    if (*text || !row->base)
        return text;
    at = tr_csv_column(row->base, column);
    return at >= 0 ? row->base->rows[row->base_at][at] : nothing;
}

static double number(const char *text) {
    double value = 0;
    return tr_parse_double(text, -1e300, 1e300, &value, NULL) ? (double)NAN : value;
}

static int hexadecimal(const char *text) {
    char *end = NULL;
    if (strncmp(text, "0x", 2) != 0) /* "arm64" */
        return -1;
    unsigned long value = strtoul(text + 2, &end, 16);
    return end == text + 2 || value > 0xffff ? -1 : (int)value;
}

static void read_platform(const struct row *row, struct tr_platform *platform,
                          struct tr_platform_entry *entry) {
    *platform = (struct tr_platform){0};
    for (size_t i = 0; i < N_FIELDS; i++) {
        char *text = cell(row, fields[i].column);
        char *member = (char *)platform + fields[i].offset;
        double value = fields[i].kind == TEXT ? (double)NAN : number(text);
        if (fields[i].kind == TEXT)
            *(char **)(void *)member = *text ? text : NULL;
        else if (fields[i].kind == NUMBER)
            *(double *)(void *)member = value;
        else
            *(int *)(void *)member = value >= 0 && value < 1e6 ? (int)value : -1;
    }
    entry->family = hexadecimal(cell(row, "cpuid_family"));
    entry->models = cell(row, "cpuid_model");
    if (!platform->name || !tr_platform_key(platform->name, entry->key))
        entry->key[0] = '\0';
}

int tr_platform_column_kind(const char *column) {
    static const char *const unread_texts[] = {"cpuid_family", "cpuid_model", "extra_source"};
    for (size_t i = 0; i < N_FIELDS; i++)
        if (!strcmp(fields[i].column, column))
            return i == 0 ? 0 : fields[i].kind == TEXT ? 1 : 2;
    for (size_t i = 0; i < sizeof(unread_texts) / sizeof(unread_texts[0]); i++)
        if (!strcmp(unread_texts[i], column))
            return 1;
    /* What this program works out itself: accepted, so that rows can be copied. */
    return tr_csv_column(&tr_catalogue_platforms()->csv, column) >= 0 ? 2 : -1;
}

int tr_platform_set_fill(struct tr_platform_set *set, const struct tr_platform_set *base) {
    size_t n = set->csv.n_rows ? set->csv.n_rows - 1 : 0;
    set->platforms = calloc(n ? n : 1, sizeof(*set->platforms));
    set->entries = calloc(n ? n : 1, sizeof(*set->entries));
    if (!set->platforms || !set->entries)
        return TR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct row row = {.csv = &set->csv, .at = i + 1};
        char key[TR_PLATFORM_KEY_BYTES];
        bool named = tr_platform_key(tr_csv_get(&set->csv, i + 1, "name"), key);
        for (size_t k = 0; base && named && k < base->n; k++) {
            if (strcmp(base->entries[k].key, key) != 0)
                continue;
            row.base = &base->csv;
            row.base_at = k + 1;
        }
        read_platform(&row, &set->platforms[i], &set->entries[i]);
        set->platforms[i].user = base != NULL;
    }
    set->n = n;
    return 0;
}

void tr_platform_set_finish(struct tr_platform_set *set) {
    free(set->platforms);
    free(set->entries);
    tr_csv_finish(&set->csv);
    *set = (struct tr_platform_set){0};
}

static void read_tables(void) {
    const struct tr_data *cpus = tr_data_find("cpus.csv");
    const struct tr_data *uarchs = tr_data_find("uarch.csv");
    /* Both are part of the program and a test reads them; what cannot be read here (no memory) is
     * an empty catalogue. */
    if (uarchs)
        tr_csv_parse(uarchs->text, uarchs->length, uarchs->name, &catalogue.uarchs, NULL);
    if (cpus && !tr_csv_parse(cpus->text, cpus->length, cpus->name, &catalogue.platforms.csv, NULL))
        tr_platform_set_fill(&catalogue.platforms, NULL);
}

static const struct catalogue *open_catalogue(void) {
    pthread_once(&once, read_tables);
    return &catalogue;
}

const struct tr_platform_set *tr_catalogue_platforms(void) {
    return &open_catalogue()->platforms;
}

/* --- platforms ------------------------------------------------------------------------------- */

const char *tr_platform_basis(const struct tr_platform *platform) {
    return platform->user ? "user" : "catalogue";
}

const struct tr_platform *tr_platforms(size_t *ret_n) {
    const struct tr_platform_set *all = tr_catalogue_platforms();
    *ret_n = all->n;
    return all->platforms;
}

const struct tr_platform *tr_platform_set_by_name(const struct tr_platform_set *set,
                                                  const char *name) {
    const struct tr_platform *found = NULL;
    char key[TR_PLATFORM_KEY_BYTES];
    size_t n_found = 0;
    if (!name || !tr_platform_key(name, key))
        return NULL;
    for (size_t i = 0; i < set->n; i++) {
        const char *full = set->entries[i].key, *brief = tr_platform_brief_key(full);
        if (!strcmp(full, key) || !strcmp(brief, key))
            return &set->platforms[i];
        if (!strncmp(full, key, strlen(key)) || !strncmp(brief, key, strlen(key))) {
            found = &set->platforms[i];
            n_found++;
        }
    }
    return n_found == 1 ? found : NULL;
}

const struct tr_platform *tr_platform_by_name(const char *name) {
    return tr_platform_set_by_name(tr_catalogue_platforms(), name);
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

static bool fits_cpuid(const struct tr_platform_entry *entry, const struct tr_cpu_facts *cpu) {
    if (entry->family < 0 || cpu->family < 0)
        return true;
    return entry->family == cpu->family && (!*entry->models || cpu->model_number < 0 ||
                                            lists_model(entry->models, cpu->model_number));
}

static const struct tr_platform *find_key(const struct tr_platform_set *set, const char *key,
                                          const struct tr_cpu_facts *cpu) {
    for (size_t i = 0; i < set->n; i++)
        if (!strcmp(set->entries[i].key, key) && fits_cpuid(&set->entries[i], cpu))
            return &set->platforms[i];
    return NULL;
}

const struct tr_platform *tr_platform_set_by_cpu(const struct tr_platform_set *set,
                                                 const struct tr_cpu_facts *cpu) {
    char key[TR_PLATFORM_KEY_BYTES];
    if (!cpu->model || !tr_platform_key(cpu->model, key))
        return NULL;
    const struct tr_platform *found = find_key(set, key, cpu);
    /* "Ryzen 7 PRO 7840U" is a 7840U with management features; where PRO makes a difference
     * (Threadripper), the row's own name has it. */
    char *pro = strstr(key, " pro ");
    if (!found && pro) {
        memmove(pro, pro + 4, strlen(pro + 4) + 1);
        found = find_key(set, key, cpu);
    }
    return found;
}

const struct tr_platform *tr_platform_by_cpu(const struct tr_cpu_facts *cpu) {
    return tr_platform_set_by_cpu(tr_catalogue_platforms(), cpu);
}

int tr_catalogue_fill(struct tr_machine *machine) {
    struct tr_cpu_facts *cpu = &machine->cpu;
    const struct tr_platform_file *own =
        machine->private_data ? machine->private_data->platforms : NULL;
    const struct tr_platform *platform = own ? tr_platform_set_by_cpu(&own->set, cpu) : NULL;
    return tr_catalogue_apply(machine, platform ? platform : tr_platform_by_cpu(cpu));
}

int tr_catalogue_apply(struct tr_machine *machine, const struct tr_platform *platform) {
    struct tr_cpu_facts *cpu = &machine->cpu;
    machine->platform = (struct tr_platform *)platform;
    const char *uarch = platform ? platform->uarch : NULL;
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

const char *tr_uarch_cell(const char *uarch, const char *column) {
    const struct tr_csv *csv = &open_catalogue()->uarchs;
    for (size_t i = 1; uarch && i < csv->n_rows; i++)
        if (!strcmp(tr_csv_get(csv, i, "uarch"), uarch))
            return tr_csv_get(csv, i, column);
    return "";
}

bool tr_uarch_computes(const char *uarch, const char *column) {
    return *tr_uarch_cell(uarch, column) != '\0';
}

bool tr_uarch_is_arm(const char *uarch) {
    return !strcmp(tr_uarch_cell(uarch, "cpuid"), "aarch64");
}

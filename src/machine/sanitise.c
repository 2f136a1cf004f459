#include "sanitise.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "strbuf.h"

/* --- words ----------------------------------------------------------------------------------- */

/* Shorter host names are words that stand anywhere ("a1", "pc"), shorter serial numbers too. */
enum { SHORTEST_WORD = 3, SHORTEST_SERIAL = 6, UUID_LENGTH = 36, MAC_PAIRS = 6 };
/* A machine id has 32 digits, a container's 64; processors and buses have shorter numbers. */
enum { LONG_NUMBER = 32, MAC_DIGITS = 12 };

void tr_secrets_add(struct tr_secrets *secrets, const char *word) {
    if (!word || strlen(word) < SHORTEST_WORD || secrets->n == TR_SECRETS_MOST)
        return;
    char *copy = strdup(word);
    if (copy)
        secrets->words[secrets->n++] = copy;
}

void tr_secrets_add_host(struct tr_secrets *secrets, const char *name) {
    if (!name || !strcmp(name, "localhost"))
        return;
    size_t n = strcspn(name, ".");
    tr_secrets_add(secrets, name); /* the full name first, it contains the short one */
    char *brief = name[n] ? strndup(name, n) : NULL;
    tr_secrets_add(secrets, brief);
    free(brief);
}

void tr_secrets_add_serial(struct tr_secrets *secrets, const char *serial) {
    if (serial && strlen(serial) >= SHORTEST_SERIAL && !strchr(serial, ' ') &&
        strpbrk(serial, "0123456789"))
        tr_secrets_add(secrets, serial);
}

void tr_secrets_finish(struct tr_secrets *secrets) {
    for (size_t i = 0; i < secrets->n; i++)
        free(secrets->words[i]);
    *secrets = (struct tr_secrets){0};
}

static bool contains_any(const char *text, size_t length, const char *const *words) {
    for (; *words; words++) {
        size_t n = strlen(*words);
        for (size_t i = 0; i + n <= length; i++)
            if (!strncasecmp(text + i, *words, n))
                return true;
    }
    return false;
}

bool tr_path_is_secret(const char *path) {
    static const char *const words[] = {"machine-id", "serial",   "uuid",    "asset_tag",
                                        "hostname",   "/environ", "cmdline", NULL};
    return contains_any(path, strlen(path), words);
}

/* --- text ------------------------------------------------------------------------------------ */

/* 8-4-4-4-12 hexadecimal digits, also with '_' as systemd writes them in unit names. */
static bool is_uuid(const char *text) {
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' && text[i] != '_' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static bool is_word_end(char before, char after) {
    return !isalnum((unsigned char)before) && !isalnum((unsigned char)after);
}

/* Six or more pairs of digits, joined by ':' or by '-': Ethernet has 6, InfiniBand 20. Else 0. */
static size_t mac_length(const char *text) {
    size_t pairs = 0;
    for (const char *at = text;; at += 3) {
        if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
            break;
        pairs++;
        if ((at[2] != ':' && at[2] != '-') || at[2] != text[2])
            break;
    }
    return pairs >= MAC_PAIRS ? 3 * pairs - 1 : 0;
}

/* "enx525400c0ffee", "wlx...": the kernel's names of interfaces without a place. */
static bool is_interface(const char *text) {
    return (!strncmp(text, "enx", 3) || !strncmp(text, "wlx", 3)) &&
           strspn(text + 3, "0123456789abcdef") == MAC_DIGITS;
}

static size_t secret_at(const char *text, char before, const struct tr_secrets *secrets) {
    if (is_uuid(text))
        return UUID_LENGTH;
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits >= LONG_NUMBER && is_word_end(before, text[digits]))
        return digits;
    size_t mac = mac_length(text);
    if (mac && is_word_end(before, text[mac]))
        return mac;
    if (is_interface(text) && is_word_end(before, text[3 + MAC_DIGITS]))
        return 3 + MAC_DIGITS;
    for (size_t i = 0; i < secrets->n; i++) {
        const char *word = secrets->words[i];
        size_t n = strlen(word);
        if (!strncasecmp(text, word, n) && is_word_end(before, text[n]))
            return n;
    }
    return 0;
}

/* The first `n` characters of the text, with "x" for each secret. */
static void add_without_secrets(struct tr_strbuf *out, const char *text, size_t n,
                                const struct tr_secrets *secrets) {
    for (size_t i = 0; i < n;) {
        size_t secret = secret_at(text + i, i ? text[i - 1] : ' ', secrets);
        if (secret && i + secret <= n) {
            tr_strbuf_add(out, "x");
            i += secret;
        } else {
            tr_strbuf_add_bytes(out, text + i++, 1);
        }
    }
}

char *tr_sanitise_text(const char *text, const struct tr_secrets *secrets) {
    static const char *const keys[] = {"serial", "uuid", "asset_tag", "hostname", NULL};
    struct tr_strbuf out = {0};
    tr_strbuf_add(&out, "");
    while (*text) {
        size_t n = strcspn(text, "\n"), end = n + (text[n] == '\n');
        /* Only before the '=' or ':' of the line, for CPU flags may have such words. */
        size_t key = strcspn(text, "=:\n");
        if (text[key] && text[key] != '\n' && key < n) {
            /* "E:MEMORY_DEVICE_0_SERIAL_NUMBER=": udev puts a letter and a colon first. */
            size_t more = key == 1 ? 2 + strcspn(text + 2, "=\n") : key;
            if (contains_any(text, more < n ? more : n, keys)) {
                text += end;
                continue;
            }
        }
        add_without_secrets(&out, text, end, secrets);
        text += end;
    }
    return tr_strbuf_take(&out);
}

/* --- hwloc XML ------------------------------------------------------------------------------- */

static bool is_wanted_info(const char *element, size_t length) {
    static const char *const wanted[] = {
        "OSName",           "Architecture",    "hwlocVersion", "CPUVendor",  "CPUModel",
        "CPUModelNumber",   "CPUFamilyNumber", "CPUStepping",  "CoreType",   "FrequencyMaxMHz",
        "FrequencyBaseMHz", "LinuxCapacity",   "Inclusive",    "MemoryTier", "DAXType",
        "PCIVendor",        "PCIDevice",       "GPUVendor",    "GPUModel",   "Backend",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char *attribute = tr_format("name=\"%s\"", wanted[i]);
        bool found = attribute && memmem(element, length, attribute, strlen(attribute));
        free(attribute);
        if (found)
            return true;
    }
    return false;
}

char *tr_sanitise_xml(const char *xml, const struct tr_secrets *secrets) {
    struct tr_strbuf out = {0}, clean = {0};
    const char *info;
    tr_strbuf_add(&out, "");
    while ((info = strstr(xml, "<info ")) != NULL) {
        const char *end = strstr(info, "/>");
        if (!end)
            break;
        end += 2;
        bool wanted = is_wanted_info(info, (size_t)(end - info));
        if (!wanted)
            end += strspn(end, "\n");
        const char *stop = wanted ? end : info;
        /* Without the element its indentation goes too. */
        while (!wanted && stop > xml && stop[-1] == ' ')
            stop--;
        tr_strbuf_add_bytes(&out, xml, (size_t)(stop - xml));
        xml = end;
    }
    tr_strbuf_add(&out, xml);
    if (!out.failed)
        add_without_secrets(&clean, out.text, out.length, secrets);
    tr_strbuf_finish(&out);
    return tr_strbuf_take(&clean);
}

/* --- SMBIOS ---------------------------------------------------------------------------------- */

enum { HEADER_BYTES = 4, MAX_STRINGS = 256, END_OF_TABLE = 127 };

struct range {
    uint8_t first, last; /* offsets within the structure; 0, 0 = none */
};

/* What is kept of a type: strings by the offsets of their numbers; and what is zeroed of its
 * numbers, references to blanked strings among them (DMTF DSP0134). */
struct rule {
    uint8_t type;
    uint8_t strings[5];
    struct range zero[3];
};

static const struct rule rules[] = {
    {0, {0x04, 0x05, 0x08}, {{0}}},                               /* firmware */
    {1, {0x04, 0x05, 0x06, 0x1a}, {{0x07, 0x17}, {0x19, 0x19}}},  /* system */
    {2, {0x04, 0x05, 0x06}, {{0x07, 0x08}, {0x0a, 0x0a}}},        /* board */
    {4, {0x04, 0x07, 0x10, 0x22}, {{0x20, 0x21}}},                /* processor */
    {7, {0x04}, {{0}}},                                           /* cache */
    {16, {0}, {{0}}},                                             /* memory array */
    {17, {0x10, 0x11, 0x17, 0x1a}, {{0x18, 0x19}, {0x2b, 0x2b}}}, /* memory device */
    {19, {0}, {{0}}},                                             /* mapped addresses */
    {20, {0}, {{0}}},
    {END_OF_TABLE, {0}, {{0}}},
};

static const struct rule *find_rule(uint8_t type) {
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

static void sanitise_formatted(uint8_t *at, size_t size, const struct rule *rule) {
    if (!rule) {
        memset(at + HEADER_BYTES, 0, size - HEADER_BYTES);
        return;
    }
    for (size_t i = 0; i < 3 && rule->zero[i].first; i++)
        for (size_t k = rule->zero[i].first; k <= rule->zero[i].last && k < size; k++)
            at[k] = 0;
}

/* Blanks the strings that no kept offset refers to. */
static void sanitise_strings(uint8_t *strings, size_t length, const uint8_t *at, size_t size,
                             const struct rule *rule) {
    bool keep[MAX_STRINGS] = {false};
    for (size_t i = 0; rule && i < sizeof(rule->strings); i++)
        if (rule->strings[i] && rule->strings[i] < size)
            keep[at[rule->strings[i]]] = true;
    size_t number = 1;
    for (size_t i = 0; i < length; i++) {
        if (strings[i] == 0)
            number++;
        else if (number >= MAX_STRINGS || !keep[number])
            strings[i] = ' ';
    }
}

void tr_sanitise_smbios(uint8_t *table, size_t length) {
    size_t offset = 0;
    while (offset + HEADER_BYTES <= length) {
        uint8_t *at = table + offset;
        uint8_t type = at[0];
        size_t size = at[1], end;
        if (size < HEADER_BYTES || offset + size > length)
            break;
        for (end = offset + size; end + 1 < length && (table[end] || table[end + 1]); end++)
            ;
        if (end + 1 >= length)
            break;
        const struct rule *rule = find_rule(type);
        sanitise_formatted(at, size, rule);
        sanitise_strings(table + offset + size, end - offset - size, at, size, rule);
        offset = end + 2;
        if (type == END_OF_TABLE)
            break;
    }
    memset(table + offset, 0, length - offset);
}

/* Who the CPU is and what it can do: CPUID of this machine or of a recording, else /proc/cpuinfo,
 * else the processor's name in the SMBIOS table.
 *
 * Leaves and bits: Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. Names of flags as the
 * kernel writes them (arch/x86/include/asm/cpufeatures.h). */
#include "cpuid_table.h"

#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "parts.h"
#include "smbios.h"

enum { EAX, EBX, ECX, EDX };

/* --- flags ----------------------------------------------------------------------------------- */

/* `states`: what must be enabled in XCR0 before the instructions may be used. */
static const struct flag {
    const char *name;
    uint32_t leaf, subleaf;
    int reg, bit;
    uint64_t states;
} flags[] = {
    {"sse", 1, 0, EDX, 25, 0},
    {"sse2", 1, 0, EDX, 26, 0},
    {"pni", 1, 0, ECX, 0, 0},
    {"pclmulqdq", 1, 0, ECX, 1, 0},
    {"ssse3", 1, 0, ECX, 9, 0},
    {"fma", 1, 0, ECX, 12, TR_XCR0_YMM},
    {"sse4_1", 1, 0, ECX, 19, 0},
    {"sse4_2", 1, 0, ECX, 20, 0},
    {"movbe", 1, 0, ECX, 22, 0},
    {"popcnt", 1, 0, ECX, 23, 0},
    {"aes", 1, 0, ECX, 25, 0},
    {"avx", 1, 0, ECX, 28, TR_XCR0_YMM},
    {"f16c", 1, 0, ECX, 29, TR_XCR0_YMM},
    {"bmi1", 7, 0, EBX, 3, 0},
    {"avx2", 7, 0, EBX, 5, TR_XCR0_YMM},
    {"bmi2", 7, 0, EBX, 8, 0},
    {"erms", 7, 0, EBX, 9, 0},
    {"avx512f", 7, 0, EBX, 16, TR_XCR0_ZMM},
    {"avx512dq", 7, 0, EBX, 17, TR_XCR0_ZMM},
    {"avx512ifma", 7, 0, EBX, 21, TR_XCR0_ZMM},
    {"clflushopt", 7, 0, EBX, 23, 0},
    {"clwb", 7, 0, EBX, 24, 0},
    {"avx512cd", 7, 0, EBX, 28, TR_XCR0_ZMM},
    {"sha_ni", 7, 0, EBX, 29, 0},
    {"avx512bw", 7, 0, EBX, 30, TR_XCR0_ZMM},
    {"avx512vl", 7, 0, EBX, 31, TR_XCR0_ZMM},
    {"avx512vbmi", 7, 0, ECX, 1, TR_XCR0_ZMM},
    {"avx512_vbmi2", 7, 0, ECX, 6, TR_XCR0_ZMM},
    {"gfni", 7, 0, ECX, 8, 0},
    {"vaes", 7, 0, ECX, 9, TR_XCR0_YMM},
    {"vpclmulqdq", 7, 0, ECX, 10, TR_XCR0_YMM},
    {"avx512_vnni", 7, 0, ECX, 11, TR_XCR0_ZMM},
    {"avx512_bitalg", 7, 0, ECX, 12, TR_XCR0_ZMM},
    {"avx512_vpopcntdq", 7, 0, ECX, 14, TR_XCR0_ZMM},
    {"fsrm", 7, 0, EDX, 4, 0},
    {"avx512_vp2intersect", 7, 0, EDX, 8, TR_XCR0_ZMM},
    {"amx_bf16", 7, 0, EDX, 22, TR_XCR0_AMX},
    {"avx512_fp16", 7, 0, EDX, 23, TR_XCR0_ZMM},
    {"amx_tile", 7, 0, EDX, 24, TR_XCR0_AMX},
    {"amx_int8", 7, 0, EDX, 25, TR_XCR0_AMX},
    {"avx_vnni", 7, 1, EAX, 4, TR_XCR0_YMM},
    {"avx512_bf16", 7, 1, EAX, 5, TR_XCR0_ZMM},
    {"amx_fp16", 7, 1, EAX, 21, TR_XCR0_AMX},
    {"avx_ifma", 7, 1, EAX, 23, TR_XCR0_YMM},
    {"avx_vnni_int8", 7, 1, EDX, 4, TR_XCR0_YMM},
    {"avx_ne_convert", 7, 1, EDX, 5, TR_XCR0_YMM},
    {"amx_complex", 7, 1, EDX, 8, TR_XCR0_AMX},
    {"avx_vnni_int16", 7, 1, EDX, 10, TR_XCR0_YMM},
    {"prefetchi", 7, 1, EDX, 14, 0},
    {"pdpe1gb", 0x80000001, 0, EDX, 26, 0},
    {"rdtscp", 0x80000001, 0, EDX, 27, 0},
    {"abm", 0x80000001, 0, ECX, 5, 0},
    {"sse4a", 0x80000001, 0, ECX, 6, 0},
    {"nonstop_tsc", 0x80000007, 0, EDX, 8, 0},
    {"rdpru", 0x80000008, 0, EBX, 4, 0},
    {"hypervisor", 1, 0, ECX, 31, 0},
};

static bool has_flag(const struct tr_cpuid_table *table, const struct flag *flag) {
    uint32_t regs[4];
    tr_cpuid_get(table, flag->leaf, flag->subleaf, regs);
    return regs[flag->reg] >> flag->bit & 1;
}

static bool has_flag_name(const void *context, const char *name) {
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (!strcmp(flags[i].name, name))
            return has_flag(context, &flags[i]);
    return false;
}

static int add_flag(struct tr_cpu_facts *facts, const char *name, size_t length) {
    char **isa = realloc(facts->isa, (facts->n_isa + 1) * sizeof(*isa));
    if (!isa)
        return TR_ENOMEM;
    facts->isa = isa;
    isa[facts->n_isa] = strndup(name, length);
    return isa[facts->n_isa] ? (facts->n_isa++, 0) : TR_ENOMEM;
}

/* --- facts ----------------------------------------------------------------------------------- */

static int set_vendor(struct tr_cpu_facts *facts, const char *signature) {
    facts->vendor = strdup(!strcmp(signature, "AuthenticAMD")   ? "AMD"
                           : !strcmp(signature, "GenuineIntel") ? "Intel"
                                                                : signature);
    return facts->vendor ? 0 : TR_ENOMEM;
}

/* The text without blanks at its ends and with '?' for what cannot be printed; empty text leaves
 * the model unknown. */
static int set_model(struct tr_cpu_facts *facts, const char *brand) {
    while (*brand == ' ')
        brand++;
    size_t n = strlen(brand);
    while (n && brand[n - 1] == ' ')
        n--;
    if (n == 0)
        return 0;
    facts->model = strndup(brand, n);
    for (char *at = facts->model; at && *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return facts->model ? 0 : TR_ENOMEM;
}

static int fill_from_table(struct tr_cpu_facts *facts, const struct tr_cpuid_table *table) {
    uint32_t regs[4];
    char vendor[13] = {0}, brand[49] = {0};
    int code = 0;

    tr_cpuid_get(table, 0, 0, regs);
    memcpy(vendor, (uint32_t[]){regs[EBX], regs[EDX], regs[ECX]}, 12);
    tr_cpuid_get(table, 1, 0, regs);
    uint32_t base_family = regs[EAX] >> 8 & 15;
    facts->family = (int)(base_family + (base_family == 15 ? regs[EAX] >> 20 & 255 : 0));
    facts->model_number = (int)(regs[EAX] >> 4 & 15);
    if (base_family == 6 || base_family == 15)
        facts->model_number |= (int)(regs[EAX] >> 16 & 15) << 4;
    facts->stepping = (int)(regs[EAX] & 15);
    for (size_t i = 0; i < 3; i++) {
        tr_cpuid_get(table, 0x80000002 + (uint32_t)i, 0, regs);
        memcpy(brand + 16 * i, regs, 16);
    }
    code = set_vendor(facts, vendor);
    if (!code)
        code = set_model(facts, brand);

    if (!code)
        tr_cpuid_caches(table, facts);
    tr_cpuid_get(table, 7, 0, regs);
    facts->hybrid = regs[EDX] >> 15 & 1;
    tr_cpuid_get(table, 0x80000000, 0, regs);
    if (!code && !strcmp(facts->vendor, "AMD") && regs[EAX] >= 0x8000001a) {
        /* Bits 0, 2, 3: a datapath of 128, 256, 512 bits. None of them: a hypervisor removed the
         * one that it did not know. */
        tr_cpuid_get(table, 0x8000001a, 0, regs);
        if (regs[EAX] & 0xd)
            facts->fp512_datapath = (int)(regs[EAX] >> 3 & 1);
    }
    for (size_t i = 0; !code && i < sizeof(flags) / sizeof(flags[0]); i++)
        if (has_flag(table, &flags[i]) && (table->xcr0 & flags[i].states) == flags[i].states)
            code = add_flag(facts, flags[i].name, strlen(flags[i].name));
    tr_isa_fill_levels(facts, has_flag_name, table, table->xcr0);
    return code;
}

/* The value of "key : value" in the first block of /proc/cpuinfo, its length in *ret_length; NULL
 * if absent. */
static const char *cpuinfo_value(const char *text, const char *key, size_t *ret_length) {
    size_t n = strlen(key);
    for (const char *line = text; line && *line && *line != '\n';) {
        size_t length = strcspn(line, "\n");
        const char *colon = memchr(line, ':', length);
        size_t key_length = strcspn(line, "\t:");
        if (colon && key_length == n && !strncmp(line, key, n)) {
            const char *value = colon + 1 + (colon[1] == ' ');
            *ret_length = (size_t)(line + length - value);
            return value;
        }
        line += length + (line[length] == '\n');
    }
    return NULL;
}

static int cpuinfo_number(const char *text, const char *key) {
    size_t length = 0;
    int64_t number = -1;
    const char *value = cpuinfo_value(text, key, &length);
    char digits[16];
    if (!value || length >= sizeof(digits))
        return -1;
    memcpy(digits, value, length);
    digits[length] = '\0';
    return tr_parse_int(digits, 0, 65535, &number, NULL) ? -1 : (int)number;
}

static bool has_listed_flag(const void *context, const char *name) {
    const struct tr_cpu_facts *facts = context;
    for (size_t i = 0; i < facts->n_isa; i++)
        if (!strcmp(facts->isa[i], name))
            return true;
    return false;
}

static int fill_from_cpuinfo(struct tr_cpu_facts *facts, const char *text) {
    size_t length = 0;
    int code = 0;
    const char *value = cpuinfo_value(text, "vendor_id", &length);
    char *copy = value ? strndup(value, length) : NULL;
    if (copy)
        code = set_vendor(facts, copy);
    free(copy);
    value = cpuinfo_value(text, "model name", &length);
    copy = value ? strndup(value, length) : NULL;
    if (copy && !code)
        code = set_model(facts, copy);
    free(copy);
    facts->family = cpuinfo_number(text, "cpu family");
    facts->model_number = cpuinfo_number(text, "model");
    facts->stepping = cpuinfo_number(text, "stepping");
    value = cpuinfo_value(text, "flags", &length);
    for (const char *end = value ? value + length : NULL; !code && value && value < end;) {
        size_t n = strcspn(value, " \n");
        if (n)
            code = add_flag(facts, value, n);
        value += n + 1;
    }
    if (code)
        return code;
    /* The kernel lists only what it has enabled. */
    tr_isa_fill_levels(facts, has_listed_flag, facts, ~UINT64_C(0));
    return 0;
}

/* A recording of firmware tables alone still names the processor. */
static int fill_from_smbios(struct tr_cpu_facts *facts, const char *folder) {
    struct tr_smbios smbios = {0};
    int code = 0;
    if (tr_smbios_read(folder, &smbios, NULL))
        return 0; /* tr_memory_fill() tells about it */
    for (size_t i = 0; i < smbios.n_processors && !facts->model && !code; i++)
        if (smbios.processors[i].populated && smbios.processors[i].version)
            code = set_model(facts, smbios.processors[i].version);
    tr_smbios_finish(&smbios);
    if (!code && facts->model)
        code = !strncmp(facts->model, "AMD", 3)        ? set_vendor(facts, "AMD")
               : strstr(facts->model, "Intel") != NULL ? set_vendor(facts, "Intel")
                                                       : 0;
    return code;
}

int tr_cpu_fill(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr) {
    struct tr_cpu_facts *facts = &machine->cpu;
    struct tr_cpuid_table table = {0};
    int code = 0;
    *facts = (struct tr_cpu_facts){
        .family = -1, .model_number = -1, .stepping = -1, .fp512_datapath = -1};
    tr_isa_levels_unknown(facts, "not known: the recording has neither CPUID nor /proc/cpuinfo");

    if (source->live)
        code = tr_cpuid_table_read(&table);
    else if (source->cpuid_path)
        code = tr_cpuid_table_load(source->cpuid_path, &table, reterr);
    if (code)
        return code;
    if (table.n_rows) {
        code = fill_from_table(facts, &table);
        tr_cpuid_table_finish(&table);
        if (!code && source->live)
            tr_isa_ask_for_tiles(facts);
        return code ? code : tr_uarch_fill(machine);
    }
    char *text = tr_source_read(source, "/proc/cpuinfo", NULL);
    if (text) {
        code = fill_from_cpuinfo(facts, text);
        free(text);
        return code || !facts->vendor ? code : tr_uarch_fill(machine);
    }
    if (source->smbios_dir)
        code = fill_from_smbios(facts, source->smbios_dir);
    if (!code)
        code = tr_machine_note(machine, "Instruction sets are unknown: the recording has neither "
                                        "CPUID nor /proc/cpuinfo.");
    return code;
}

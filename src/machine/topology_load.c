#include "topology.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpuid_table.h"
#include "file.h"
#include "parts.h"
#include "strbuf.h"

enum { MAX_XML_BYTES = 64 << 20, MAX_XML_DEPTH = 128, TRIAL_S = 20 };

/* --- XML: where it is broken ----------------------------------------------------------------- */

struct tag {
    const char *name;
    size_t length;
};

static bool same_tag(struct tag a, struct tag b) {
    return a.length == b.length && !memcmp(a.name, b.name, a.length);
}

static size_t line_of(const char *text, const char *at) {
    size_t line = 1;
    for (const char *c = text; c < at; c++)
        line += *c == '\n';
    return line;
}

/* Just behind the '>' that ends the tag at `at`; quotes may hide one. NULL at the text's end. */
static const char *tag_end(const char *at) {
    char quote = '\0';
    for (; *at; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>')
            return at + 1;
    }
    return NULL;
}

size_t tr_xml_fault(const char *text, const char **ret_what) {
    struct tag open[MAX_XML_DEPTH];
    size_t depth = 0;
    bool any = false;
    const char *at = text;
    while ((at = strchr(at, '<')) != NULL) {
        if (!strncmp(at, "<!--", 4)) {
            const char *after = strstr(at, "-->");
            at = after ? after : at + strlen(at);
            continue;
        }
        const char *end = tag_end(at);
        if (!end) {
            *ret_what = "a tag is cut off";
            return line_of(text, at);
        }
        bool closing = at[1] == '/';
        struct tag tag = {at + 1 + closing, strcspn(at + 1 + closing, " \t\r\n/>")};
        if (at[1] == '?' || at[1] == '!') {
            at = end;
            continue;
        }
        any = true;
        if (closing && (depth == 0 || !same_tag(open[--depth], tag))) {
            *ret_what = "a closing tag without its opening one";
            return line_of(text, at);
        }
        if (!closing && end[-2] != '/') {
            if (depth == MAX_XML_DEPTH) {
                *ret_what = "tags are nested more deeply than any machine needs";
                return line_of(text, at);
            }
            open[depth++] = tag;
        }
        at = end;
    }
    if (depth == 0 && any)
        return 0;
    *ret_what = any ? "the text ends within an open tag" : "there is no tag";
    return any ? line_of(text, open[depth - 1].name) : 1;
}

/* --- loading --------------------------------------------------------------------------------- */

/* hwloc prints to stderr, and looks at another machine, when these variables say so. */
static void tame_environment(void) {
    static const char *const misleading[] = {
        "HWLOC_XMLFILE",       "HWLOC_SYNTHETIC",         "HWLOC_FSROOT",
        "HWLOC_CPUID_PATH",    "HWLOC_THISSYSTEM",        "HWLOC_COMPONENTS",
        "HWLOC_XML_VERBOSE",   "HWLOC_SYNTHETIC_VERBOSE", "HWLOC_COMPONENTS_VERBOSE",
        "HWLOC_DEBUG_VERBOSE",
    };
    for (size_t i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++)
        unsetenv(misleading[i]);
    setenv("HWLOC_HIDE_ERRORS", "2", 1);
}

/* Of devices, those that GPUs and accelerators are found by (devices.c); of caches also those on
 * the memory's side, which hwloc leaves out unless asked (topology_memory.c). */
static void choose_objects(hwloc_topology_t topology) {
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_MEMCACHE, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_BRIDGE, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_PCI_DEVICE,
                                   HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_OS_DEVICE, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_MISC, HWLOC_TYPE_FILTER_KEEP_NONE);
}

/* hwloc trusts the values in its XML: a file with wrong ones can crash it. So a child process tries
 * first, and checks what came out; it is silent, and gives up after TRIAL_S. */
static bool survives_loading(const char *text, size_t length) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        hwloc_topology_t topology;
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        signal(SIGALRM, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        if (quiet < 0 || dup2(quiet, STDERR_FILENO) < 0 || dup2(quiet, STDOUT_FILENO) < 0)
            _exit(1);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        alarm(TRIAL_S);
        if (hwloc_topology_init(&topology))
            _exit(1);
        choose_objects(topology);
        if (hwloc_topology_set_xmlbuffer(topology, text, (int)length + 1) ||
            hwloc_topology_load(topology))
            _exit(1);
        hwloc_topology_check(topology); /* aborts */
        _exit(0);
    }
    if (child < 0)
        return false;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int load_xml(hwloc_topology_t topology, const char *path, struct tr_err *reterr) {
    char *text = NULL;
    size_t length = 0;
    const char *what = NULL;
    int code = tr_file_read(path, MAX_XML_BYTES, &text, &length, reterr);
    if (code)
        return code;
    size_t line = tr_xml_fault(text, &what);
    if (line)
        code = tr_err_set(reterr, TR_EFORMAT, "%s: line %zu: %s. Expected hwloc's XML", path, line,
                          what);
    else if (!strstr(text, "<topology") || length != strlen(text))
        code = tr_err_set(reterr, TR_EFORMAT,
                          "%s: line 1: no <topology> in it. Expected the XML that lstopo and "
                          "hwloc write",
                          path);
    else if (!survives_loading(text, length) ||
             hwloc_topology_set_xmlbuffer(topology, text, (int)length + 1) ||
             hwloc_topology_load(topology))
        code =
            tr_err_set(reterr, TR_EFORMAT,
                       "%s: line %zu: hwloc %s does not take the objects in <topology>. Expected "
                       "the XML that lstopo and hwloc write",
                       path, line_of(text, strstr(text, "<topology")), HWLOC_VERSION);
    free(text);
    return code;
}

/* The product of all counts, "pack:2 core:4" = 8; levels in brackets hang beside the tree. */
static double synthetic_cpus(const char *text) {
    double product = 1;
    for (const char *at = text; (at = strchr(at, ':')) != NULL; at++) {
        const char *word = at;
        while (word > text && word[-1] != ' ' && word[-1] != '[')
            word--;
        double count = strtod(at + 1, NULL);
        if ((word == text || word[-1] != '[') && count > 1)
            product *= count;
    }
    return product;
}

static int load_synthetic(hwloc_topology_t topology, const char *text, struct tr_err *reterr) {
    if (synthetic_cpus(text) > TR_CPULIST_MAX_ID)
        return tr_err_set(reterr, TR_EFORMAT, "synthetic:%s: more than %d CPUs", text,
                          TR_CPULIST_MAX_ID);
    if (hwloc_topology_set_synthetic(topology, text) || hwloc_topology_load(topology))
        return tr_err_set(reterr, TR_EFORMAT,
                          "synthetic:%s: not a description that hwloc takes. Expected levels and "
                          "counts, for example \"synthetic:pack:2 numa:1 l3:4 core:8 pu:2\"",
                          text);
    return 0;
}

/* A copy of sysfs: hwloc takes its root from the environment alone. */
static int load_files(hwloc_topology_t topology, const char *root, struct tr_err *reterr) {
    setenv("HWLOC_FSROOT", root, 1);
    setenv("HWLOC_THISSYSTEM", "0", 1);
    setenv("HWLOC_COMPONENTS", "linux,stop", 1);
    int failed = hwloc_topology_load(topology);
    tame_environment();
    if (failed)
        return tr_err_set(reterr, TR_EFORMAT,
                          "%s/sys/devices/system/cpu: hwloc finds no CPU there. Expected a copy of "
                          "sysfs with cpu*/topology",
                          root);
    return 0;
}

static bool has_sysfs_topology(const struct tr_source *source) {
    if (!source->root)
        return false;
    char *path = tr_format("%s/sys/devices/system/cpu/cpu0/topology", source->root);
    bool has = path && access(path, F_OK) == 0;
    free(path);
    return has;
}

int tr_hwloc_load(const struct tr_source *source, hwloc_topology_t *ret_topology,
                  struct tr_err *reterr) {
    hwloc_topology_t topology = NULL;
    int code = 0;
    bool from_files = !source->live && !source->hwloc_xml && !source->synthetic;
    if (from_files && !has_sysfs_topology(source)) {
        *ret_topology = NULL;
        return 0;
    }
    tame_environment();
    if (hwloc_topology_init(&topology))
        return TR_ENOMEM;
    choose_objects(topology);
    if (source->hwloc_xml) {
        code = load_xml(topology, source->hwloc_xml, reterr);
    } else if (source->synthetic) {
        code = load_synthetic(topology, source->synthetic, reterr);
    } else if (from_files) {
        code = load_files(topology, source->root, reterr);
    } else {
#if HWLOC_API_VERSION >= 0x00020500
        /* Discovery by CPUID would bind this thread to one CPU after the other. */
        hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
#endif
        if (hwloc_topology_load(topology))
            code = tr_err_set(reterr, TR_EFAIL, "hwloc cannot read the topology of this machine");
    }
    if (code) {
        hwloc_topology_destroy(topology);
        return code;
    }
    *ret_topology = topology;
    return 0;
}

/* --- the CPU's name -------------------------------------------------------------------------- */

static int info_number(hwloc_obj_t object, const char *name) {
    const char *text = hwloc_obj_get_info_by_name(object, name);
    if (!text || !isdigit((unsigned char)*text))
        return -1;
    long value = strtol(text, NULL, 10);
    return value >= 0 && value < 4096 ? (int)value : -1;
}

static char *trimmed(const char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    return n ? strndup(text, n) : NULL;
}

static void cpu_from_hwloc(struct tr_cpu_facts *cpu, hwloc_topology_t topology) {
    hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    if (!package)
        return;
    const char *vendor = hwloc_obj_get_info_by_name(package, "CPUVendor");
    const char *model = hwloc_obj_get_info_by_name(package, "CPUModel");
    if (model && !cpu->model)
        cpu->model = trimmed(model);
    if (!vendor || cpu->vendor)
        return;
    cpu->vendor = !strcmp(vendor, "AuthenticAMD")   ? strdup("AMD")
                  : !strcmp(vendor, "GenuineIntel") ? strdup("Intel")
                                                    : trimmed(vendor);
    cpu->family = info_number(package, "CPUFamilyNumber");
    cpu->model_number = info_number(package, "CPUModelNumber");
    cpu->stepping = info_number(package, "CPUStepping");
    if (!cpu->vendor || cpu->family < 0 || cpu->model_number < 0 || cpu->uarch)
        return;
    const char *uarch =
        tr_uarch_find(cpu->vendor, cpu->family, cpu->model_number, cpu->stepping, false);
    const char *small =
        tr_uarch_find(cpu->vendor, cpu->family, cpu->model_number, cpu->stepping, true);
    cpu->uarch = uarch ? strdup(uarch) : NULL;
    /* CPUs of one kind alone share model numbers with hybrid ones. */
    if (small && hwloc_cpukinds_get_nr(topology, 0) > 1)
        cpu->uarch_efficiency = strdup(small);
}

int tr_topology_open(struct tr_machine *machine, struct tr_source *source, struct tr_err *reterr) {
    hwloc_topology_t topology = NULL;
    int code = tr_hwloc_load(source, &topology, reterr);
    if (code)
        return code;
    machine->private_data->topology = topology;
    if (topology)
        cpu_from_hwloc(&machine->cpu, topology);
    return 0;
}

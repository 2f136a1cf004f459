#include "cgroup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "strbuf.h"

/* Version 1 writes the largest number of whole pages where there is no limit. */
#define NO_LIMIT_BYTES (INT64_C(1) << 60)

/* --- small files ----------------------------------------------------------------------------- */

/* Value of a line "key number"; -1 if there is none. */
static int64_t value_of(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *line = text; line && *line;) {
        if (!strncmp(line, key, length) && line[length] == ' ') {
            char *word = strndup(line + length + 1, strcspn(line + length + 1, "\n"));
            int64_t value = -1;
            if (!word || tr_parse_int(word, 0, INT64_MAX, &value, NULL))
                value = -1;
            free(word);
            return value;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return -1;
}

static char *read_file(struct tr_source *source, const char *folder, const char *name) {
    char *path = tr_format("%s/%s", folder, name);
    char *text = path ? tr_source_read(source, path, NULL) : NULL;
    free(path);
    return text;
}

/* --- one group ------------------------------------------------------------------------------- */

static void lower(int64_t *value, int64_t candidate) {
    if (candidate >= 0 && (*value < 0 || candidate < *value))
        *value = candidate;
}

static void add_memory_limit(struct tr_cgroup_limits *limits, int64_t limit, int64_t used) {
    if (limit < 0 || limit >= NO_LIMIT_BYTES)
        return;
    lower(&limits->memory_bytes, limit);
    lower(&limits->available_bytes, used < 0 ? limit : used < limit ? limit - used : 0);
}

/* Use without the page cache, which the kernel gives back on demand. */
static int64_t used_bytes(int64_t current, const char *stat, const char *const *reclaimable) {
    if (current < 0 || !stat)
        return current;
    for (; *reclaimable; reclaimable++) {
        int64_t bytes = value_of(stat, *reclaimable);
        current -= bytes > 0 ? bytes : 0;
    }
    return current > 0 ? current : 0;
}

static void memory_v2(struct tr_source *source, const char *folder,
                      struct tr_cgroup_limits *limits) {
    static const char *const reclaimable[] = {"inactive_file", "active_file", "slab_reclaimable",
                                              NULL};
    int64_t limit = tr_source_number_in(source, folder, "memory.max");
    /* Above memory.high the kernel slows the group down: no place for a measurement. */
    lower(&limit, tr_source_number_in(source, folder, "memory.high"));
    if (limit < 0)
        return;
    char *stat = read_file(source, folder, "memory.stat");
    add_memory_limit(
        limits, limit,
        used_bytes(tr_source_number_in(source, folder, "memory.current"), stat, reclaimable));
    free(stat);
}

static void memory_v1(struct tr_source *source, const char *folder,
                      struct tr_cgroup_limits *limits) {
    static const char *const reclaimable[] = {"total_inactive_file", "total_active_file", NULL};
    int64_t limit = tr_source_number_in(source, folder, "memory.limit_in_bytes");
    if (limit < 0)
        return;
    char *stat = read_file(source, folder, "memory.stat");
    /* Tells the limits of groups above that are not visible from here. */
    if (stat)
        lower(&limit, value_of(stat, "hierarchical_memory_limit"));
    add_memory_limit(limits, limit,
                     used_bytes(tr_source_number_in(source, folder, "memory.usage_in_bytes"), stat,
                                reclaimable));
    free(stat);
}

static void lower_quota(struct tr_cgroup_limits *limits, double quota_us, double period_us) {
    if (!(quota_us > 0 && period_us > 0))
        return;
    double cpus = quota_us / period_us;
    if (isnan(limits->cpu_quota) || cpus < limits->cpu_quota)
        limits->cpu_quota = cpus;
}

static void add_throttled(struct tr_source *source, const char *folder,
                          struct tr_cgroup_limits *limits) {
    char *stat = read_file(source, folder, "cpu.stat");
    int64_t n = stat ? value_of(stat, "nr_throttled") : -1;
    if (n >= 0)
        limits->throttled = (limits->throttled < 0 ? 0 : limits->throttled) + n;
    free(stat);
}

static void cpu_v2(struct tr_source *source, const char *folder, struct tr_cgroup_limits *limits) {
    char *line = tr_source_line_in(source, folder, "cpu.max"); /* "max 100000" or "150000 100000" */
    char *blank = line ? strchr(line, ' ') : NULL;
    double quota_us, period_us = 100000;
    if (blank) {
        *blank = '\0';
        if (tr_parse_double(blank + 1, 1, 1e12, &period_us, NULL))
            period_us = 100000;
    }
    if (line && tr_parse_double(line, 1, 1e15, &quota_us, NULL) == 0)
        lower_quota(limits, quota_us, period_us);
    free(line);
    add_throttled(source, folder, limits);
}

static void cpu_v1(struct tr_source *source, const char *folder, struct tr_cgroup_limits *limits) {
    /* -1 = no quota, which read_number cannot tell from "unknown": the same here. */
    int64_t quota_us = tr_source_number_in(source, folder, "cpu.cfs_quota_us");
    int64_t period_us = tr_source_number_in(source, folder, "cpu.cfs_period_us");
    lower_quota(limits, (double)quota_us, (double)period_us);
    add_throttled(source, folder, limits);
}

/* --- the way to the root --------------------------------------------------------------------- */

typedef void (*read_fn)(struct tr_source *source, const char *folder,
                        struct tr_cgroup_limits *limits);

/* From <mount><path> up to <mount>. */
static void walk(struct tr_source *source, const char *mount, const char *path, read_fn read,
                 struct tr_cgroup_limits *limits) {
    char *folder = tr_format("%s%s", mount, path);
    size_t root = strlen(mount);
    while (folder) {
        size_t n = strlen(folder);
        while (n > root && folder[n - 1] == '/')
            folder[--n] = '\0';
        read(source, folder, limits);
        if (n <= root)
            break;
        *strrchr(folder, '/') = '\0';
    }
    free(folder);
}

/* Whether a comma-separated list of controllers has `name`. */
static bool has_controller(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
        if (!strncmp(at, name, length) && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

static bool is_container_path(const char *path) {
    static const char *const names[] = {"docker", "kubepods", "containerd", "libpod",
                                        "/lxc",   "crio-",    "buildkit",   "systemd-nspawn"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strstr(path, names[i]))
            return true;
    return false;
}

/* One line of /proc/self/cgroup: "4:memory:/path" (version 1) or "0::/path" (version 2). */
static void read_group(struct tr_source *source, const char *controllers, const char *path,
                       struct tr_cgroup_limits *limits) {
    limits->container = limits->container || is_container_path(path);
    if (!*controllers) {
        static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
        for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
            walk(source, mounts[i], path, memory_v2, limits);
            walk(source, mounts[i], path, cpu_v2, limits);
        }
        return;
    }
    if (has_controller(controllers, "memory"))
        walk(source, "/sys/fs/cgroup/memory", path, memory_v1, limits);
    if (has_controller(controllers, "cpu")) {
        walk(source, "/sys/fs/cgroup/cpu", path, cpu_v1, limits);
        /* Where cpu and cpuacct are one, /sys/fs/cgroup/cpu is usually a link to this; a recording
         * may have either. */
        if (isnan(limits->cpu_quota) && limits->throttled < 0)
            walk(source, "/sys/fs/cgroup/cpu,cpuacct", path, cpu_v1, limits);
    }
}

void tr_cgroup_read(struct tr_source *source, struct tr_cgroup_limits *ret_limits) {
    struct tr_cgroup_limits limits = {
        .cpu_quota = NAN, .memory_bytes = -1, .available_bytes = -1, .throttled = -1};
    char *text = tr_source_read(source, "/proc/self/cgroup", NULL);
    char *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n")) != NULL) {
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path || path[1] != '/')
            continue;
        *path++ = '\0';
        read_group(source, controllers + 1, path, &limits);
    }
    free(text);
    *ret_limits = limits;
}

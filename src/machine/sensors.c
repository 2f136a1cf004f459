#include "sensors.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hsmp.h"
#include "strbuf.h"

static double lower(double a, double b) {
    return isnan(a) || b < a ? b : a;
}

static double sum(double a, double b) {
    return isnan(a) ? b : isnan(b) ? a : a + b;
}

static double number_at(struct tr_source *source, const char *folder, const char *file,
                        double unit) {
    char *path = tr_format("%s/%s", folder, file);
    int64_t value = path ? tr_source_number(source, path) : -1;
    free(path);
    return value >= 0 ? (double)value * unit : NAN;
}

/* --- temperatures: hwmon --------------------------------------------------------------------- */

/* By the drivers' names, since numbers change from boot to boot. In order of preference. */
static const struct driver {
    const char *name;
    bool memory;
} drivers[] = {
    {"k10temp", false},     {"zenpower", false}, {"coretemp", false},
    {"cpu_thermal", false}, {"spd5118", true},   {"jc42", true},
};

static const struct driver *find_driver(const char *name) {
    for (size_t i = 0; name && i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (!strcmp(name, drivers[i].name))
            return &drivers[i];
    return NULL;
}

/* Drivers and sensors in thousandths of a degree; 0 and below or above 150 tell that none is
 * fitted.
 */
static bool is_plausible(double celsius) {
    return celsius > 0 && celsius < 150;
}

static void add_chip(struct tr_sensors *sensors, struct tr_source *source, const char *folder,
                     const struct driver *driver) {
    double *hottest = driver->memory ? &sensors->memory_celsius : &sensors->cpu_celsius;
    double *limit = driver->memory ? &sensors->memory_limit_celsius : &sensors->cpu_limit_celsius;
    const char **name = driver->memory ? &sensors->memory_sensor : &sensors->cpu_sensor;
    char **files = tr_source_list(source, folder);
    for (char **file = files; file && *file; file++) {
        int number = -1, end = 0;
        if (sscanf(*file, "temp%d_input%n", &number, &end) != 1 || (size_t)end != strlen(*file))
            continue;
        char crit[32];
        snprintf(crit, sizeof(crit), "temp%d_crit", number);
        double celsius = number_at(source, folder, *file, 1e-3);
        double critical = number_at(source, folder, crit, 1e-3);
        if (is_plausible(celsius) && !(celsius <= *hottest)) {
            *hottest = celsius;
            *name = driver->name;
        }
        if (is_plausible(critical))
            *limit = lower(*limit, critical);
    }
    tr_source_list_free(files);
}

static void read_temperatures(struct tr_sensors *sensors, struct tr_source *source) {
    char **names = tr_source_list(source, "/sys/class/hwmon");
    for (char **name = names; name && *name; name++) {
        char *folder = tr_format("/sys/class/hwmon/%s", *name);
        char *driver_name = folder ? tr_source_line_in(source, folder, "name") : NULL;
        const struct driver *driver = find_driver(driver_name);
        if (driver)
            add_chip(sensors, source, folder, driver);
        free(driver_name);
        free(folder);
    }
    tr_source_list_free(names);
}

/* --- power: powercap, HSMP ------------------------------------------------------------------- */

/* Limits of a package by their names; values in uW. */
static void add_constraints(struct tr_sensors *sensors, struct tr_source *source,
                            const char *folder) {
    for (int i = 0; i < 4; i++) {
        char file[48];
        snprintf(file, sizeof(file), "constraint_%d_name", i);
        char *name = tr_source_line_in(source, folder, file);
        snprintf(file, sizeof(file), "constraint_%d_power_limit_uw", i);
        double limit_w = number_at(source, folder, file, 1e-6);
        snprintf(file, sizeof(file), "constraint_%d_max_power_uw", i);
        double max_w = number_at(source, folder, file, 1e-6);
        if (name && limit_w > 0 && !strcmp(name, "long_term")) {
            sensors->power_limit_w = sum(sensors->power_limit_w, limit_w);
            sensors->power_limit_max_w = sum(sensors->power_limit_max_w, max_w > 0 ? max_w : NAN);
        }
        if (name && limit_w > 0 && !strcmp(name, "short_term"))
            sensors->power_short_limit_w = sum(sensors->power_short_limit_w, limit_w);
        free(name);
    }
}

/* Zones "intel-rapl:0" are packages (or the whole platform, "psys"), "intel-rapl:0:1" parts of
 * them. AMD's packages have the same names, but no limits. intel-rapl-mmio repeats the first. */
static void read_powercap(struct tr_sensors *sensors, struct tr_source *source) {
    char **names = tr_source_list(source, "/sys/class/powercap");
    for (char **zone = names; zone && *zone; zone++) {
        int number = -1, end = 0;
        if (sscanf(*zone, "intel-rapl:%d%n", &number, &end) != 1 || (*zone)[end])
            continue;
        char *folder = tr_format("/sys/class/powercap/%s", *zone);
        char *name = folder ? tr_source_line_in(source, folder, "name") : NULL;
        if (name && !strncmp(name, "package", strlen("package"))) {
            sensors->energy_j =
                sum(sensors->energy_j, number_at(source, folder, "energy_uj", 1e-6));
            sensors->energy_wrap_j = lower(sensors->energy_wrap_j,
                                           number_at(source, folder, "max_energy_range_uj", 1e-6));
            add_constraints(sensors, source, folder);
        }
        free(name);
        free(folder);
    }
    tr_source_list_free(names);
    if (sensors->power_limit_w > 0 || sensors->power_short_limit_w > 0)
        sensors->power_basis = "powercap";
}

/* HSMP's are the limits that hold; the counter of energy stays powercap's. */
static int read_hsmp(struct tr_sensors *sensors, const struct tr_machine *machine,
                     struct tr_source *source, bool again) {
    struct tr_hsmp hsmp;
    size_t bad_line;
    if (machine->cpu.vendor && !strcmp(machine->cpu.vendor, "Intel"))
        return 0;
    int code = tr_hsmp_read(source, machine->n_packages ? machine->n_packages : 1, again, &hsmp,
                            &bad_line);
    if (code || !hsmp.answered)
        return code;
    sensors->core_limit_ghz = hsmp.core_limit_ghz;
    sensors->core_limit_reason = hsmp.core_limit_reason;
    sensors->prochot = hsmp.prochot;
    if (isfinite(hsmp.power_w) || isfinite(hsmp.power_limit_w)) {
        sensors->power_w = hsmp.power_w;
        sensors->power_limit_w = hsmp.power_limit_w;
        sensors->power_limit_max_w = hsmp.power_limit_max_w;
        sensors->power_basis = "hsmp";
    }
    return 0;
}

/* --- throttling ------------------------------------------------------------------------------ */

static int64_t throttle_count(struct tr_source *source, int cpu, const char *what) {
    char *path =
        tr_format("/sys/devices/system/cpu/cpu%d/thermal_throttle/%s_throttle_count", cpu, what);
    int64_t n = path ? tr_source_number(source, path) : -1;
    free(path);
    return n;
}

static void add_count(int64_t *total, int64_t n) {
    if (n >= 0)
        *total = (*total < 0 ? 0 : *total) + n;
}

/* Each core by its first CPU, each package by the first CPU that may be used in it: the siblings
 * repeat the numbers. */
static void read_throttling(struct tr_sensors *sensors, const struct tr_machine *machine,
                            struct tr_source *source) {
    for (size_t i = 0; i < machine->n_cores; i++) {
        const struct tr_core *core = &machine->cores[i];
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = machine->cores[k].package != core->package;
        if (core->cpus.n == 0)
            continue;
        add_count(&sensors->core_throttle_events,
                  throttle_count(source, core->cpus.ids[0], "core"));
        if (first)
            add_count(&sensors->package_throttle_events,
                      throttle_count(source, core->cpus.ids[0], "package"));
    }
}

static double uncore_ghz(struct tr_source *source) {
    static const char base[] = "/sys/devices/system/cpu/intel_uncore_frequency";
    char **names = tr_source_list(source, base);
    double slowest = NAN;
    for (char **name = names; name && *name; name++) {
        char *folder = tr_format("%s/%s", base, *name);
        double ghz = folder ? number_at(source, folder, "current_freq_khz", 1e-6) : NAN;
        if (ghz > 0)
            slowest = lower(slowest, ghz);
        free(folder);
    }
    tr_source_list_free(names);
    return slowest;
}

/* --- all ------------------------------------------------------------------------------------- */

void tr_sensors_set_unknown(struct tr_sensors *sensors) {
    *sensors = (struct tr_sensors){
        .cpu_celsius = NAN,
        .cpu_limit_celsius = NAN,
        .memory_celsius = NAN,
        .memory_limit_celsius = NAN,
        .power_w = NAN,
        .power_limit_w = NAN,
        .power_short_limit_w = NAN,
        .power_limit_max_w = NAN,
        .energy_j = NAN,
        .energy_wrap_j = NAN,
        .core_limit_ghz = NAN,
        .prochot = -1,
        .uncore_ghz = NAN,
        .core_throttle_events = -1,
        .package_throttle_events = -1,
        .corrected_errors = -1,
        .uncorrected_errors = -1,
    };
}

static int read_all(const struct tr_machine *machine, bool again, struct tr_sensors *ret_sensors) {
    struct tr_source *source = &machine->private_data->source;
    struct tr_sensors sensors;
    tr_sensors_set_unknown(&sensors);
    read_temperatures(&sensors, source);
    read_powercap(&sensors, source);
    int code = read_hsmp(&sensors, machine, source, again);
    if (code)
        return code;
    read_throttling(&sensors, machine, source);
    sensors.uncore_ghz = uncore_ghz(source);
    tr_edac_errors(source, &sensors.corrected_errors, &sensors.uncorrected_errors);
    *ret_sensors = sensors;
    return 0;
}

int tr_sensors_read(const struct tr_machine *machine, struct tr_sensors *ret_sensors) {
    return read_all(machine, true, ret_sensors);
}

int tr_sensors_fill(struct tr_machine *machine) {
    const struct tr_sensors *found = &machine->sensors;
    int code = read_all(machine, false, &machine->sensors);
    if (!code && found->prochot > 0)
        code = tr_machine_note(machine, "The processor is being told that it is too hot (PROCHOT): "
                                        "it runs far below its clocks.");
    if (!code && found->cpu_celsius >= found->cpu_limit_celsius - 5)
        code = tr_machine_note(machine,
                               "The processor is at %.0f degrees Celsius, close to its limit of "
                               "%.0f: expect lower clocks.",
                               found->cpu_celsius, found->cpu_limit_celsius);
    if (!code && found->power_limit_w < 0.85 * found->power_limit_max_w)
        code = tr_machine_note(machine,
                               "The packages' power is limited to %.4g W together, %.4g W would be "
                               "possible (%s).",
                               found->power_limit_w, found->power_limit_max_w, found->power_basis);
    return code;
}

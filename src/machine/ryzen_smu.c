/* Clocks from the table of the ryzen_smu kernel module, which desktop and mobile AMD parts need:
 * they have no HSMP. The table is an array of little-endian 32-bit floats whose order differs from
 * version to version; only orders that were documented are read (MHz each):
 * Matisse by the module's own monitor program, the others by ryzen_monitor's tables of elements. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hsmp.h"

static const struct layout {
    uint32_t version;
    size_t fclk, uclk, mclk; /* numbers of elements */
} layouts[] = {
    {0x240803, 48, 50, 51},    /* Matisse */
    {0x240903, 48, 50, 51},    /* Matisse */
    {0x380804, 48, 50, 51},    /* Vermeer */
    {0x380805, 48, 50, 51},    /* Vermeer */
    {0x380904, 48, 50, 51},    /* Vermeer */
    {0x380905, 48, 50, 51},    /* Vermeer */
    {0x400005, 409, 410, 411}, /* Cezanne */
};

static uint32_t little_endian(const char *bytes) {
    const unsigned char *at = (const unsigned char *)bytes;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* NAN where the table is too short or the number cannot be such a clock: the clocks of these parts
 * lie between 400 and 3000 MHz, parked memory controllers between 200 and 400. */
static double element_ghz(const char *table, size_t length, size_t element) {
    float mhz;
    if (length < (element + 1) * sizeof(mhz))
        return NAN;
    uint32_t bits = little_endian(table + element * sizeof(mhz));
    memcpy(&mhz, &bits, sizeof(mhz));
    return mhz >= 200 && mhz <= 3000 ? (double)mhz / 1e3 : NAN;
}

void tr_ryzen_smu_read(struct tr_source *source, struct tr_ryzen_smu *ret_smu) {
    struct tr_ryzen_smu smu = {.fclk_ghz = NAN, .uclk_ghz = NAN, .mclk_ghz = NAN};
    size_t version_length = 0, length = 0;
    char **names = tr_source_list(source, "/sys/kernel/ryzen_smu_drv");
    smu.present = names && *names;
    tr_source_list_free(names);
    if (smu.present) {
        char *version =
            tr_source_read(source, "/sys/kernel/ryzen_smu_drv/pm_table_version", &version_length);
        char *table = tr_source_read(source, "/sys/kernel/ryzen_smu_drv/pm_table", &length);
        smu.readable = version && table;
        if (version && version_length >= 4)
            smu.version = little_endian(version);
        for (size_t i = 0; smu.readable && i < sizeof(layouts) / sizeof(layouts[0]); i++) {
            if (layouts[i].version != smu.version)
                continue;
            smu.fclk_ghz = element_ghz(table, length, layouts[i].fclk);
            smu.uclk_ghz = element_ghz(table, length, layouts[i].uclk);
            smu.mclk_ghz = element_ghz(table, length, layouts[i].mclk);
            smu.documented = isfinite(smu.fclk_ghz);
        }
        free(version);
        free(table);
    }
    *ret_smu = smu;
}

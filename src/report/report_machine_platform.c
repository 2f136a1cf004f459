/* A row of the catalogue; GPUs and accelerators. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report_machine.h"

static char *cores_of(const struct tr_platform *platform) {
    struct tr_strbuf line = {0};
    tr_strbuf_addf(&line, "%d", platform->cores);
    if (platform->p_cores > 0 && platform->e_cores > 0)
        tr_strbuf_addf(&line, " (%d performance, %d efficiency)", platform->p_cores,
                       platform->e_cores);
    if (platform->ccds > 0 && platform->cores_per_ccd > 0)
        tr_strbuf_addf(&line, ", %d CCD%s of %d", platform->ccds, platform->ccds == 1 ? "" : "s",
                       platform->cores_per_ccd);
    if (platform->gmi_links_per_ccd > 0)
        tr_strbuf_addf(&line, ", %d link%s each", platform->gmi_links_per_ccd,
                       platform->gmi_links_per_ccd == 1 ? "" : "s");
    if (platform->l3_mb > 0)
        tr_strbuf_addf(&line, ", L3 %g MiB", platform->l3_mb);
    return tr_strbuf_take(&line);
}

/* What is told of cores and memory is told of one package. */
static char *packages_of(const struct tr_platform *platform, int packages) {
    struct tr_strbuf line = {0};
    if (packages > 1)
        tr_strbuf_addf(&line, "%d, each as told here", packages);
    if (platform->sockets_max > 0)
        tr_strbuf_addf(&line, "%sat most %d on a board", line.length ? "; " : "",
                       platform->sockets_max);
    return tr_strbuf_take(&line);
}

static char *memory_of(const struct tr_platform *platform) {
    struct tr_strbuf line = {0};
    if (platform->mem_channels > 0)
        tr_strbuf_addf(&line, "%d channel%s of ", platform->mem_channels,
                       platform->mem_channels == 1 ? "" : "s");
    tr_strbuf_add(&line, platform->mem_type ? platform->mem_type : "unknown type");
    if (platform->max_mts > 0)
        tr_strbuf_addf(&line, ", at most %g MT/s", platform->max_mts);
    if (platform->max_memory_gb > 0)
        tr_strbuf_addf(&line, ", at most %g GB", platform->max_memory_gb);
    return tr_strbuf_take(&line);
}

static char *clocks_of(const struct tr_platform *platform) {
    const struct {
        const char *name;
        double ghz;
    } rows[] = {
        {"base", platform->base_ghz},
        {"boost", platform->boost_ghz},
        {"boost of all cores", platform->allcore_boost_ghz},
        {"efficiency cores", platform->e_boost_ghz},
        {"FCLK", platform->fclk_ghz},
    };
    struct tr_strbuf line = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].ghz > 0)
            tr_strbuf_addf(&line, "%s%s %.4g GHz", line.length ? ", " : "", rows[i].name,
                           rows[i].ghz);
    return line.length ? tr_strbuf_take(&line) : NULL;
}

/* Rows of a user may hold any text. */
static char *printable(const char *text) {
    return text ? tr_printable(text) : NULL;
}

void tr_text_platform(struct tr_text *text, const struct tr_platform *platform, int packages) {
    char *clocks = clocks_of(platform);
    if (platform->series)
        tr_text_fact(text, "series", printable(platform->series));
    if (platform->cores > 0)
        tr_text_fact(text, "cores", cores_of(platform));
    if (packages > 1 || platform->sockets_max > 0)
        tr_text_fact(text, "packages", packages_of(platform, packages));
    char *memory = memory_of(platform), *shown = printable(memory);
    free(memory);
    tr_text_fact(text, "memory", shown);
    if (clocks)
        tr_text_fact(text, "clocks", clocks);
    if (platform->pcie_lanes > 0)
        tr_text_fact(text, "PCIe",
                     platform->pcie_generation > 0
                         ? tr_format("%d lanes of generation %.1f", platform->pcie_lanes,
                                     platform->pcie_generation)
                         : tr_format("%d lanes", platform->pcie_lanes));
    if (platform->source)
        tr_text_fact(text, "learned from", printable(platform->source));
    if (platform->notes)
        tr_text_fact(text, "remark", printable(platform->notes));
}

static void add_link(struct tr_strbuf *line, const char *what, double gt_per_s, int width) {
    if (!(gt_per_s > 0) || width <= 0)
        return;
    tr_strbuf_addf(line, "%s%s %g GT/s x%d", line->length ? ", " : "", what, gt_per_s, width);
}

static char *device_text(const struct tr_device *device) {
    struct tr_strbuf line = {0}, link = {0};
    tr_strbuf_addf(&line, "%s%s%s", device->vendor ? device->vendor : "",
                   device->vendor && device->name ? " " : "", device->name ? device->name : "");
    if (!device->name)
        tr_strbuf_addf(&line, " %04x:%04x", (unsigned)device->vendor_id,
                       (unsigned)device->device_id);
    if (device->node >= 0)
        tr_strbuf_addf(&line, ", node %d", device->node);
    add_link(&link, "link now", device->link_gt_per_s, device->link_width);
    add_link(&link, "at most", device->link_max_gt_per_s, device->link_max_width);
    if (link.length)
        tr_strbuf_addf(&line, "; %s", link.text);
    if (device->link_width > 0 && device->link_max_width > device->link_width)
        tr_strbuf_add(&line, " (fewer lanes than it could use: check the slot)");
    if (device->accelerator)
        tr_strbuf_addf(&line, "; catalogue: %s", device->accelerator);
    if (device->os_names)
        tr_strbuf_addf(&line, "; %s", device->os_names);
    tr_strbuf_finish(&link);
    return tr_strbuf_take(&line);
}

void tr_text_devices(struct tr_text *text, const struct tr_machine *machine) {
    if (machine->n_devices == 0)
        return;
    tr_strbuf_add(text->out, "\n");
    tr_text_head(text, "GPUs and accelerators (PCI; a link that idles may run slower)");
    for (size_t i = 0; i < machine->n_devices; i++) {
        char *line = device_text(&machine->devices[i]);
        char *name = tr_format("%s %s", machine->devices[i].kind, machine->devices[i].bus_id);
        tr_text_fact(text, name ? name : "device", line);
        free(name);
    }
}

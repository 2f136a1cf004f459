/* GPUs and other accelerators: hwloc's PCI objects, links from sysfs, rows of
 * data/accelerators.csv. */
#include <ctype.h>
#include <hwloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv.h"
#include "data.h"
#include "parts.h"
#include "strbuf.h"

/* PCI base classes. */
enum { CLASS_DISPLAY = 0x03, CLASS_ACCELERATOR = 0x12 };

/* https://pci-ids.ucw.cz: makers of what counts here, and of what servers show a console on. */
static const struct {
    int id;
    const char *name;
    bool computes;
} vendors[] = {
    {0x10de, "NVIDIA", true},         {0x1002, "AMD", true},
    {0x8086, "Intel", true},          {0x1ed5, "Moore Threads", true},
    {0x1da3, "Habana", true},         {0x1e52, "Tenstorrent", true},
    {0x1a03, "ASPEED", false},        {0x102b, "Matrox", false},
    {0x1234, "QEMU", false},          {0x1af4, "Red Hat (virtio)", false},
    {0x1b36, "Red Hat (QXL)", false}, {0x15ad, "VMware", false},
};

static int vendor_at(int id) {
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++)
        if (vendors[i].id == id)
            return (int)i;
    return -1;
}

/* --- name to row ----------------------------------------------------------------------------- */

/* What may follow a product's name: the end, a bracket, or its memory's size. Anything else makes
 * it another product ("RTX 5090 D"). */
static bool ends_product(const char *rest) {
    if (*rest == ' ') {
        size_t digits = strspn(rest + 1, "0123456789");
        rest += digits && !strncasecmp(rest + 1 + digits, "GB", 2) ? digits + 3 : 0;
    }
    return *rest == '\0' || strchr("])/,", *rest);
}

/* The longest name of a row that stands in a device's name; heap, NULL if none. */
static char *find_accelerator(const char *name) {
    const struct tr_data *data = tr_data_find("accelerators.csv");
    struct tr_csv table = {0};
    const char *best = NULL;
    if (!name || !data || tr_csv_parse(data->text, data->length, data->name, &table, NULL))
        return NULL;
    for (size_t i = 1; i < table.n_rows; i++) {
        const char *row = tr_csv_get(&table, i, "name");
        const char *at = strcasestr(name, row);
        if (at && (at == name || !isalnum((unsigned char)at[-1])) &&
            ends_product(at + strlen(row)) && (!best || strlen(row) > strlen(best)))
            best = row;
    }
    char *found = best ? strdup(best) : NULL;
    tr_csv_finish(&table);
    return found;
}

/* --- one device ------------------------------------------------------------------------------ */

static char *sysfs_line(struct tr_source *source, const char *bus_id, const char *file) {
    char *path = tr_format("/sys/bus/pci/devices/%s/%s", bus_id, file);
    char *line = path ? tr_source_line(source, path) : NULL;
    free(path);
    return line;
}

/* "16.0 GT/s PCIe", "8"; "Unknown" and 0 lanes (no link) are unknown. */
static double sysfs_number(struct tr_source *source, const char *bus_id, const char *file) {
    char *line = sysfs_line(source, bus_id, file), *end = line;
    double value = line ? strtod(line, &end) : 0;
    bool ok = line && end != line && value > 0 && value < 1000;
    free(line);
    return ok ? value : (double)NAN;
}

static int whole(double value) {
    return isnan(value) ? -1 : (int)value;
}

static int find_node(struct tr_source *source, const char *bus_id, hwloc_topology_t topology,
                     hwloc_obj_t object) {
    char *line = sysfs_line(source, bus_id, "numa_node");
    int node = line && isdigit((unsigned char)*line) ? (int)strtol(line, NULL, 10) : -1;
    free(line);
    hwloc_obj_t parent = hwloc_get_non_io_ancestor_obj(topology, object);
    if (node < 0 && parent && parent->nodeset && hwloc_bitmap_weight(parent->nodeset) == 1)
        node = hwloc_bitmap_first(parent->nodeset);
    return node;
}

static char *os_names(hwloc_obj_t object) {
    struct tr_strbuf names = {0};
    for (hwloc_obj_t child = object->io_first_child; child; child = child->next_sibling)
        if (child->type == HWLOC_OBJ_OS_DEVICE && child->name)
            tr_strbuf_addf(&names, "%s%s", names.length ? ", " : "", child->name);
    return names.length ? tr_strbuf_take(&names) : NULL;
}

/* The driver knows its product better than the list of PCI numbers. */
static const char *name_of(hwloc_obj_t object) {
    for (hwloc_obj_t child = object->io_first_child; child; child = child->next_sibling) {
        const char *model = hwloc_obj_get_info_by_name(child, "GPUModel");
        if (model)
            return model;
    }
    const char *listed = hwloc_obj_get_info_by_name(object, "PCIDevice");
    return listed ? listed : object->name && *object->name ? object->name : NULL;
}

static int read_device(struct tr_source *source, hwloc_topology_t topology, hwloc_obj_t object,
                       struct tr_device *device) {
    const struct hwloc_pcidev_attr_s *pci = &object->attr->pcidev;
    const char *name = name_of(object), *listed = hwloc_obj_get_info_by_name(object, "PCIVendor");
    int vendor = vendor_at(pci->vendor_id);
    bool computes = vendor < 0 || vendors[vendor].computes;
    *device = (struct tr_device){.vendor_id = pci->vendor_id, .device_id = pci->device_id};
    device->bus_id =
        tr_format("%04x:%02x:%02x.%01x", (unsigned)pci->domain, pci->bus, pci->dev, pci->func);
    device->kind = strdup(pci->class_id >> 8 == CLASS_ACCELERATOR ? "accelerator"
                          : computes                              ? "GPU"
                                                                  : "display adapter");
    const char *maker = vendor >= 0 ? vendors[vendor].name : listed;
    device->vendor = maker ? strdup(maker) : NULL;
    device->name = name ? strdup(name) : NULL;
    device->accelerator = find_accelerator(name);
    device->os_names = os_names(object);
    if (!device->bus_id || !device->kind || (name && !device->name) || (maker && !device->vendor))
        return TR_ENOMEM;
    device->node = find_node(source, device->bus_id, topology, object);
    device->link_gt_per_s = sysfs_number(source, device->bus_id, "current_link_speed");
    device->link_max_gt_per_s = sysfs_number(source, device->bus_id, "max_link_speed");
    device->link_width = whole(sysfs_number(source, device->bus_id, "current_link_width"));
    device->link_max_width = whole(sysfs_number(source, device->bus_id, "max_link_width"));
    return 0;
}

static bool is_wanted(hwloc_obj_t object) {
    int base = object->attr->pcidev.class_id >> 8;
    return base == CLASS_DISPLAY || base == CLASS_ACCELERATOR;
}

int tr_devices_fill(struct tr_machine *machine, struct tr_source *source) {
    hwloc_topology_t topology = machine->private_data->topology;
    int code = 0;
    for (hwloc_obj_t object = topology ? hwloc_get_next_pcidev(topology, NULL) : NULL;
         object && !code; object = hwloc_get_next_pcidev(topology, object)) {
        if (!is_wanted(object))
            continue;
        struct tr_device *devices =
            realloc(machine->devices, (machine->n_devices + 1) * sizeof(*devices));
        if (!devices)
            return TR_ENOMEM;
        machine->devices = devices;
        code = read_device(source, topology, object, &devices[machine->n_devices++]);
    }
    return code;
}

void tr_devices_finish(struct tr_machine *machine) {
    for (size_t i = 0; i < machine->n_devices; i++) {
        struct tr_device *device = &machine->devices[i];
        free(device->kind);
        free(device->name);
        free(device->vendor);
        free(device->bus_id);
        free(device->os_names);
        free(device->accelerator);
    }
    free(machine->devices);
    machine->devices = NULL;
    machine->n_devices = 0;
}

/* The links between core dies and the memory controllers of AMD parts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "machine_limits.h"
#include "parts.h"
#include "strbuf.h"

enum { BYTES_PER_LINK = 32 }; /* read, per fabric clock */

/* GB/s = CCDs x links x bytes per link and fabric clock x fabric clock. */
struct fabric {
    double fclk_ghz;
    int ccds_per_package, links;
    double read_bytes, write_bytes; /* of one link; NAN unknown */
    const char *basis;              /* of all of them together */
    bool soft;                      /* the clock was read below the part's usual one */
};

/* CCDs of a package as the topology shows them; 0 where it does not show all: in a virtual machine,
 * a cpuset, or with packages that differ. */
static int topology_ccds(const struct tr_machine *machine) {
    size_t cpus = 0, per_package = 0;
    for (size_t i = 0; i < machine->n_packages; i++)
        cpus += machine->packages[i].cpus.n;
    if (machine->environment.virtual_machine || machine->n_l3_groups == 0 ||
        (machine->n_cpus_online >= 0 && (size_t)machine->n_cpus_online > cpus))
        return 0;
    for (size_t i = 0; i < machine->n_packages; i++) {
        size_t n = 0;
        for (size_t k = 0; k < machine->n_ccds; k++)
            n += machine->ccds[k].package == machine->packages[i].index;
        if (i > 0 && n != per_package)
            return 0;
        per_package = n;
    }
    return (int)per_package;
}

static bool find_clock(const struct tr_machine *machine, struct fabric *fabric) {
    const struct tr_platform *platform = machine->platform;
    if (machine->overrides.fclk_mhz > 0) {
        fabric->fclk_ghz = machine->overrides.fclk_mhz / 1000;
        fabric->basis = "user";
    } else if (machine->clocks.fclk_ghz > 0 && machine->clocks.fclk_basis) {
        fabric->fclk_ghz = machine->clocks.fclk_ghz;
        fabric->basis = machine->clocks.fclk_basis;
        fabric->soft = machine->clocks.fclk_may_rise;
    } else if (platform && platform->fclk_ghz > 0) {
        fabric->fclk_ghz = platform->fclk_ghz;
        fabric->basis = tr_platform_basis(platform);
    } else {
        return false;
    }
    return true;
}

static bool was_read(const char *basis) {
    return !strcmp(basis, "hsmp") || !strcmp(basis, "ryzen_smu");
}

/* Width by the catalogue: like the 8 bytes of a memory channel it belongs to the part, so it does
 * not weaken a clock that was read from this machine. A part that is not in it gets the least that
 * any part has, one link of 32 B, if the user gave its clock: that stands as the user's figure,
 * which a result may refute. */
static bool find_width(const struct tr_machine *machine, struct fabric *fabric) {
    const struct tr_platform *platform = machine->platform;
    if (platform && platform->ccd_read_bytes_per_fclk > 0) {
        fabric->links = platform->gmi_links_per_ccd > 0 ? platform->gmi_links_per_ccd : 1;
        fabric->read_bytes = platform->ccd_read_bytes_per_fclk / fabric->links;
        fabric->write_bytes = platform->ccd_write_bytes_per_fclk / fabric->links;
        const char *basis = tr_platform_basis(machine->platform);
        if (!was_read(fabric->basis) || strcmp(basis, "catalogue"))
            fabric->basis = tr_weaker_basis(fabric->basis, basis);
        return true;
    }
    if (machine->overrides.fclk_mhz > 0) {
        fabric->links = 1;
        fabric->read_bytes = BYTES_PER_LINK;
        fabric->write_bytes = NAN;
        return true;
    }
    return false;
}

static bool find_ccds(const struct tr_machine *machine, struct fabric *fabric) {
    int seen = topology_ccds(machine);
    if (machine->overrides.ccds > 0) {
        fabric->ccds_per_package = machine->overrides.ccds;
        fabric->basis = tr_weaker_basis(fabric->basis, "user");
    } else if (seen > 0) {
        fabric->ccds_per_package = seen;
    } else if (machine->platform && machine->platform->ccds > 0) {
        fabric->ccds_per_package = machine->platform->ccds;
        fabric->basis = tr_weaker_basis(fabric->basis, tr_platform_basis(machine->platform));
    } else {
        return false;
    }
    return true;
}

static int put(struct tr_machine *machine, const struct fabric *fabric, bool read,
               enum tr_place_kind kind, int index, int packages, int ccds) {
    double bytes = read ? fabric->read_bytes : fabric->write_bytes;
    struct tr_strbuf formula = {0};
    if (packages > 1)
        tr_strbuf_addf(&formula, "%d packages x ", packages);
    tr_strbuf_addf(&formula, "%d CCD%s x %d link%s x %g B x %g GHz", ccds, ccds == 1 ? "" : "s",
                   fabric->links, fabric->links == 1 ? "" : "s", bytes, fabric->fclk_ghz);
    return tr_limit_put(machine,
                        &(struct tr_limit_facts){
                            .name = read ? "fabric_read" : "fabric_write",
                            .kind = kind,
                            .index = index,
                            .value = packages * ccds * fabric->links * bytes * fabric->fclk_ghz,
                            .unit = "GB/s",
                            .basis = fabric->basis,
                            .formula = tr_strbuf_take(&formula),
                            .of_memory = true,
                            .soft = fabric->soft,
                        });
}

static int put_both(struct tr_machine *machine, const struct fabric *fabric,
                    enum tr_place_kind kind, int index, int packages, int ccds) {
    if (packages <= 0 || ccds <= 0)
        return 0;
    int code = put(machine, fabric, true, kind, index, packages, ccds);
    return code ? code : put(machine, fabric, false, kind, index, packages, ccds);
}

/* CCDs that lie in a node wholly; -1 if one lies in no single node. */
static int ccds_of_node(const struct tr_machine *machine, int node) {
    int n = 0;
    for (size_t i = 0; i < machine->n_ccds; i++) {
        if (machine->ccds[i].node < 0)
            return -1;
        n += machine->ccds[i].node == node;
    }
    return n;
}

int tr_limits_add_fabric(struct tr_machine *machine) {
    struct fabric fabric = {.fclk_ghz = NAN, .read_bytes = NAN, .write_bytes = NAN};
    int packages = tr_package_count(machine);
    /* Intel's parts have a mesh or a ring, no links of this kind. */
    if (machine->cpu.vendor && !strcmp(machine->cpu.vendor, "Intel"))
        return 0;
    if (!find_clock(machine, &fabric) || !find_width(machine, &fabric))
        return 0;
    if (!find_ccds(machine, &fabric))
        return 0;
    bool all_seen = topology_ccds(machine) == fabric.ccds_per_package;
    int code = put_both(machine, &fabric, TR_PLACE_MACHINE, 0, packages, fabric.ccds_per_package);
    for (int i = 0; i < (packages > 0 ? packages : 1) && !code; i++)
        code = put_both(machine, &fabric, TR_PLACE_PACKAGE, i, 1, fabric.ccds_per_package);
    for (size_t i = 0; i < machine->n_nodes && !code; i++) {
        const struct tr_numa_node *node = &machine->nodes[i];
        size_t machine_cpus = 0;
        for (size_t k = 0; k < machine->n_packages; k++)
            machine_cpus += machine->packages[k].cpus.n;
        if (node->cpus.n && node->cpus.n == machine_cpus)
            code = put_both(machine, &fabric, TR_PLACE_NODE, node->index, packages,
                            fabric.ccds_per_package);
        else if (all_seen)
            code = put_both(machine, &fabric, TR_PLACE_NODE, node->index, 1,
                            ccds_of_node(machine, node->index));
    }
    for (size_t i = 0; all_seen && i < machine->n_ccds && !code; i++)
        code = put_both(machine, &fabric, TR_PLACE_CCD, machine->ccds[i].index, 1, 1);
    return code;
}

/* ---- the other way round: what a measured rate says of the clock ---- */

static const double contradiction = 1.03, reached_by_one_ccd = 0.85, memory_gives = 1.2;

int tr_machine_bound_fclk(struct tr_machine *machine, int ccds, double read_gb_per_s,
                          char **ret_doubt) {
    struct fabric fabric = {.fclk_ghz = NAN, .read_bytes = NAN, .write_bytes = NAN};
    *ret_doubt = NULL;
    if (machine->environment.virtual_machine || ccds < 1 || !(read_gb_per_s > 0) ||
        (machine->cpu.vendor && !strcmp(machine->cpu.vendor, "Intel")))
        return 0;
    bool known = find_clock(machine, &fabric);
    if (!known)
        fabric.basis = "catalogue";
    const char *told_by = fabric.basis; /* the clock alone, whatever the width rests on */
    if (!find_width(machine, &fabric))
        return 0;
    double per_ghz = ccds * fabric.links * fabric.read_bytes;
    double least_ghz = read_gb_per_s / per_ghz;
    machine->clocks.fclk_at_least_ghz = fmax(machine->clocks.fclk_at_least_ghz, least_ghz);
    /* The catalogue's clock is the usual one, nobody's claim about this machine. */
    if (!known || !strcmp(told_by, "catalogue"))
        return 0;
    const struct tr_limit *dram =
        tr_limit_find(machine->limits, machine->n_limits, "dram", TR_PLACE_MACHINE, 0);
    double allowed = per_ghz * fabric.fclk_ghz;
    struct tr_strbuf text = {0};
    if (least_ghz > contradiction * fabric.fclk_ghz)
        tr_strbuf_addf(&text,
                       "%d CCD%s read %.4g GB/s, which takes a fabric clock of at least %.3f GHz; "
                       "%.3f was told (%s). Not the clock it runs at, or two links per CCD",
                       ccds, ccds == 1 ? "" : "s", read_gb_per_s, least_ghz, fabric.fclk_ghz,
                       told_by);
    else if (ccds == 1 && dram && read_gb_per_s < reached_by_one_ccd * allowed &&
             dram->value > memory_gives * allowed)
        tr_strbuf_addf(&text,
                       "One CCD read %.4g GB/s of the %.4g that a fabric clock of %.3f GHz (%s) "
                       "allows: setting not applied? Look at FCLK in the firmware's setup",
                       read_gb_per_s, allowed, fabric.fclk_ghz, fabric.basis);
    else
        return 0;
    *ret_doubt = tr_strbuf_take(&text);
    return *ret_doubt ? 0 : TR_ENOMEM;
}

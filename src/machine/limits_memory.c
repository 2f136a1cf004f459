/* What the memory gives at most: the least of its channels, their controllers and the fabric. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "machine_limits.h"
#include "strbuf.h"

/* A controller moves this much a clock (UCLK) for each 64-bit channel, either way: with the clock
 * at half of the memory's, as desktop parts run fast modules, that is what the channel itself
 * gives. */
static const double CONTROLLER_BYTES = 32;
/* Clocks are read rounded: what differs by less than this is equal, and the first one binds. */
static const double LESS = 0.9999;

/* --- controllers ----------------------------------------------------------------------------- */

int tr_limits_put_controller(struct tr_machine *machine, double packages, double channels,
                             enum tr_place_kind kind, int index) {
    const struct tr_clocks *clocks = &machine->clocks;
    struct tr_strbuf formula = {0};
    if (!(clocks->uclk_ghz > 0) || !clocks->mclk_basis)
        return 0;
    if (packages > 1)
        tr_strbuf_addf(&formula, "%g packages x ", packages);
    tr_strbuf_addf(&formula, "%g channel%s x %g B x %g GHz", channels, channels == 1 ? "" : "s",
                   CONTROLLER_BYTES, clocks->uclk_ghz);
    return tr_limit_put(machine,
                        &(struct tr_limit_facts){
                            .name = "memory_controller",
                            .kind = kind,
                            .index = index,
                            .value = packages * channels * CONTROLLER_BYTES * clocks->uclk_ghz,
                            .unit = "GB/s",
                            .basis = clocks->mclk_basis,
                            .formula = tr_strbuf_take(&formula),
                            .of_memory = true,
                            .soft = clocks->fclk_may_rise,
                        });
}

/* --- what binds ------------------------------------------------------------------------------ */

/* One of those of which the least binds. `text` has its name and value. */
struct bound {
    const char *name;
    double value; /* NAN: none */
    const char *basis;
    bool hard;
    char *text;
};

static int make_bound(const struct tr_limit *limit, struct bound *bound) {
    *bound = (struct bound){.value = NAN};
    if (!limit)
        return 0;
    bound->name = limit->name;
    bound->value = limit->value;
    bound->basis = limit->basis;
    bound->hard = limit->hard;
    bound->text = tr_format("%s %g", limit->name, limit->value);
    return bound->text ? 0 : TR_ENOMEM;
}

/* Equal parts of reads and writes take the time of both. */
static int make_mixed(const struct bound *read, const struct bound *write, struct bound *bound) {
    *bound = (struct bound){.value = NAN};
    if (isnan(read->value) || isnan(write->value))
        return 0;
    bound->value = 2 / (1 / read->value + 1 / write->value);
    bound->name = write->value < read->value ? write->name : read->name;
    bound->basis = tr_weaker_basis(read->basis, write->basis);
    bound->text = tr_format("2 / (1 / %s + 1 / %s) = %.4g", read->text, write->text, bound->value);
    return bound->text ? 0 : TR_ENOMEM;
}

/* The least of several. The others would have to be wrong too for it to be wrong: all count for
 * what it rests on. */
static int put_least(struct tr_machine *machine, const char *name, enum tr_place_kind kind,
                     int index, const struct bound *dram, const struct bound *controller,
                     const struct bound *fabric) {
    const struct bound *const bounds[] = {dram, controller, fabric};
    struct tr_limit_facts facts = {
        .name = name, .kind = kind, .index = index, .unit = "GB/s", .of_memory = true};
    struct tr_strbuf formula = {0};
    const struct bound *least = dram; /* which is always known here */
    size_t known = 0;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (isnan(bounds[i]->value))
            continue;
        tr_strbuf_addf(&formula, "%s%s", known++ ? ", " : "", bounds[i]->text);
        facts.basis = tr_weaker_basis(facts.basis, bounds[i]->basis);
        if (bounds[i]->value < LESS * least->value)
            least = bounds[i];
    }
    facts.value = least->value;
    facts.binds = least->name;
    /* The memory's own speed, told by the firmware, holds whatever clocks do. */
    facts.soft = machine->clocks.fclk_may_rise && !(least == dram && dram->hard);
    char *list = tr_strbuf_take(&formula);
    facts.formula = known > 1 && list ? tr_format("min(%s)", list) : list;
    if (known > 1)
        free(list);
    return tr_limit_put(machine, &facts);
}

/* memory_read, memory_write and memory_mixed at one place. */
static int add_memory_at(struct tr_machine *machine, enum tr_place_kind kind, int index) {
    /* A CCD has no channels of its own: it reads from all of them. */
    enum tr_place_kind from = kind == TR_PLACE_CCD ? TR_PLACE_MACHINE : kind;
    int from_index = from == kind ? index : 0;
    struct bound dram = {.value = NAN}, controller = dram, read = dram, write = dram, mixed = dram;
    const struct tr_limit *fabric = tr_limit_of(machine, "fabric_read", kind, index);
    const struct tr_limit *memory = tr_limit_of(machine, "dram", from, from_index);
    if (!memory || (kind == TR_PLACE_CCD && !fabric))
        return 0;
    int code = make_bound(memory, &dram);
    if (!code)
        code = make_bound(tr_limit_of(machine, "memory_controller", from, from_index), &controller);
    if (!code)
        code = make_bound(fabric, &read);
    if (!code)
        code = make_bound(tr_limit_of(machine, "fabric_write", kind, index), &write);
    if (!code)
        code = make_mixed(&read, &write, &mixed);
    if (!code)
        code = put_least(machine, "memory_read", kind, index, &dram, &controller, &read);
    /* Reads are known to pass a fabric, how wide writes are is not: no limit for them. */
    bool told = isnan(read.value) || isfinite(write.value);
    if (!code && told)
        code = put_least(machine, "memory_write", kind, index, &dram, &controller, &write);
    if (!code && told)
        code = put_least(machine, "memory_mixed", kind, index, &dram, &controller, &mixed);
    free(dram.text);
    free(controller.text);
    free(read.text);
    free(write.text);
    free(mixed.text);
    return code;
}

int tr_limits_add_memory(struct tr_machine *machine) {
    int packages = tr_package_count(machine);
    int code = add_memory_at(machine, TR_PLACE_MACHINE, 0);
    for (int i = 0; i < (packages > 0 ? packages : 1) && !code; i++)
        code = add_memory_at(machine, TR_PLACE_PACKAGE, i);
    for (size_t i = 0; i < machine->n_nodes && !code; i++)
        code = add_memory_at(machine, TR_PLACE_NODE, machine->nodes[i].index);
    for (size_t i = 0; i < machine->n_ccds && !code; i++)
        code = add_memory_at(machine, TR_PLACE_CCD, machine->ccds[i].index);
    return code;
}

#include "self_test.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind.h"
#include "predictions.h"
#include "session.h"
#include "table.h"

/* What one fault is run with, and what came of it. */
struct trial {
    struct tr_machine *machine;
    struct tr_plan plan;
    struct tr_run_options run;
    struct tr_calibration *calibration; /* NULL if nothing came */
    int code;
    struct tr_err err;
};

struct fault {
    const char *name, *what;
    /* Puts the fault in. A reason in words where it cannot be produced here, else NULL. */
    const char *(*inject)(struct trial *trial);
    /* Whether the outcome tells of it, and in which words. */
    bool (*noticed)(const struct trial *trial, const char **ret_how);
};

static bool has_flag(const struct trial *trial, const char *flag) {
    for (size_t i = 0; trial->calibration && i < trial->calibration->n_measurements; i++)
        if (tr_strings_has(&trial->calibration->measurements[i].flags, flag))
            return true;
    return false;
}

/* ---- no fault: nothing may be reported that is not there ---- */

static const char *inject_none(struct trial *trial) {
    (void)trial;
    return NULL;
}

static bool is_clean(const struct trial *trial, const char **ret_how) {
    *ret_how = "no fault is reported";
    return trial->calibration && trial->calibration->n_measurements && trial->code != TR_EFAIL &&
           !has_flag(trial, "not_pinned") && !has_flag(trial, "migrated") &&
           !has_flag(trial, "misplaced") &&
           (trial->plan.memory_bound || !has_flag(trial, "small_working_set"));
}

/* ---- a thread on another core than it was bound to ---- */

static const char *inject_wrong_core(struct trial *trial) {
    trial->run.fault.wrong_core = true;
    return trial->machine->allowed_cpus.n < 2 ? "one CPU: there is no wrong one" : NULL;
}

static bool wrong_core_noticed(const struct trial *trial, const char **ret_how) {
    *ret_how = has_flag(trial, "migrated") ? "flag migrated" : "flag not_pinned";
    return has_flag(trial, "migrated") || has_flag(trial, "not_pinned");
}

/* ---- memory on another node than intended ---- */

static const char *inject_wrong_node(struct trial *trial) {
    const struct tr_machine *machine = trial->machine;
    int meant = trial->plan.groups[0].crew.memory_nodes[0];
    for (size_t i = 0; i < machine->n_nodes; i++)
        if (machine->nodes[i].index != meant && machine->nodes[i].memory_bytes > 0) {
            trial->run.fault.misplaced_node = machine->nodes[i].index + 1;
            return NULL;
        }
    return "one node with memory: there is no wrong one";
}

static bool wrong_node_noticed(const struct trial *trial, const char **ret_how) {
    *ret_how = "flag misplaced";
    return has_flag(trial, "misplaced");
}

/* ---- a working set that the caches hold ---- */

static const char *inject_small_buffer(struct trial *trial) {
    for (size_t i = 0; i < trial->plan.groups[0].n_steps; i++)
        trial->plan.groups[0].steps[i].slice_bytes = tr_slice_round(65536);
    return NULL;
}

static bool small_buffer_noticed(const struct trial *trial, const char **ret_how) {
    *ret_how = "flag small_working_set";
    return has_flag(trial, "small_working_set");
}

/* ---- a kernel that does half of its work ---- */

static void half_of_the_work(struct tr_kargs *args) {
    struct tr_kargs part = *args;
    part.n /= 2;
    tr_kernel_find("read_plain", "scalar")->function(&part);
    args->sum = part.sum;
}

static struct tr_kernel lazy_kernel(void) {
    struct tr_kernel kernel = *tr_kernel_find("read_plain", "scalar");
    kernel.function = half_of_the_work;
    return kernel;
}

static bool lazy_kernel_noticed(const struct trial *trial, const char **ret_how) {
    *ret_how = "the result differs from the reference: no figure";
    return trial->code == TR_EFAIL && trial->calibration && !trial->calibration->n_measurements;
}

/* ---- another program on the same core ---- */

static bool neighbour_noticed(const struct trial *trial, const char **ret_how) {
    *ret_how = "flag disturbed";
    return has_flag(trial, "disturbed");
}

/* A process that spins on the CPU until it is killed, or until this one is gone. -1 on failure. */
static pid_t start_neighbour(const struct tr_machine *machine, int cpu) {
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || tr_bind_thread(machine, cpu, NULL))
        _exit(1);
    for (volatile unsigned turn = 0;; turn++)
        ;
}

static const struct fault faults[] = {
    {"none", "no fault at all", inject_none, is_clean},
    {"wrong-core", "a thread moved to a core not its own", inject_wrong_core, wrong_core_noticed},
    {"wrong-node", "buffers on another node than intended", inject_wrong_node, wrong_node_noticed},
    {"small-buffer", "a working set that fits into the caches", inject_small_buffer,
     small_buffer_noticed},
    {"work-left-out", "a kernel that does half of its work", inject_none, lazy_kernel_noticed},
    {"busy-neighbour", "another program on the same core", inject_none, neighbour_noticed},
};
enum { N_FAULTS = sizeof(faults) / sizeof(faults[0]), LAZY = 4, NEIGHBOUR = 5 };

static int prepare(struct trial *trial, const struct tr_machine_options *machine,
                   struct tr_err *reterr) {
    static const char *const names[] = {"read_plain"};
    const struct tr_plan_options options = {
        .kernels = names, .n_kernels = 1, .isa_cap = TR_ISA_SCALAR, .seconds = 1};
    struct tr_strings notes = {0};
    int code = tr_machine_load(machine, &trial->machine, reterr);
    if (!code)
        code = tr_plan_make(trial->machine, &options, &notes, &trial->plan, reterr);
    tr_strings_finish(&notes);
    trial->run = (struct tr_run_options){.min_samples = 9, .stop = tr_stop_flag()};
    return code;
}

static void finish(struct trial *trial) {
    tr_calibration_destroy(trial->calibration);
    tr_plan_finish(&trial->plan);
    tr_machine_destroy(trial->machine);
}

/* One fault, from the machine to the finished calibration. *ret_skipped is a reason or NULL. */
static int try_fault(size_t which, const struct tr_machine_options *machine, bool *ret_noticed,
                     const char **ret_why, bool *ret_skipped, struct tr_err *reterr) {
    struct trial trial = {0};
    struct tr_kernel lazy = lazy_kernel();
    pid_t neighbour = 0;
    int code = prepare(&trial, machine, reterr);
    if (code)
        goto out;
    *ret_why = faults[which].inject(&trial);
    *ret_skipped = *ret_why != NULL;
    if (*ret_skipped)
        goto out;
    if (which == LAZY)
        for (size_t g = 0; g < trial.plan.n_groups; g++)
            trial.plan.groups[g].steps[0].kernel = &lazy;
    if (which == NEIGHBOUR)
        neighbour = start_neighbour(trial.machine, trial.plan.groups[0].crew.cpus[0]);
    if (neighbour < 0) {
        code = tr_err_set(reterr, TR_EFAIL, "no second process can be started");
        goto out;
    }
    code = tr_calibration_create(&trial.calibration);
    if (code)
        goto out;
    trial.code = tr_measure(trial.machine, &trial.plan, &trial.run, trial.calibration, &trial.err);
    if (trial.code == TR_ESTOPPED || trial.code == TR_ENOMEM) {
        code = trial.code;
        *reterr = trial.err;
    }
    *ret_noticed = faults[which].noticed(&trial, ret_why);
out:
    if (neighbour > 0) {
        kill(neighbour, SIGKILL);
        waitpid(neighbour, NULL, 0);
    }
    finish(&trial);
    return code;
}

struct outcome {
    const char *verdict[N_FAULTS], *why[N_FAULTS];
};

static int render(const char *format, const struct tr_term *term, const void *data,
                  struct tr_strbuf *out, struct tr_err *reterr) {
    const struct outcome *outcome = data;
    (void)term;
    (void)reterr;
    if (!strcmp(format, "json")) {
        json_t *results = json_array();
        json_t *document =
            json_pack("{s:s, s:o}", "schema", "tokenroof.self-test/1", "results", results);
        for (size_t i = 0; document && i < N_FAULTS; i++)
            json_array_append_new(results,
                                  json_pack("{s:s, s:s, s:n, s:n, s:n, s:n, s:s}", "name",
                                            faults[i].name, "verdict", outcome->verdict[i], "value",
                                            "unit", "low", "high", "why", outcome->why[i]));
        int code = document ? tr_json_print(document, out) : TR_ENOMEM;
        json_decref(document);
        return code;
    }
    struct tr_table table;
    tr_table_init(&table, "lll");
    for (size_t i = 0; i < N_FAULTS; i++) {
        tr_table_add(&table, outcome->verdict[i]);
        tr_table_add(&table, faults[i].what);
        tr_table_add(&table, outcome->why[i]);
    }
    tr_table_write(&table, 0, out);
    int code = table.failed ? TR_ENOMEM : 0;
    tr_table_finish(&table);
    return code;
}

int tr_self_test(const struct tr_output_options *output, const struct tr_machine_options *machine,
                 struct tr_err *reterr) {
    struct outcome outcome = {{0}, {0}};
    const char *missed = NULL;
    for (size_t i = 0; i < N_FAULTS; i++) {
        bool noticed = false, skipped = false;
        int code = try_fault(i, machine, &noticed, &outcome.why[i], &skipped, reterr);
        if (code)
            return code;
        outcome.verdict[i] = skipped ? "skipped" : noticed ? "pass" : "fail";
        if (!skipped && !noticed) {
            outcome.why[i] = "not reported";
            missed = faults[i].what;
        }
        tr_note(output, "%zu of %d: %s", i + 1, N_FAULTS, faults[i].what);
    }
    int code = tr_output_write(output, "text", render, &outcome, reterr);
    if (code || !missed)
        return code;
    return tr_err_set(reterr, TR_EFAIL,
                      "self-test: %s: not handled as it must be. Figures of this machine cannot be "
                      "trusted until that is understood",
                      missed);
}

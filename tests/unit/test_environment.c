#include "machines.h"

#define GIB (INT64_C(1) << 30)
#define MEM_AVAILABLE (INT64_C(12000000) * 1024)

static void without_cgroup(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("environment/none");
    const struct tr_environment *found = &machine->environment;
    assert_true(isnan(found->cpu_quota));
    assert_int_equal(found->memory_limit_bytes, -1);
    assert_int_equal(found->memory_available_bytes, MEM_AVAILABLE);
    assert_near(found->load_average, 0.25, 1e-9);
    assert_false(found->container);
    assert_false(found->virtual_machine);
    assert_null(found->hypervisor);
    tr_machine_destroy(machine);
}

/* The group above has the smaller limit, and 2 of its 3 GiB are page cache. */
static void nested_groups_of_version_2(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("environment/v2-nested");
    const struct tr_environment *found = &machine->environment;
    struct tr_activity activity;
    assert_near(found->cpu_quota, 1.5, 1e-9);
    assert_int_equal(found->memory_limit_bytes, 4 * GIB);
    assert_int_equal(found->memory_available_bytes, 3 * GIB);
    tr_activity_read(machine, &activity);
    assert_int_equal(activity.cgroup_throttled, 9);
    assert_false(found->container);
    tr_machine_destroy(machine);
}

static void no_limit_is_no_limit(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("environment/v2-max");
    const struct tr_environment *found = &machine->environment;
    assert_true(isnan(found->cpu_quota));
    assert_int_equal(found->memory_limit_bytes, -1);
    assert_int_equal(found->memory_available_bytes, MEM_AVAILABLE);
    assert_true(found->container); /* an empty /.dockerenv is enough */
    tr_machine_destroy(machine);
}

/* The path told is not below the mount, and the limit is one of a group that is out of sight. */
static void version_1_in_a_container(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("environment/v1-limited");
    const struct tr_environment *found = &machine->environment;
    struct tr_activity activity;
    assert_near(found->cpu_quota, 0.5, 1e-9);
    assert_int_equal(found->memory_limit_bytes, 2 * GIB);
    assert_int_equal(found->memory_available_bytes, 2 * GIB - 256 * (INT64_C(1) << 20));
    assert_true(found->container);
    tr_activity_read(machine, &activity);
    assert_int_equal(activity.cgroup_throttled, 3);
    tr_machine_destroy(machine);
}

static void virtual_machines(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from_data("environment/virtual");
    assert_true(machine->environment.virtual_machine);
    assert_string_equal(machine->environment.hypervisor, "QEMU");
    tr_machine_destroy(machine);
    machine = machine_from_data("environment/metal");
    assert_false(machine->environment.virtual_machine);
    assert_int_equal(machine->settings.boost, 0); /* no_turbo is 1 */
    tr_machine_destroy(machine);
}

static void activity(void **state) {
    (void)state;
    struct tr_activity found;
    double tick_s = 1.0 / (double)sysconf(_SC_CLK_TCK);
    struct tr_machine *machine = machine_from_data("environment/none");
    tr_activity_read(machine, &found);
    assert_near(found.steal_s, 80 * tick_s, 1e-9);
    assert_near(found.busy_s, 530 * tick_s, 1e-9);
    assert_near(found.total_s, 5700 * tick_s, 1e-9);
    assert_int_equal(found.throttle_events, -1);
    assert_int_equal(found.cgroup_throttled, -1);
    tr_machine_destroy(machine);
    /* With a topology only CPUs that may be used count: here all four, of which two are there. */
    machine = machine_from_data("environment/throttled");
    tr_activity_read(machine, &found);
    assert_int_equal(found.throttle_events, 14);
    assert_near(found.steal_s, 80 * tick_s, 1e-9);
    tr_machine_destroy(machine);
}

static void this_machine(void **state) {
    (void)state;
    struct tr_machine *machine = machine_from(NULL, NULL);
    struct tr_environment again;
    struct tr_activity first, second;
    volatile double sum = 0;
    assert_int_equal(tr_environment_read(machine, &again), 0);
    assert_true(again.memory_available_bytes > 0);
    assert_true(again.load_average >= 0);
    assert_int_equal(again.virtual_machine, machine->environment.virtual_machine);
    tr_environment_finish(&again);
    tr_activity_read(machine, &first);
    for (int i = 0; i < 30000000; i++)
        sum += i;
    tr_activity_read(machine, &second);
    assert_true(second.total_s >= first.total_s);
    assert_true(second.busy_s >= first.busy_s);
    assert_true(second.total_s > 0);
    tr_machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_cgroup),       cmocka_unit_test(nested_groups_of_version_2),
        cmocka_unit_test(no_limit_is_no_limit), cmocka_unit_test(version_1_in_a_container),
        cmocka_unit_test(virtual_machines),     cmocka_unit_test(activity),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

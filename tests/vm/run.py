#!/usr/bin/env python3
"""Boots emulated machines and checks what the program finds there: run.py PROGRAM KERNEL_FOLDER

Speeds in there mean nothing and are not looked at: the emulator shares the host with others, so a
figure may also be marked as unsteady. What is checked is what the machine is, where threads run,
where memory lies, and what is said of it. Output is TAP, what differs goes to stderr; the status is
77 where QEMU, busybox, cpio or a kernel cannot be had.
"""
import base64
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import traceback

import guest
import machine

TIMEOUT_S = 150
SMALL = "--kernel read_plain --size 16MiB --time 0.3 --json"

# Where the threads and the pages of a running measurement are, as the kernel sees them.
WATCH = f"""tokenroof measure --place node:2 {SMALL.replace("0.3", "1.5")} >/tmp/watched &
program=$!
for try in $(seq 100); do
    grep -q bind:2 /proc/$program/numa_maps && break
    sleep 0.05
done
sleep 0.3
grep bind: /proc/$program/numa_maps
for task in /proc/$program/task/*; do
    echo "cpu $(cut -d ' ' -f 39 $task/stat) $(grep Cpus_allowed_list $task/status)"
done
wait $program || [ $? = 4 ]
"""
ENTER = """echo '+cpuset +memory' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/box
echo 2-3 >/sys/fs/cgroup/box/cpuset.cpus
echo 1 >/sys/fs/cgroup/box/cpuset.mems
echo 256M >/sys/fs/cgroup/box/memory.max
echo $$ >/sys/fs/cgroup/box/cgroup.procs
"""
# All memory but a reserve, on all nodes; within a limit, since the emulator writes slowly.
SOAK = """echo '+memory' >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/half
echo 512M >/sys/fs/cgroup/half/memory.max
echo $$ >/sys/fs/cgroup/half/cgroup.procs
tokenroof soak --time 2s --phases memory --json --quiet
"""
# Within a limit of 256 MiB, what is left for others gets scarce while the cores compute.
SQUEEZE = """echo $$ >/sys/fs/cgroup/box/cgroup.procs
tokenroof soak --time 20s --phases memory,compute --json --quiet >/tmp/squeezed &
program=$!
record='/root/.local/share/tokenroof/*/soak/*.jsonl'
wait_for() { for try in $(seq 300); do grep -qs '"phase":"'$1 $record && break; sleep 0.1; done; }
eat() { dd if=/dev/zero of=/eaten/$1 bs=1M count=$1 2>/dev/null; }
mkdir /eaten
mount -t tmpfs eaten /eaten
wait_for memory
left=$((($(cat /sys/fs/cgroup/box/memory.max) - $(cat /sys/fs/cgroup/box/memory.current)) >> 20))
eat $((left - 45))
wait_for compute
eat 35
wait $program
status=$?
umount /eaten
cat /tmp/squeezed
exit $status
"""
SERVER_STEPS = [
    ("topology", "tokenroof topology --json"),
    ("user", "su user -c 'tokenroof topology --json'"),
    ("capture", "tokenroof topology --capture /tmp/saved >/dev/null && "
                "tar -c -z -C /tmp/saved . | base64"),
    ("nodes", f"tokenroof measure --place node {SMALL}"),
    ("far", f"tokenroof measure --cpus 0-1 --nodes 4 --threads 2 {SMALL}"),
    ("matrices", "tokenroof measure --kernel nodes --size 4MiB --time 3 --json"),
    ("watch", WATCH),
    ("soak", SOAK),
    ("offline", "echo 0 >/sys/devices/system/cpu/cpu3/online; tokenroof topology --json"),
    ("one_left", f"tokenroof measure --place node:1 {SMALL}"),
    ("online", "echo 1 >/sys/devices/system/cpu/cpu3/online"),
    ("box_topology", ENTER + "tokenroof topology --json"),
    ("box_measure", "echo $$ >/sys/fs/cgroup/box/cgroup.procs\n"
                    "tokenroof measure --kernel read_plain --threads 2 --time 0.5 --json"),
    ("squeeze", SQUEEZE),
]
# Another process on CPU 5, by its mask, while each core is measured alone.
SHARED = """taskset 20 sh -c 'while :; do :; done' &
competitor=$!
tokenroof measure --kernel places --size 8MiB --time 10 --quiet -o /tmp/shared.json
status=$?
kill $competitor
tokenroof validate --calibration /tmp/shared.json --json
[ $status = 4 ]
"""
SHARED_STEPS = [("shared", SHARED)]
DESKTOP_STEPS = [
    ("single", "tokenroof topology --json"),
    ("sse", f"tokenroof measure {SMALL}"),
    ("no_avx2", f"tokenroof measure --isa avx2 --kernel read_avx2 {SMALL}"),
]


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, expected {wanted!r}")


def expect_in(part, text, what):
    if part not in text:
        raise AssertionError(f"{what}: no {part!r} in {text!r}")


def document(results, name, statuses=(0,)):
    status, out, err = results[name]
    if status not in statuses:
        raise AssertionError(f"status {status}: {err}")
    return json.loads(out)


def found(results, name):
    return document(results, name)["machine"]


def measured(results, name):
    """The calibration; marked as untrustworthy (status 4) only for what a busy host causes."""
    calibration = document(results, name, (0, 4))
    for figure in calibration["measurements"]:
        allowed = {"unsteady", "bimodal", "disturbed", "migrated", "throttled"}
        expect(set(figure["flags"]) - allowed, set(), "flags")
        expect(figure["median"] > 0, True, "a rate")
    return calibration


# --- the server: 2 packages, 4 dies, 5 nodes ------------------------------------------------------

def packages_and_caches(results):
    m = found(results, "topology")
    expect(m["packages"], 2, "packages")
    expect([g["cpus"] for g in m["l3_groups"]], ["0-1", "2-3", "4-5", "6-7"], "L3 groups")
    expect([g["package"] for g in m["l3_groups"]], [0, 0, 1, 1], "packages of L3 groups")
    expect([g["node"] for g in m["l3_groups"]], [0, 1, 2, 3], "nodes of L3 groups")
    expect({g["l3_bytes"] for g in m["l3_groups"]}, {machine.L3_BYTES}, "L3 bytes")
    expect([c["cpus"] for c in m["cores"]], [str(i) for i in range(8)], "cores")
    expect([c["node"] for c in m["cores"]], [0, 0, 1, 1, 2, 2, 3, 3], "nodes of cores")
    expect(m["llc_bytes"], 4 * machine.L3_BYTES, "last-level caches")


def nodes_and_distances(results):
    nodes = found(results, "topology")["numa_nodes"]
    expect([n["index"] for n in nodes], list(range(6)), "nodes, in the order of their numbers")
    expect([n["cpus"] for n in nodes], machine.NODE_CPUS, "CPUs of nodes")
    expect([n["distances"] for n in nodes], machine.DISTANCES, "distances")
    for node, mib in zip(nodes, machine.NODE_MIB):
        share = node["memory_bytes"] / (mib << 20)  # the kernel keeps some for itself
        expect(0.8 < share <= 1, True, f"memory of node {node['index']} ({share:.2f} of it)")
    # Slower memory may be of several kinds, but what is five times faster is known.
    expect([n["kind"] for n in nodes], [None] * 5 + ["HBM"], "kinds of memory")


def memory_modules(results):
    memory = found(results, "topology")["memory"]
    expect(memory["basis"], "smbios", "basis")
    expect(memory["slots"], 8, "slots")
    expect(memory["channels_populated"], 4, "populated channels")
    expect(memory["channels_present"], 8, "channels")
    expect(memory["configured_mts"], 4400, "configured speed")
    expect(memory["rated_mts"], 4800, "rated speed")
    expect(memory["total_bytes"], 64 << 30, "total")
    expect([m["package"] for m in memory["modules"]], [0] * 4 + [1] * 4, "packages of modules")


def limits_are_the_hosts(results):
    limits = document(results, "topology")["limits"]
    dram = {(x["place"]["kind"], x["place"]["index"]): x for x in limits if x["name"] == "dram"}
    expect(dram["machine", 0]["value"], 140.8, "limit of the machine")  # 4 x 8 B x 4.4 GT/s
    expect(dram["package", 1]["value"], 70.4, "limit of a package")
    expect([x["name"] for x in limits if x["hard"] and "memory" in x["name"]], [], "hard limits")


def marked_as_virtual(results):
    m = found(results, "topology")
    expect(m["virtual"], True, "virtual")
    expect(m["hypervisor"], "QEMU", "hypervisor")
    expect(m["cpu"]["model"], machine.NAME, "model")
    expect(m["settings"]["nps"], None, "a partitioning that no host has")
    expect_in("not trustworthy", " ".join(m["notes"]), "notes")


def without_permission(results):
    m = found(results, "user")
    expect(m["memory"]["basis"], None, "basis")
    expect(m["memory"]["channels_populated"], None, "channels")
    expect_in("sudo", " ".join(m["notes"]), "notes")
    expect(m["packages"], 2, "packages")


def capture_and_replay(results):
    """What the guest saved is the same machine here."""
    status, out, err = results["capture"]
    expect(status, 0, err)
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="tokenroof-vm-") as folder:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(out))) as tar:
            tar.extractall(folder)
        replay = subprocess.run([program, "topology", "--json", "--machine", folder],
                                capture_output=True, text=True, check=True).stdout
    here, there = json.loads(replay), document(results, "topology")
    expect(here["limits"], there["limits"], "limits")
    for name in ("cpu", "packages", "numa_nodes", "l3_groups", "ccds", "cores", "memory", "virtual",
                 "hypervisor", "settings", "allowed_cpus", "llc_bytes"):
        expect(here["machine"][name], there["machine"][name], name)


def memory_of_each_node(results):
    calibration = measured(results, "nodes")
    places = [x["place"] for x in calibration["measurements"]]
    expect([p["index"] for p in places], [0, 1, 2, 3], "nodes")
    expect([p["cpus"] for p in places], machine.NODE_CPUS[:4], "CPUs")
    expect([p["memory_nodes"] for p in places], ["0", "1", "2", "3"], "memory")
    expect(calibration["conditions"]["pages_on_node"], 1, "share of pages on their node")
    expect(calibration["conditions"]["memory_policy"], "bound", "policy")


def memory_only_node(results):
    calibration = measured(results, "far")
    place = calibration["measurements"][0]["place"]
    expect((place["cpus"], place["memory_nodes"]), ("0-1", "4"), "place")
    expect(calibration["conditions"]["pages_on_node"], 1, "share of pages on their node")


def node_matrices(results):
    """Read rate and latency of every pair: four nodes with processors, all six with memory."""
    calibration = measured(results, "matrices")
    matrices = {m["name"]: m for m in calibration["matrices"]}
    expect(sorted(matrices), ["node_latency", "node_read"], "matrices")
    for name, unit in (("node_read", "GB/s"), ("node_latency", "ns")):
        matrix = matrices[name]
        expect((matrix["rows"], matrix["columns"], matrix["unit"]), ("node", "node", unit), name)
        expect((matrix["row_ids"], matrix["column_ids"]), (list(range(6)), list(range(6))), "nodes")
        shape = [[v is not None and v > 0 for v in row] for row in matrix["values"]]
        expect(shape, [[True] * 6] * 4 + [[False] * 6] * 2, f"cells of {name} with a figure")
    expect(calibration["conditions"]["pages_on_node"], 1, "share of pages on their node")


def where_the_kernel_sees_it(results):
    status, out, err = results["watch"]
    expect(status, 0, err)
    maps = [line.split() for line in out.splitlines() if " bind:" in line]
    pages = {}
    for fields in maps:
        expect(fields[1], "bind:2", "policy of a mapping")
        for name, n in (f.split("=") for f in fields if f[0] == "N" and f[1].isdigit()):
            pages[name] = pages.get(name, 0) + int(n)
    expect(list(pages), ["N2"], "nodes with bound pages")
    expect(pages["N2"] >= 4096, True, f"16 MiB in bound pages ({pages['N2']})")
    threads = sorted(line for line in out.splitlines() if line.startswith("cpu "))
    expect([t.split() for t in threads], [["cpu", c, "Cpus_allowed_list:", c] for c in "45"],
           "threads")


def offline_cpu(results):
    m = found(results, "offline")
    expect(m["allowed_cpus"], "0-2,4-7", "usable CPUs")
    expect(m["cpus_online"], 7, "CPUs online")
    expect(m["numa_nodes"][1]["cpus"], "2", "CPUs of node 1")
    expect_in("CPU 3 offline", " ".join(m["notes"]), "notes")
    figure = measured(results, "one_left")["measurements"][0]
    expect((figure["threads"], figure["place"]["cpus"]), (1, "2"), "threads and CPUs")


def cpuset(results):
    m = found(results, "box_topology")
    expect(m["allowed_cpus"], "2-3", "usable CPUs")
    expect(m["memory_limit_bytes"], 256 << 20, "memory limit")
    expect(m["llc_bytes"], machine.L3_BYTES, "last-level cache in reach")
    expect([n["index"] for n in m["numa_nodes"] if n["cpus"]], [1], "nodes in reach")
    expect_in("2 of 8 CPUs", " ".join(m["notes"]), "notes")


def small_memory(results):
    calibration = document(results, "box_measure", (4,))
    for figure in calibration["measurements"]:
        expect_in("small_working_set", figure["flags"], "flags")
        expect(figure["efficiency"], None, "efficiency")
        expect(figure["median"] > 0, True, "a rate")
        expect(figure["place"]["cpus"], "2-3", "CPUs")
        expect(figure["place"]["memory_nodes"], "1", "memory")
        expect(figure["working_set_bytes"] < 256 << 20, True, "within the limit")
    expect(calibration["conditions"]["memory_limit_bytes"], 256 << 20, "memory limit")


def soak_of_all_memory(results):
    """All but the reserve is written and verified, on each node its share of what is free."""
    soak = document(results, "soak")
    verdicts = {r["name"]: r["verdict"] for r in soak["results"]}
    expect((verdicts["memory"], soak["mismatch_count"]), ("pass", 0), "verdict of the memory")
    nodes = soak["nodes"]
    expect([n["node"] for n in nodes], list(range(6)), "nodes")
    shares = [n["taken_bytes"] / n["memory_bytes"] for n in nodes]
    expect(max(shares) < 2 * min(shares), True, f"shares alike ({shares})")
    for node in nodes:
        expect(node["tested_bytes"], node["taken_bytes"], f"tested of node {node['node']}")
    taken = sum(n["taken_bytes"] for n in nodes)
    expect(taken, soak["memory_bytes"], "memory")
    left = soak["available_bytes"] - soak["reserve_bytes"] - taken
    expect(0 <= left < 8 * 6 * 2 << 20, True, f"left beside the reserve ({left})")  # whole pages
    told = {r["name"]: r["value"] for r in soak["results"]}
    for node in nodes:
        share = 100 * node["tested_bytes"] / node["memory_bytes"]
        value = told[f"memory tested, node {node['node']}"]
        expect(abs(value - share) < 0.01, True, f"{value} % told, {share}")


def soak_gives_memory_back(results):
    soak = document(results, "squeeze")
    given = [note for note in soak["notes"] if "given back" in note]
    expect(1 <= len(given) <= 3, True, f"how often memory was given back ({len(given)})")
    taken = sum(n["taken_bytes"] for n in soak["nodes"])
    expect(taken < soak["memory_bytes"] * 0.9, True,
           f"kept ({taken} of {soak['memory_bytes']})")
    expect(taken > soak["memory_bytes"] * 0.6, True, f"not more than was needed ({taken})")
    expect((soak["mismatch_count"], soak["partial"]), (0, False), "mismatches, partial")


# --- eight cores, another process on one of them --------------------------------------------------

def shared_core(results):
    """The kernel's clocks tell the core's share, whatever speed the emulator had meanwhile."""
    checks = {r["name"]: r for r in document(results, "shared")["results"]}
    shared = checks["other programs on each core"]
    expect(shared["verdict"], "warn", "verdict")
    named = {int(core): int(share) for core, share in
             re.findall(r"core (\d+) \(CPUs \d+\) for (\d+)%", shared["why"])}
    expect_in(5, named, "cores named as shared")
    expect([c for c in named if c != 5 and 2 * named[c] > named[5]], [], f"others of {named}")
    expect(30 < shared["value"] < 70, True, f"its share ({shared['value']})")
    expect([n for n, r in checks.items() if r["verdict"] == "fail"], [], "failed checks")


# --- the desktop: one CPU without AVX -------------------------------------------------------------

def single_cpu(results):
    m = found(results, "single")
    expect((m["packages"], len(m["cores"]), m["allowed_cpus"]), (1, 1, "0"), "packages and cores")
    expect(m["memory"]["slots"], 1, "slots")
    expect(m["memory"]["rated_mts"], 4800, "rated speed")
    expect(m["memory"]["channels_populated"], None, "channels of a module of unknown width")


def sse_only(results):
    m = found(results, "single")
    expect(m["cpu"]["levels"]["sse2"], True, "SSE2")
    expect_in("AVX2", m["cpu"]["levels"]["avx2"], "why no AVX2")
    expect({x["isa"] for x in measured(results, "sse")["measurements"]}, {"sse2"}, "level")
    expect(results["no_avx2"][0], 3, "status where AVX2 is asked for")


SERVER_CHECKS = [packages_and_caches, nodes_and_distances, memory_modules, limits_are_the_hosts,
                 marked_as_virtual, without_permission, capture_and_replay, memory_of_each_node,
                 memory_only_node, node_matrices, where_the_kernel_sees_it, offline_cpu, cpuset,
                 small_memory, soak_of_all_memory, soak_gives_memory_back]
SHARED_CHECKS = [shared_core]
DESKTOP_CHECKS = [single_cpu, sse_only]


def check(number, function, results, console):
    try:
        function(results)
    except Exception as error:  # whatever it is, the check failed
        if isinstance(error, KeyError) and not results:
            error = f"the guest gave no results; its console ends: {console[-1500:]}"
        elif not isinstance(error, AssertionError):
            error = traceback.format_exc()
        print(f"not ok {number} - {function.__name__}", flush=True)
        print(f"{function.__name__}: {error}", file=sys.stderr)
        return False
    print(f"ok {number} - {function.__name__}", flush=True)
    return True


def main():
    program, kernel_folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    try:
        guest.find_tools()
        kernel = guest.find_kernel(kernel_folder)
    except guest.Missing as missing:
        print(f"1..0 # SKIP {missing}")
        return 77
    print(f"1..{len(SERVER_CHECKS) + len(SHARED_CHECKS) + len(DESKTOP_CHECKS)}")
    number, failed = 0, 0
    for name, made, steps, checks in (
            ("server", machine.server(), SERVER_STEPS, SERVER_CHECKS),
            ("eight cores", machine.eight_cores(), SHARED_STEPS, SHARED_CHECKS),
            ("desktop", machine.desktop(), DESKTOP_STEPS, DESKTOP_CHECKS)):
        with tempfile.TemporaryDirectory(prefix="tokenroof-vm-") as folder:
            results, console = guest.boot(folder, program, kernel, made, steps, TIMEOUT_S)
        print(f"# {name}: {console.strip().splitlines()[-1] if console.strip() else 'silent'}")
        for function in checks:
            number += 1
            failed += not check(number, function, results, console)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

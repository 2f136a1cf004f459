#!/usr/bin/env python3
"""Does `measure` keep within the memory that --dry-run prints? memory_bound.py PROGRAM

Each selection is planned, then measured; the kernel's own peak of what the process had in memory
must not be above the plan's figure. Nor far below, where buffers are most of it: a bound that is
twice as much tells nothing. TAP; what differs goes to stderr."""
import json
import os
import subprocess
import sys
import tempfile

# What is measured, and the least share of the bound that must have been used.
SELECTIONS = [
    ("three arrays in huge pages", "--kernel triad_nt --size 96MiB --pages thp --time 0.1", 0.8),
    ("three arrays in small pages", "--kernel triad_nt --size 96MiB --pages 4k --time 0.1", 0.8),
    ("a search of forms", "--kernel read --threads 1 --size 64MiB --time 0.1", 0.8),
    ("products with many vectors", "--kernel gemm_f32,gemv_f32 --size 64MiB --time 0.1", 0.7),
    ("keys and values", "--kernel attention_f16 --size 64MiB --time 0.1", 0.8),
    ("one thread's chase", "--kernel latency --size 96MiB --pages 4k --time 0.2", 0.7),
    ("a chase under load", "--kernel loaded_latency --size 96MiB --time 0.2", 0.7),
    ("pairs of cores and barriers", "--kernel core_to_core,barrier --time 0.2", 0),
    ("registers alone", "--kernel fma_f64,clock --threads 1 --time 0.2", 0),
]
# Done, or done on a busy machine; not possible here (one core).
FINE, NOT_HERE = (0, 4), 3


def peak_bytes(command):
    """Exit status and ru_maxrss of that one process."""
    with open(os.devnull, "w", encoding="utf-8") as null:
        process = subprocess.Popen(command, stdout=null, stderr=null, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024


def check(program, text, least_share):
    """Words of what is wrong, None if nothing is; and words on what was found."""
    command = [program, "measure", *text.split()]
    plan = subprocess.run([*command, "--dry-run", "--json"], capture_output=True, check=False)
    if plan.returncode == NOT_HERE:
        return None, "SKIP not possible here"
    if plan.returncode:
        return f"--dry-run: status {plan.returncode}: {plan.stderr.decode()}", ""
    bound = json.loads(plan.stdout)["memory_bytes"]
    status, peak = peak_bytes([*command, "--json"])
    found = f"{peak / 2**20:.0f} of {bound / 2**20:.0f} MiB"
    if status not in FINE:
        return f"status {status}", found
    if peak > bound:
        return f"more memory than the plan says: {found}", found
    if peak < least_share * bound:
        return f"the plan says far more memory than is used: {found}", found
    return None, found


def main():
    program = os.path.abspath(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tokenroof-memory-") as folder:
        os.environ.update(HOME=folder, XDG_DATA_HOME=os.path.join(folder, "data"), LC_ALL="C.UTF-8")
        os.chdir(folder)
        print(f"1..{len(SELECTIONS)}")
        for number, (name, text, share) in enumerate(SELECTIONS, 1):
            problem, found = check(program, text, share)
            failed += problem is not None
            print(f"{'not ok' if problem else 'ok'} {number} - {name}"
                  + (f" # {found}" if found.startswith("SKIP") else f": {found}"))
            if problem:
                print(f"{name}: {problem}", file=sys.stderr)
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Takes part of a CPU while a command runs: competitor.py CPU DUTY_PERCENT COMMAND...

A process of its own, bound to the CPU, spins for DUTY_PERCENT of each 20 ms. The status is the
command's. CPU `last` is the first one of the core of the highest that this process may use.
"""
import os
import re
import signal
import subprocess
import sys
import time

PERIOD_S = 0.02


def first_of_core(cpu):
    path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
    with open(path, encoding="ascii") as file:
        return int(re.match(r"\d+", file.read()).group())


def spin(cpu, duty):
    os.sched_setaffinity(0, {cpu})
    parent = os.getppid()
    while os.getppid() == parent:
        end = time.perf_counter() + PERIOD_S * duty
        while time.perf_counter() < end:
            pass
        if duty < 1:
            time.sleep(PERIOD_S * (1 - duty))


def main():
    cpus = os.sched_getaffinity(0)
    cpu = first_of_core(max(cpus)) if sys.argv[1] == "last" else int(sys.argv[1])
    duty = float(sys.argv[2]) / 100
    child = os.fork()
    if child == 0:
        spin(cpu, duty)
        os._exit(0)
    try:
        status = subprocess.run(sys.argv[3:], check=False).returncode
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return status


if __name__ == "__main__":
    sys.exit(main())

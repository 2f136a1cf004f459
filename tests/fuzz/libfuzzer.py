#!/usr/bin/env python3
"""Fuzzes the GGUF reader with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.

libfuzzer.py SOURCE_ROOT DATA_C SEED_WRITER FOLDER [SECONDS]

Compiles the reader with clang into FOLDER, makes the seed corpus by the tests' own generator (kept
and added to from run to run), and runs for SECONDS (default 10). Exit status 77 where clang or its
libFuzzer is missing. What it finds stays in FOLDER as crash-*, to be replayed by fuzz_gguf.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77


def compile_target(root, data_c, folder):
    """The program, or None with a reason."""
    clang = shutil.which("clang")
    if not clang:
        return None, "clang is not installed"
    target = os.path.join(folder, "libfuzzer_gguf")
    files = [f for room in ("base", "model")
             for f in sorted(glob.glob(os.path.join(root, "src", room, "*.c")))]
    files += [data_c, os.path.join(root, "tests", "fuzz", "fuzz_gguf.c")]
    if os.path.exists(target) and all(os.path.getmtime(f) < os.path.getmtime(target)
                                      for f in files):
        return target, None
    includes = [f"-I{os.path.join(root, part)}"
                for part in ("include", "src/base", "src/model", "tests/support")]
    command = [clang, "-std=c17", "-D_GNU_SOURCE", "-DTOKENROOF_LIBFUZZER", "-O1", "-g",
               "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
               *includes, *files, "-lm", "-lpthread", "-o", target]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0:
        return target, None
    if "fuzzer" in run.stderr and "cannot find" in run.stderr:
        return None, "clang's libFuzzer is not installed (libclang-rt-*-dev)"
    sys.exit(run.stderr)


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    root, data_c, writer, folder = map(os.path.abspath, sys.argv[1:5])
    seconds = sys.argv[5] if len(sys.argv) == 6 else "10"
    corpus = os.path.join(folder, "corpus")
    os.makedirs(corpus, exist_ok=True)
    target, reason = compile_target(root, data_c, folder)
    if not target:
        print(reason)
        sys.exit(SKIPPED)
    if not os.path.exists(os.path.join(corpus, "seed-0.gguf")):
        subprocess.run([writer, "--write", corpus], check=True)
    run = subprocess.run([target, f"-max_total_time={seconds}", "-max_len=65536",
                          "-print_final_stats=1", f"-artifact_prefix={folder}/", corpus],
                         capture_output=True, text=True)
    executed = re.search(r"number_of_executed_units:\s*(\d+)", run.stderr)
    peak = re.search(r"peak_rss_mb:\s*(\d+)", run.stderr)
    if run.returncode or not executed:
        sys.exit(run.stderr[-6000:])
    print(f"{executed.group(1)} inputs in {seconds} s, no finding; peak {peak.group(1)} MB; "
          f"{len(os.listdir(corpus))} files in the corpus")
    if int(executed.group(1)) < 1000:
        sys.exit("fewer than 1000 inputs: the target does not work")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""clang-tidy on every source of the project: tidy.py SOURCE_ROOT BUILD_ROOT. Output is TAP."""
import os
import re
import subprocess
import sys


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    folders = "|".join(re.escape(os.path.join(root, name)) for name in ("src", "kernels", "bench"))
    result = subprocess.run(
        ["run-clang-tidy", "-quiet", "-p", build, f"^({folders})/"],
        capture_output=True, text=True, check=False)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    problems = sorted({os.path.relpath(line, root) for line in plain.splitlines()
                       if re.match(r"/.*:\d+:\d+: (warning|error): ", line)})
    print("1..1")
    failed = bool(problems) or result.returncode != 0
    print(("not ok" if failed else "ok") + " 1 - clang-tidy finds nothing")
    for problem in problems[:60] or (result.stderr.splitlines()[-5:] if failed else []):
        print(problem, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

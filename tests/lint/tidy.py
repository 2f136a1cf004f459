#!/usr/bin/env python3
"""clang-tidy on every source of the project: tidy.py SOURCE_ROOT BUILD_ROOT. Output is TAP."""
import json
import os
import re
import subprocess
import sys
import tempfile


# Flags of gcc that clang refuses; they change how the timed loops are compiled, not what they say.
GCC_ONLY = {"-fno-tree-loop-distribute-patterns"}


def write_commands(build, folder):
    """The build's compile commands, without what clang does not know; one for each source: kernels
    are compiled for many instruction sets, and their text is the same."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    commands = list({os.path.join(entry["directory"], entry["file"]): entry
                     for entry in commands}.values())
    for entry in commands:
        words = entry["command"].split(" ")
        entry["command"] = " ".join(word for word in words if word not in GCC_ONLY)
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(commands, file)


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    folders = "|".join(re.escape(os.path.join(root, name)) for name in ("src", "kernels", "bench"))
    with tempfile.TemporaryDirectory() as folder:
        write_commands(build, folder)
        result = subprocess.run(
            ["run-clang-tidy", "-quiet", "-p", folder, f"^({folders})/"],
            capture_output=True, text=True, check=False)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    problems = sorted({line.replace(root + "/", "").replace("../", "")
                       for line in plain.splitlines()
                       if re.match(r"\S+:\d+:\d+: (warning|error): ", line)})
    print("1..1")
    failed = bool(problems) or result.returncode != 0
    print(("not ok" if failed else "ok") + " 1 - clang-tidy finds nothing")
    for problem in problems[:60] or (result.stderr.splitlines()[-5:] if failed else []):
        print(problem, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

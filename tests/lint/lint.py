#!/usr/bin/env python3
"""Checks of the sources and of the compiled code: lint.py SOURCE_ROOT BUILD_ROOT [CHECK...]

Output is TAP; the rules are those of docs/architecture.md.
"""
import os
import re
import shutil
import subprocess
import sys

import sources
from sources import ROOMS, read

# Room -> rooms whose headers it may include (its own are always allowed).
MAY_INCLUDE = {
    "kernels": set(),
    "base": set(),
    "calibration": {"base"},
    "machine": {"base", "calibration"},
    "bench": {"base", "machine", "kernels", "calibration", "measure"},
    "measure": {"base", "machine", "kernels", "calibration", "bench"},
    "soak": {"base", "machine", "kernels", "calibration", "measure"},
    "model": {"base"},
    "engine": {"base", "model", "measure"},
    "predict": {"base", "model"},
    "decide": {"base", "calibration"},
    "report": {"base", "calibration", "model", "predict"},
}
# Public headers are types of a room; some may be used where the room's inside may not.
PUBLIC_ROOM = {
    "err.h": "base", "cpulist.h": "base", "limit.h": "base", "isa.h": "base",
    "calibration.h": "calibration", "curve.h": "calibration",
    "machine.h": "machine", "platform.h": "machine", "model.h": "model", "predict.h": "predict",
    "spec.h": "predict", "measured.h": "predict",
}
PUBLIC_EXTRA = {("report", "machine.h")}

# Header pattern -> rooms that may include it.
SYSTEM_HEADERS = {
    r"hwloc.*|numa\w*\.h|papi\w*\.h": {"machine"},
    r"omp\.h": {"measure"},
    r"jansson\.h": {"calibration", "machine", "predict", "decide", "report", "cmd", "measure",
                       "bench", "engine", "soak"},
    r"sha2\.h|md5\.h": {"machine"},
    r"immintrin\.h|[a-z]mmintrin\.h": {"kernels", "measure"},  # measure: the pause instruction
}
# A leaf: no allocation, no files, no threads. <stdio.h> is for snprintf.
KERNEL_SYSTEM_HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "string.h", "stdio.h", "math.h",
                         "float.h", "immintrin.h", "emmintrin.h"}

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|"
                    r"scanf|fscanf|system|popen|alloca|tmpnam|mktemp)\s*\(")
NUMBER_PARSERS = re.compile(r"\b(sscanf|strto(?:l|ul|ll|ull|d|f|ld|imax|umax))\s*\(")
# What people write is parsed in one place, strictly. Exempt are fixed forms that machines write:
# files of the kernel, dumps, names of tensors and shards, lines of a script.
NUMBER_PARSER_FILES = re.compile(r"src/base/parse\.c|src/machine/.*|src/model/(gguf|tensor_).*|"
                                 r"bench/accuracy/engine_loop\.c")
PRINTING = re.compile(r"\b(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror|exit|_exit|"
                      r"abort|quick_exit)\s*\(")
# A child of fork() may leave by _exit() alone.
FORKING_FILES = {"src/machine/topology_load.c"}
# A program of its own, which answers in lines.
PROGRAM_FILES = {"src/engine/engine_main.c"}
ENVIRONMENT = re.compile(r"\b(secure_)?getenv\s*\(")
ENVIRONMENT_FILES = {
    "src/base/term.c",  # COLUMNS, NO_COLOR, TERM, as its header says
    "src/calibration/storage.c",  # XDG_DATA_HOME, HOME, as its header says
}

# Objects that are written at run time, each with a reason.
MUTABLE = {
    "stop_signal", "stop_time",  # src/cmd/signals.c: a signal handler reaches nothing else
    "preinit", "entry",  # src/cmd/preinit.c: written once, before main()
    "catalogue", "once",  # src/machine/catalogue.c: compiled-in tables, parsed under pthread_once
    "table", "table_once", "catalogue_once",  # src/model, src/predict: the same
}


def check_includes(root, _build):
    """rooms include only what docs/architecture.md allows"""
    owners = {}
    for path in sources.files(root, (".h", ".def")):
        owners.setdefault(os.path.basename(path), set()).add(sources.room_of(path))
    problems = []
    for path in sources.files(root, (".c", ".h", ".def")):
        room = sources.room_of(path)
        if room not in ROOMS or room == "cmd":
            continue
        for line, kind, name in sources.includes(root, path):
            if name.startswith("tokenroof/"):
                public = name.split("/", 1)[1]
                target = PUBLIC_ROOM.get(public)
                allowed = target in MAY_INCLUDE[room] | {room} or (room, public) in PUBLIC_EXTRA
                if not allowed or room == "kernels":
                    problems.append(f"{path}:{line}: {room} must not include {name}")
            elif kind == '"':
                targets = owners.get(os.path.basename(name), set())
                if targets and not targets & (MAY_INCLUDE[room] | {room}):
                    problems.append(f"{path}:{line}: {room} must not include {name}")
    return problems


def check_system_headers(root, _build):
    """third-party headers stay in their rooms; kernels and public headers are freestanding"""
    problems = []
    for path in sources.files(root, (".c", ".h", ".def")):
        room = sources.room_of(path)
        for line, kind, name in sources.includes(root, path):
            if kind != "<":
                continue
            for pattern, rooms in SYSTEM_HEADERS.items():
                if re.fullmatch(pattern, name) and room not in rooms:
                    problems.append(f"{path}:{line}: <{name}> belongs to {', '.join(rooms)}")
            if room == "kernels" and name not in KERNEL_SYSTEM_HEADERS:
                problems.append(f"{path}:{line}: kernels must not include <{name}>")
    return problems


def check_header_names(root, _build):
    """no header is called like one of the standard library (-I would put it in its place)"""
    standard = {"assert", "ctype", "errno", "fenv", "float", "limits", "locale", "math", "pthread",
                "sched", "signal", "stdio", "stdlib", "string", "time", "wchar"}
    return [path for path in sources.files(root, (".h",))
            if os.path.basename(path)[:-2] in standard]


def check_functions(root, _build):
    """no banned functions; libraries neither print nor exit nor read the environment"""
    problems = []
    for path in sources.files(root, (".c", ".h")):
        room = sources.room_of(path)
        patterns = [(BANNED, "banned")]
        if not NUMBER_PARSER_FILES.fullmatch(path):
            patterns.append((NUMBER_PARSERS, "use parse.h instead of"))
        if room not in ("cmd", "versus") and path not in FORKING_FILES | PROGRAM_FILES:
            patterns.append((PRINTING, "only src/cmd prints and exits:"))
        if room not in ("cmd", "versus") and path not in ENVIRONMENT_FILES:
            patterns.append((ENVIRONMENT, "only src/cmd reads the environment:"))
        for number, line in enumerate(sources.code_of(read(root, path)).splitlines(), 1):
            for pattern, why in patterns:
                match = pattern.search(line)
                if match:
                    problems.append(f"{path}:{number}: {why} {match.group(1) or 'getenv'}")
    return problems


def check_public_headers(root, build):
    """every public header compiles alone, as C17 and as C++"""
    folder = os.path.join(root, "include")
    problems = []
    languages = [["cc", "-std=c17", "-xc"]]
    if shutil.which("c++"):
        languages.append(["c++", "-std=c++17", "-xc++"])
    for name in sorted(os.listdir(os.path.join(folder, "tokenroof"))):
        for language in languages:
            result = subprocess.run(
                language + ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", folder,
                            "-"], input=f'#include "tokenroof/{name}"\n', text=True,
                capture_output=True, cwd=build, check=False)
            if result.returncode:
                problems.append(f"{name} ({language[0]}): {result.stderr.strip()}")
    return problems


def run_tool(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def archives(build):
    found = []
    for folder, _folders, names in os.walk(build):
        if os.sep + "tests" in folder[len(build):]:
            continue
        found += [os.path.join(folder, name) for name in names if name.endswith(".a")]
    return sorted(found)


def check_symbols(_root, build):
    """every external symbol of the libraries begins with tr_"""
    problems = []
    for path in archives(build):
        for line in run_tool("nm", "-g", "--defined-only", path).splitlines():
            parts = line.split()
            if len(parts) == 3 and not re.match(r"tr_|_?_?(asan|ubsan|odr_asan)", parts[2]):
                problems.append(f"{os.path.basename(path)}: {parts[2]}")
    return problems if archives(build) else ["no library found"]


def check_globals(_root, build):
    """no mutable globals, but for those with a reason"""
    problems = []
    for path in archives(build):
        for line in run_tool("objdump", "-t", path).splitlines():
            match = re.search(r"\sO\s+(\.bss|\.data)(?:\.\S+)?\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$",
                              line)
            if match and ".rel.ro" not in line and match.group(2).split(".")[0] not in MUTABLE:
                problems.append(f"{os.path.basename(path)}: {match.group(2)}")
    return problems


def disassembly(path):
    return run_tool("objdump", "-d", "--no-show-raw-insn", path).splitlines()


def check_wide_registers(_root, build):
    """only kernels use more than baseline registers"""
    problems = []
    for path in archives(build):
        name = os.path.basename(path)
        if name.startswith("libkernels"):
            continue
        wide = [line for line in disassembly(path) if re.search(r"%[yz]mm", line)]
        if wide:
            problems.append(f"{name}: {len(wide)} instructions, first: {wide[0].strip()}")
    return problems


def check_kernel_calls(_root, build):
    """the timed loops call neither memcpy nor memset"""
    problems, seen = [], 0
    for path in archives(build):
        name = os.path.basename(path)
        if not name.startswith("libkernels_"):
            continue
        seen += 1
        for line in run_tool("objdump", "-dr", "--no-show-raw-insn", path).splitlines():
            match = re.search(r"R_X86_64_PL\w+\s+(mem(?:cpy|set|move|cmp))", line)
            if match:
                problems.append(f"{name}: {match.group(1)}")
    return problems if seen else ["no kernel library found"]


def check_kernel_spills(_root, build):
    """kernels that only read keep their sums in registers, from pass to pass too"""
    spills, seen, sanitized = [], 0, False
    for path in archives(build):
        name, function, stores = os.path.basename(path), None, 0
        if not re.match(r"libkernels_(sse2|avx2|avx512)\.", name):
            continue
        sanitized |= "asan" in run_tool("nm", path)
        for line in disassembly(path) + ["0 <end>:"]:
            match = re.match(r"[0-9a-f]+ <(\w+)>:", line)
            if match:
                if stores >= 8:  # there are eight sums; a loaded vector may wait for its turn
                    spills.append(f"{name}: {function}: {stores} vectors are stored")
                function, stores = match.group(1), 0
            elif re.match(r"tr_k_(read|fma|dotprod)", function or ""):
                seen += 1
                stores += bool(re.search(r"\sv?mov\w+ +%[xyz]mm\d+,[^,]*\(", line))
    if sanitized:
        return []  # instrumented code keeps what it likes where it likes
    return spills if seen else ["no such kernel found"]


def innermost_loops(instructions):
    """Of (address, text) of one function: the texts of each loop that holds no other loop."""
    jumps = []
    for address, text in instructions:
        match = re.match(r"j\w+ +([0-9a-f]+) <", text)
        if match and int(match.group(1), 16) <= address:
            jumps.append((int(match.group(1), 16), address))
    inner = [(first, last) for first, last in jumps
             if not any(other != (first, last) and first <= other[0] and other[1] <= last
                        for other in jumps)]
    return [[text for address, text in instructions if first <= address <= last]
            for first, last in inner]


def check_kernel_work(_root, build):
    """the loops of the roof line do every multiply-add that their rows count"""
    problems, seen = [], 0
    for path in archives(build):
        name = os.path.basename(path)
        if not re.match(r"libkernels_(scalar|sse2|avx2|avx512)\.", name):
            continue
        if "asan" in run_tool("nm", path):
            return []  # instrumented loops look otherwise
        function, instructions = "", []
        for line in disassembly(path) + ["0 <end>:"]:
            match = re.match(r"[0-9a-f]+ <(\w+)>:", line)
            if match:
                if function.startswith("tr_k_roof_"):
                    seen += 1
                    # A body of 16; of loads multiplied with each other one for each sum.
                    least = 8 if re.match(r"tr_k_roof_1_16_(scalar|sse2|avx2)", function) else 16
                    most = max((sum(bool(re.match(r"v?(mul[sp]d|fmadd\d+pd)", text))
                                    for text in loop) for loop in innermost_loops(instructions)),
                               default=0)
                    if most < least:
                        problems.append(f"{name}: {function}: {most} multiply-adds, not {least}")
                function, instructions = match.group(1), []
            else:
                match = re.match(r" *([0-9a-f]+):\s+(\S.*)", line)
                if match:
                    instructions.append((int(match.group(1), 16), match.group(2)))
    return problems if seen else ["no such kernel found"]


def check_paths(root, build):
    """the program carries no path of the build"""
    program = os.path.join(build, "src", "cmd", "tokenroof")
    with open(program, "rb") as file:
        content = file.read()
    paths = [os.path.join(folder, top) + os.sep for folder in (root, build) for top in sources.TOPS]
    return [f"{path} is in the program" for path in paths if path.encode() in content]


def check_format(root, _build):
    """clang-format agrees"""
    if not shutil.which("clang-format"):
        return None
    files = [os.path.join(root, p) for p in sources.files(root, (".c", ".h"), tests=True)]
    result = subprocess.run(["clang-format", "--dry-run", "-Werror"] + files, capture_output=True,
                            text=True, check=False)
    lines = {line.split(":")[0] for line in result.stderr.splitlines() if " error: " in line}
    return [f"{os.path.relpath(line, root)}: run clang-format -i" for line in sorted(lines)]


def check_tables(root, _build):
    """the rooms of docs/architecture.md are the rooms of this script"""
    text = read(root, "docs/architecture.md")
    named = set(re.findall(r"^\| `(?:src/)?(\w+)/` \|", text, re.M)) - {"data"}
    return [f"room {name} is missing in one of them" for name in sorted(named ^ ROOMS)]


def check_method(root, _build):
    """docs/method.md tells of every operation of the kernels' table and of every experiment"""
    text = read(root, "docs/method.md")
    told = set(re.findall(r"`(\w+)`", text))
    for cell in re.findall(r"^\| ([^|]*) \|", text, re.M):
        told |= set(re.findall(r"\w+", cell))
    names = set(re.findall(r"^TR_OP(?:_SPARSE)?\((\w+),", read(root, "kernels/ops.def"), re.M))
    names |= set(re.findall(r"^TR_BENCH\w*\((\w+),", read(root, "bench/benches.def"), re.M))
    return [f"{name} is not in docs/method.md" for name in sorted(names - told)]


CHECKS = [check_tables, check_method, check_includes, check_system_headers, check_header_names, check_functions,
          check_public_headers,
          check_symbols, check_globals, check_wide_registers, check_kernel_calls,
          check_kernel_spills, check_kernel_work, check_paths,
          check_format]


def main():
    root, build = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    checks = [c for c in CHECKS if not sys.argv[3:] or c.__name__[6:] in sys.argv[3:]]
    print(f"1..{len(checks)}")
    failed = 0
    for number, check in enumerate(checks, 1):
        problems = check(root, build)
        what = f"{number} - {check.__name__[6:]}: {check.__doc__}"
        if problems is None:
            print(f"ok {what} # SKIP the tool is not installed")
            continue
        print(("not ok " if problems else "ok ") + what)
        failed += bool(problems)
        for problem in problems[:40]:
            print(f"{check.__name__[6:]}: {problem}", file=sys.stderr)
    for title, rows in sources.longest(root):
        print(f"# longest {title}:")
        for length, name in rows:
            print(f"#   {length:5d} {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Runs the command line cases: run.py PROGRAM CASES_FOLDER DATA_FOLDER [--update] [NAME...]

A case is a file of sections:

    --- command            lines for sh; $T is the program, $DATA the test data
    --- status             the exit status
    --- stdout             expected text (absent: anything; present and empty: nothing)
    --- stderr

Lines before the first section say what the case is about. In expected text a line `...` stands for
any number of lines, `{...}` within a line for any text. Lines may end in \\n or \\r\\n.
Each case runs in an empty folder of its own, with HOME, XDG_DATA_HOME there, and without a
terminal. `--update` writes what really came out into the sections that do not match.

Output is TAP, what differs goes to stderr.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

TIMEOUT_S = 150
SECTIONS = ("command", "status", "stdout", "stderr", "needs")


def read_case(path):
    head, sections, current = [], {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.fullmatch(r"--- (\w+)\n?", line)
            if match:
                current = match.group(1)
                if current not in SECTIONS or current in sections:
                    sys.exit(f"{path}: section '{current}' is unknown or there twice")
                sections[current] = ""
            elif current is None:
                head.append(line)
            else:
                sections[current] += line
    return "".join(head), sections


def write_case(path, head, sections):
    with open(path, "w", encoding="utf-8") as file:
        file.write(head)
        for name in SECTIONS:
            if name in sections:
                file.write(f"--- {name}\n{sections[name]}")


def pattern_of(expected):
    pieces = []
    for line in expected.splitlines():
        if line == "...":
            pieces.append(r"(?:[^\n]*\n)*?")
        else:
            parts = (re.escape(part) for part in line.split("{...}"))
            pieces.append(r"[^\n]*".join(parts) + r"\n")
    return "".join(pieces) + r"\Z"


def run_case(program, data, sections):
    with tempfile.TemporaryDirectory(prefix="tokenroof-cli-") as folder:
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": folder,
            "XDG_DATA_HOME": os.path.join(folder, "data"),
            "LC_ALL": "C.UTF-8",
            "T": program,
            "DATA": data,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "HWLOC_PLUGINS_BLACKLIST"):
            if name in os.environ:
                env[name] = os.environ[name]
        process = subprocess.Popen(
            ["sh", "-c", sections["command"]], cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, f"no end within {TIMEOUT_S} s", ""
        text = [stream.decode("utf-8", "replace").replace(folder, "$FOLDER").replace(data, "$DATA")
                .replace("\r\n", "\n") for stream in (out, err)]
        return process.returncode, text[0], text[1]


def compare(sections, status, out, err):
    """What differs, as lines for a person; nothing if all is as expected."""
    problems = []
    if status != int(sections["status"]):
        problems.append(("status", f"status {status}, expected {sections['status'].strip()}"))
    for name, text in (("stdout", out), ("stderr", err)):
        if name not in sections:
            continue
        if text and not text.endswith("\n"):
            text += "\n"
        if not re.match(pattern_of(sections[name]), text):
            problems.append((name, f"{name} differs. Expected:\n{sections[name]}Got:\n{text}"))
    return problems


def available(program, command):
    """Whether the program has this command (a case may be about one that is not built in)."""
    result = subprocess.run([program, command, "-h"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    return result.returncode == 0


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    update = "--update" in sys.argv
    program, folder, data = os.path.abspath(arguments[0]), arguments[1], os.path.abspath(arguments[2])
    names = sorted(f[:-5] for f in os.listdir(folder) if f.endswith(".case"))
    if arguments[3:]:
        names = [name for name in names if name in arguments[3:]]
    print(f"1..{len(names)}")
    failed = 0
    for number, name in enumerate(names, 1):
        path = os.path.join(folder, name + ".case")
        head, sections = read_case(path)
        needs = sections.get("needs", "").split()
        missing = [command for command in needs if not available(program, command)]
        if missing:
            print(f"ok {number} - {name} # SKIP no command {missing[0]}")
            continue
        status, out, err = run_case(program, data, sections)
        problems = compare(sections, status, out, err)
        if problems and update and status is not None:
            got = {"status": f"{status}\n", "stdout": out, "stderr": err}
            for section, _ in problems:
                sections[section] = got[section]
            write_case(path, head, sections)
            print(f"# {name}: updated {', '.join(section for section, _ in problems)}")
            problems = []
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for _, problem in problems:
            failed += 1
            print(f"{name}: {problem}", file=sys.stderr)
        sys.stdout.flush()
    sys.exit(1 if failed or not names else 0)


if __name__ == "__main__":
    main()

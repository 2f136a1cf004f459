#!/usr/bin/env python3
"""hostile_verdicts.py PROGRAM DATA_FOLDER TOOLS_FOLDER: text of files stays text in what predict,
validate, compare, tune and soak write.

Each text field of their inputs (calibrations, an expectation, a tuning record, a soak's document and
its record) and the names of the files are filled with the text of hostile.py; what they write is read
by a parser of the format. Output is TAP."""
import csv
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import hostile
from hostile import HOSTILE, Elements, Failure, check, paths, put, series, without_control

# Chosen by the program: what it does not know it refuses, or passes over.
WORDS = {"schema", "event", "record", "figure", "outcome", "verdict", "model", "boot_id", "host_id",
         "created", "at", "unit", "name", "nps", "smt"}
SOAK = {"schema": "tokenroof.soak/1", "created": "c", "boot_id": "b", "cpu_model": "m",
        "verdict": "fail", "partial": True, "seconds_run": 2.0, "memory_bytes": 1 << 30,
        "available_bytes": 1 << 31, "mismatch_count": 1, "notes": ["note"],
        "results": [{"name": f"n{word}", "verdict": word, "value": 1.0, "unit": "GB/s", "low": 1.0,
                     "high": 2.0, "why": "why"} for word in ("pass", "warn", "fail", "skip")],
        "mismatches": [{"what": "memory", "at": "a", "t_s": 1.0, "cpu": 3, "node": 0,
                        "address": "0x1", "physical": "0x2", "expected": "0x0", "found": "0x8",
                        "xor": "0x8", "bits": [3], "fault": "stored", "pattern": "zeros",
                        "isa": None, "pass": 17}],
        "seconds": [{"t_s": 1.0, "span_s": 1.0, "phase": "memory", "gb_s": 10.0}]}


def filled(document, kept=frozenset()):
    """A copy with every text but those of the fields `kept` hostile."""
    copy = json.loads(json.dumps(document))
    for where, text in list(paths(copy)):
        fields = [key for key in where if isinstance(key, str)]
        if not fields or fields[-1] not in kept:
            put(copy, where, HOSTILE + text)
    return copy


def verdict_run(bench, arguments):
    """What the program writes; a verdict may be its status."""
    result = subprocess.run([bench.program] + arguments, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False,
                            env=dict(os.environ, LC_ALL="C.UTF-8", XDG_DATA_HOME=bench.folder))
    without_control(result.stderr.decode())
    check(result.returncode in (0, 5), f"{arguments}: {result.returncode} {result.stderr.decode()}")
    return result.stdout.decode("utf-8")


def check_text(text, _):
    without_control(text)


def check_json(text, _):
    json.loads(text)


def check_jsonl(text, _):
    for line in text.strip("\n").split("\n"):
        check("record" in json.loads(line), "a line without its kind")


def check_csv(text, _):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    check(len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}, "other cells")
    for row in rows:
        for cell in row:
            without_control(cell, "")
            check(not re.match(r"[=+@]|-[^0-9]", cell), f"a formula: {cell!r}")


def check_markdown(text, bench):
    tool = bench.tool("cmark-gfm")
    without_control(text)
    parsed = subprocess.run([tool, "-e", "table", "-e", "autolink", "-e", "strikethrough", "-t",
                             "xml"], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    kinds = hostile.structure(ElementTree.fromstring(parsed))
    for kind in ("html_inline", "html_block", "link", "image", "emph", "code", "strikethrough",
                 "list", "code_block", "block_quote", "softbreak"):
        check(kind not in kinds, f"{kind}: markup of the file took effect")
    check(kinds.count("table_row") >= 1, "no table")
    heads = kinds.count("table_header")
    check(heads == len(re.findall(r"^\| ?:?--", text, re.M)), "a table is broken")


def check_html(text, _):
    parsed = Elements(text)
    check([tag for tag, _ in parsed.found].count("script") == 3, "not three scripts")
    check(not any(name.startswith("on") for _, names in parsed.found for name in names), "handlers")
    json.loads(parsed.data)


def check_prometheus(text, bench):
    check(len(series(text)) > 0, "no samples")
    result = subprocess.run([bench.tool("promtool"), "check", "metrics"], input=text.encode(),
                            check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(result.returncode == 0 and not result.stdout, result.stdout.decode())


def check_junit(text, _):
    root = ElementTree.fromstring(text)
    kinds = {"testsuite": [], "testcase": []}
    for element in root.iter():
        check(element.tag in ("testsuite", "testcase", "failure", "skipped", "system-out"),
              f"element {element.tag}")
        kinds.setdefault(element.tag, []).append(element)
        without_control("".join([element.text or "", *element.attrib.values()]))
    check(len(kinds["testcase"]) == int(root.get("tests")) > 0, "cases are missing")
    check(len(kinds.get("failure", [])) == int(root.get("failures")), "failures are missing")


def check_tap(text, _):
    without_control(text)
    lines = text.rstrip("\n").split("\n")
    check(lines[0] == "TAP version 13", lines[0])
    plan = int(re.fullmatch(r"1\.\.(\d+)", lines[1]).group(1))
    cases = [line for line in lines[2:] if not line.startswith("# ")]
    check(len(cases) == plan > 0, f"{len(cases)} cases of {plan}")
    for number, case in enumerate(cases, 1):
        match = re.fullmatch(rf"(not )?ok {number} - ((?:[^#\\]|\\.)*)( # SKIP (?:[^#\\]|\\.)*)?", case)
        check(match, f"not a case: {case}")


CHECKS = {name.removeprefix("check_"): function for name, function in globals().items()
          if name.startswith("check_")}


def all_formats(bench, arguments, formats):
    """Each format is right, and where there is room the text is in it."""
    for name in formats.split():
        text = verdict_run(bench, [*arguments, "-f", name])
        try:
            CHECKS[name](text, bench)
        except (Failure, ElementTree.ParseError, ValueError) as problem:
            raise Failure(f"{name}: {problem}") from problem
    shown = verdict_run(bench, [*arguments, "-f", "text"])
    check("<script>" in shown or "hostile" in shown, "the text is not shown")


# What predictions and verdicts look for.
SOUGHT = hostile.CLOSED | hostile.CHOOSING | {"kernel", "dtype", "isa", "variant", "host_id"}


def name_of_file(what):
    return what + re.sub(r"[/\0]", "", HOSTILE)[:200]


def test_predict(bench):
    path = bench.write(name_of_file(""), filled(bench.benign["calibration"], SOUGHT))
    all_formats(bench, ["predict", "llama-3.2-1b-q4_k_m", "--explain", "--calibration", path],
                "text json jsonl csv markdown html prometheus")
    path = bench.write("prediction", bench.hostile["predictions"][0])
    all_formats(bench, ["report", path], "text json jsonl csv markdown html prometheus")


def test_validate(bench):
    path = bench.write(name_of_file("v"), filled(bench.benign["calibration"], SOUGHT))
    expectation = {"schema": "tokenroof.expectation/1", "from": HOSTILE, "cpu_model": HOSTILE,
                   "settings": {"nps": HOSTILE, "smt": HOSTILE},
                   "figures": [{"name": HOSTILE, "unit": HOSTILE, "least": 1.0}]}
    expected = bench.write(name_of_file("e"), expectation)
    for more in ([], ["--expect", expected]):
        all_formats(bench, ["validate", "--calibration", path, "-v", *more], "text json junit tap")


def test_compare(bench):
    other = json.loads(json.dumps(bench.benign["calibration"]))
    for figure in other["measurements"]:
        figure["median"] *= 0.5
    before = bench.write(name_of_file("a"), filled(bench.benign["calibration"], SOUGHT))
    after = bench.write(name_of_file("b"), other)
    hostile_too = bench.write(name_of_file("c"), bench.hostile["calibration"])
    for files in ([before, after], [after, before], [hostile_too, hostile_too]):
        all_formats(bench, ["compare", *files, "-v", "--model", "none"], "text json junit tap")


def test_tune(bench):
    maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "make_tune.py")
    made = subprocess.run([sys.executable, maker, "rec base a1 100", "rec base a2 100.4",
                           "rec base a3 99", "rec slow b1 97", "rec slow b2 96", "rec slow b3 97",
                           "try next d1", "cut cut e1 99 3"], stdout=subprocess.PIPE, check=True)
    path = os.path.join(bench.folder, name_of_file("t"))
    with open(path, "w", encoding="utf-8") as file:
        for text in made.stdout.decode().splitlines():
            line = json.loads(text)
            line.update({"model": HOSTILE, "at": HOSTILE} if line["event"] == "session" else {})
            if "machine" in line:
                line["machine"] = {"cpu": {"model": HOSTILE + line["boot_id"]},
                                   "firmware": {"bios_version": HOSTILE + line["boot_id"]}}
            if "why" in line:
                line["why"] = HOSTILE
            line.update({"label": HOSTILE + line["label"]} if "label" in line else {})
            file.write(json.dumps(line) + "\n")
    all_formats(bench, ["tune", "show", path], "text json csv markdown")
    all_formats(bench, ["tune", "best", path], "text json csv markdown")


def test_soak(bench):
    for number, document in enumerate((filled(SOAK), filled(SOAK, WORDS), filled(SOAK, {"schema"}))):
        document.update(schema=SOAK["schema"], verdict=SOAK["verdict"])  # else no soak, and refused
        path = bench.write(name_of_file(f"s{number}"), document)
        all_formats(bench, ["soak", "--show", path], "text json jsonl csv markdown junit tap")
    document = filled(SOAK, {"schema"})
    document.update(cpu_model="- 1. item", verdict=SOAK["verdict"])
    all_formats(bench, ["soak", "--show", bench.write("list", document)], "markdown")
    path = os.path.join(bench.folder, name_of_file("record"))
    head = {"record": "soak", "schema": "tokenroof.soak-record/1", "created": HOSTILE,
            "boot_id": HOSTILE, "cpu_model": HOSTILE, "memory_bytes": 1 << 20}
    with open(path, "w", encoding="utf-8") as file:
        for line in (head, dict(filled(SOAK["mismatches"][0], {"what"}), record="mismatch"),
                     dict(SOAK["seconds"][0], record="second", phase=HOSTILE)):
            file.write(json.dumps(line) + "\n")
    all_formats(bench, ["soak", "--show", path], "text json jsonl csv markdown junit tap")


hostile.TESTS = [test_predict, test_validate, test_compare, test_tune, test_soak]
if __name__ == "__main__":
    hostile.main()

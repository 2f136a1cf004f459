#!/usr/bin/env python3
"""hostile.py PROGRAM DATA_FOLDER TOOLS_FOLDER: text of a file stays text in every format.

Each text field of a calibration with curves, matrices, memory modules and predictions is filled with
markup, quotes, control characters and formulas; what the program then writes is read by a parser of
the format, and must have the same structure as without. TOOLS_FOLDER may hold promtool, which is
fetched and not installed. Output is TAP."""
import csv
import html.parser
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HOSTILE = ("=1+1\"'`|*_<i>**</script><script>window.hostile=1</script><img src=x "
           "onerror=\"window.hostile=1\">&lt;&amp;<!-- -->\\ [a](http://example.net) "
           "http://example.net www.example.net ![b](c)\n# d\n- e\r\n\t\x1b[31m\x07{\u202eend\u2028} "
           "\\\" ]]> $x$ #1 ~~f~~ ")
# Refused, or not shown, where they hold anything else.
CLOSED = {"schema", "kind", "cpus", "memory_nodes"}
# Decide what is shown: where the structure is compared these stay as they are.
CHOOSING = {"unit", "metric", "rows", "columns", "x_unit", "created"}
CURVE = {
    "name": "latency", "kernel": "chase", "variant": "v", "isa": "scalar", "dtype": "u64",
    "place": {"kind": "core", "index": 0, "cpus": "0", "memory_nodes": "0"}, "threads": 1,
    "page_bytes": 4096, "metric": "latency", "unit": "ns", "x": "working_set_bytes",
    "x_unit": "bytes",
    "points": [{"x": 16384.0 * 4 ** i, "median": 1.0 + i, "best": 1.0, "mad": 0.1,
                "ci95": [0.9 + i, 1.1 + i], "n": 5, "core_ghz": 3.0} for i in range(6)],
    "marks": [{"name": "L1", "from": 16384.0, "to": 65536.0, "value": 1.0}],
}
MATRIX = {
    "name": "node_read", "metric": "bandwidth", "unit": "GB/s", "rows": "node", "columns": "node",
    "row_ids": [0, 1], "column_ids": [0, 1], "values": [[10.0, 5.0], [5.0, 10.0]],
    "half_widths": [[0.1, 0.1], [0.1, None]],
}
MODULE = {"locator": "DIMM 0", "bank": "BANK 0", "manufacturer": "M", "part_number": "P",
          "type": "DDR5", "size_bytes": 17179869184}


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def paths(value, path=()):
    """(path, text) of every string in a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, path + (index,))
    elif isinstance(value, str):
        yield path, value


def put(document, path, value):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


class Bench:
    def __init__(self, program, data, tools):
        self.program, self.tools = program, tools
        self.folder = tempfile.mkdtemp(prefix="tokenroof-hostile-")
        with open(os.path.join(data, "calibration", "server.json"), encoding="utf-8") as file:
            calibration = json.load(file)
        calibration["curves"] = [CURVE]
        calibration["matrices"] = [MATRIX]
        calibration["machine"]["memory"]["modules"] = [MODULE]
        calibration["conditions"]["warnings"] = ["a warning"]
        calibration["measurements"][0]["warnings"] = ["another"]
        calibration["measurements"][0]["flags"] = ["disturbed"]
        calibration["label"] = "label"
        path = self.write("benign-calibration", calibration)
        predictions = json.loads(self.run(["predict", "llama-3.2-1b-q4_k_m", "--calibration", path,
                                           "--explain", "--json"]))
        self.benign = {"calibration": calibration, "predictions": [predictions]}
        self.hostile = json.loads(json.dumps(self.benign))
        self.names = json.loads(json.dumps(self.benign))
        for where, text in list(paths(self.benign)):
            if where[-1] not in CLOSED:
                put(self.hostile, where, HOSTILE + text)
            if where[-1] not in CLOSED | CHOOSING:
                put(self.names, where, HOSTILE + text)
        self.write("benign", self.benign)
        self.write("names", self.names)
        self.write("hostile", self.hostile)

    def write(self, name, document):
        path = os.path.join(self.folder, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def run(self, arguments):
        result = subprocess.run([self.program] + arguments, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False,
                                env=dict(os.environ, LC_ALL="C.UTF-8"))
        check(result.returncode == 0, f"{arguments}: {result.stderr.decode()}")
        return result.stdout.decode("utf-8")

    def report(self, *arguments):
        """What the program prints of the benign file, of the one with hostile names, and of the one
        where every text is hostile."""
        return [self.run(["report", os.path.join(self.folder, name + ".json"), *arguments])
                for name in ("benign", "names", "hostile")]

    def tool(self, name):
        path = shutil.which(name, path=os.pathsep.join(
            [self.tools, os.environ.get("PATH", "/usr/bin:/bin")]))
        if not path:
            raise Skip(f"no {name}")
        return path


def without_control(text, allowed="\n"):
    for character in text:
        check(character in allowed or (ord(character) >= 32 and character not in "\x7f\u202e"),
              f"control character {character!r}")


def test_text(bench):
    benign, _, hostile = bench.report("-f", "text")
    without_control(hostile)
    check("<script>" in hostile, "the text is not shown")
    check(len(benign) > 500, "nothing to compare")


def test_json(bench):
    document = json.loads(bench.report("--json")[2])
    found = dict(paths(document))
    for where, text in paths(bench.hostile):
        check(found.get(where) == text, f"{where} changed")


def test_jsonl(bench):
    kinds = [[json.loads(line)["record"] for line in text.strip("\n").split("\n")]
             for text in bench.report("-f", "jsonl")]
    check(kinds[0] == kinds[1] == kinds[2] and len(kinds[0]) > 10, "other records")


def test_csv(bench):
    for part in ("calibration", "predictions"):
        rows = []
        for name in ("benign", "hostile"):
            document = getattr(bench, name)[part]
            path = bench.write(f"{name}-{part}", document if part == "calibration" else document[0])
            text = bench.run(["report", path, "-f", "csv"])
            rows.append(list(csv.reader(io.StringIO(text, newline=""))))
        check([len(row) for row in rows[0]] == [len(row) for row in rows[1]], "other cells")
        check(any("<script>" in cell for row in rows[1] for cell in row), "the text is not there")
        for row in rows[1]:
            for cell in row:
                check(not re.match(r"[=+@\t\r]|-[^0-9]", cell),
                      f"a spreadsheet takes this cell for a formula: {cell!r}")


def structure(tree):
    """Names of the elements, one after the other."""
    return [element.tag.rsplit("}", 1)[-1] for element in tree.iter()]


def test_markdown(bench):
    tool = bench.tool("cmark-gfm")
    kinds = []
    for text in bench.report("-f", "markdown"):
        parsed = subprocess.run([tool, "-e", "table", "-e", "autolink", "-e", "strikethrough",
                                 "-e", "tagfilter", "-t", "xml"], input=text.encode(),
                                stdout=subprocess.PIPE, check=True).stdout
        tree = ElementTree.fromstring(parsed)
        kinds.append([kind for kind in structure(tree) if kind not in ("text", "softbreak")])
        shown = "".join(element.text or "" for element in tree.iter())
    check(kinds[0].count("table") >= 5, f"tables: {kinds[0].count('table')}")
    check(kinds[0].count("table_row") > 20, "rows are missing")
    for kind in ("html_inline", "html_block", "link", "image", "emph", "code", "strikethrough"):
        check(kind not in kinds[2], f"{kind}: markup of the file took effect")
    check(kinds[0] == kinds[1], "another structure")
    check("<script>" in shown and "[a](http://example.net)" in shown, "the text is not shown")


class Elements(html.parser.HTMLParser):
    """Names of the elements with their attributes' names, and what the data element holds."""

    def __init__(self, text):
        super().__init__()
        self.found, self.data, self.inside = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))
        self.inside = ("id", "data") in attrs

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        self.data += data if self.inside else ""


def test_html(bench):
    parsed = [Elements(text) for text in bench.report("-f", "html")]
    check(parsed[0].found == parsed[1].found == parsed[2].found, "other elements")
    check([tag for tag, _ in parsed[0].found].count("script") == 3, "not three scripts")
    item = json.loads(parsed[2].data)["items"][0]
    found = dict(paths({key: item[key] for key in ("calibration", "predictions")}))
    for where, text in paths(bench.hostile):
        check(found.get(where) == text, f"{where} changed")


def test_svg(bench):
    charts = 0
    for name in ("efficiency", "generation", "prompt", "latency", "node_read"):
        found = []
        for file in ("benign", "names", "hostile"):
            chart = name if file == "benign" or name in ("efficiency", "generation", "prompt") \
                else HOSTILE + name
            path = os.path.join(bench.folder, file + ".json")
            if file == "hostile" and name == "efficiency":
                continue  # the figures are chosen by their metric
            root = ElementTree.fromstring(
                bench.run(["report", path, "-f", "svg", "--chart", chart]))
            found.append(structure(root))
            check(set(found[-1]) <= {"svg", "title", "style", "rect", "path", "text"},
                  f"{name}: elements {set(found[-1])}")
            for element in root.iter():
                for key, value in element.attrib.items():
                    check(not key.startswith("on") and "script" not in value, f"{name}: {key}")
        # Marks have titles, the first of all is the picture's.
        check(found[0].count("title") + found[0].count("rect") > 2, f"{name} is empty")
        # Names of plateaus that are too long are left out.
        marks = [[tag for tag in tags if tag != "text"] for tags in found]
        check(marks[0] == marks[1], f"{name}: another structure")
        charts += 1
    check(charts == 5, "charts are missing")


def series(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r'([a-z_0-9]+)(\{(?:[a-z_0-9]+="(?:[^"\\]|\\.)*",?)*\})? (\S+)', line)
            check(match, f"not a sample: {line}")
            check(line[:line.rindex(" ")] not in found, f"twice: {line}")
            found[line[:line.rindex(" ")]] = float(match.group(3))
    return found


def test_prometheus(bench):
    counts = [series(text) for text in bench.report("-f", "prometheus")]
    check(len(counts[0]) > 50 and sorted(counts[0].values()) == sorted(counts[1].values()),
          f"{len(counts[0])} and {len(counts[1])} samples")


def test_promtool(bench):
    tool = bench.tool("promtool")
    for text in bench.report("-f", "prometheus"):
        result = subprocess.run([tool, "check", "metrics"], input=text.encode(), check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(result.returncode == 0 and not result.stdout, result.stdout.decode())


TESTS = [test_text, test_json, test_jsonl, test_csv, test_markdown, test_html, test_svg, test_prometheus, test_promtool]


def main():
    program, data, tools = sys.argv[1:4]
    bench = Bench(os.path.abspath(program), data, tools)
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        name = test.__name__.removeprefix("test_")
        try:
            test(bench)
            print(f"ok {number} - {name}")
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}")
        except (Failure, ElementTree.ParseError, ValueError) as problem:
            failed += 1
            print(f"not ok {number} - {name}")
            print(f"{name}: {problem}", file=sys.stderr)
        sys.stdout.flush()
    shutil.rmtree(bench.folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

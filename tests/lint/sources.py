"""What the source tree consists of, for lint.py."""
import os
import re

ROOMS = {"kernels", "base", "calibration", "machine", "bench", "measure", "model", "engine",
         "predict", "decide", "report", "cmd", "soak"}
TOPS = ("include", "kernels", "src", "bench")


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def files(root, endings, tests=False):
    """Paths from the root, sorted."""
    found = []
    for top in TOPS + (("tests",) if tests else ()):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = [name for name in folders if name != "node_modules"]
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names
                      if name.endswith(endings)]
    return sorted(found)


def room_of(path):
    parts = path.split(os.sep)
    if parts[0] == "src":
        return parts[1]
    if parts[0] == "bench" and (parts[1].startswith("versus") or parts[1] == "accuracy"):
        return "versus"  # programs of their own
    return parts[0]


def includes(root, path):
    """(line number, '<' or '"', header) of each include."""
    found = []
    for number, line in enumerate(read(root, path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            found.append((number, match.group(1), match.group(2)))
    return found


def code_of(text):
    """The text with comments, strings and characters blanked, line by line the same."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def functions(text):
    """(length in lines, name) of each function, of text as clang-format leaves it."""
    found, name, begin = [], None, 0
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"[A-Za-z_][^;={]*?\b(\w+)\(", line)
        if match and not line.startswith(("struct {", "enum", "typedef", "#")):
            name, begin = match.group(1), number
        if line == "}" and name:
            found.append((number - begin + 1, name))
            name = None
    return found


def longest(root):
    """The ten longest files and functions."""
    lengths, all_functions = [], []
    for path in files(root, (".c", ".h", ".def"), tests=True):
        text = read(root, path)
        lengths.append((text.count("\n"), path))
        if path.endswith(".c"):
            all_functions += [(n, f"{name} ({path})") for n, name in functions(text)]
    return [("files", sorted(lengths, reverse=True)[:10]),
            ("functions", sorted(all_functions, reverse=True)[:10])]

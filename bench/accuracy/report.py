"""What the pieces of an accuracy run show."""
import csv
import json
import math
import os
import statistics

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT, GENERATED = 256, 32
TIERS = ("engine", "measured", "formula")
# Median and worst error, in percent.
TARGETS = {("engine", "tg"): (5, 10), ("engine", "pp"): (8, 15),
           ("measured", "tg"): (10, 20), ("measured", "pp"): (15, 30)}
COLUMNS = ("tier", "figure", "machine", "uarch", "cores", "nodes", "engine", "date", "model",
           "threads", "role", "predicted", "observed", "own_percent")

median = statistics.median


def rows_of_split():
    """(model, role), as split.csv says."""
    with open(os.path.join(HERE, "split.csv"), encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [(f"{row['shape']}-{row['type']}", row["role"]) for row in rows]


def path_of_piece(folder, model, threads):
    return os.path.join(folder, "pieces", f"{model}-{threads}.json")


def read_pieces(folder):
    """All rows that are done, in the order of split.csv."""
    pieces = {}
    for name in sorted(os.listdir(os.path.join(folder, "pieces"))):
        if name.endswith(".json"):
            with open(os.path.join(folder, "pieces", name), encoding="utf-8") as file:
                row = json.load(file)
            pieces.setdefault(row["model"], []).append(row)
    return [row for model, _role in rows_of_split()
            for row in sorted(pieces.get(model, []), key=lambda one: one["threads"])]


def repeatability(values):
    """Standard error of the mean, in percent of the median: of two values half their distance."""
    if len(values) < 2:
        return 0
    return 100 * statistics.stdev(values) / math.sqrt(len(values)) / median(values)


def digest(row, tier, what):
    """The engine's rate and the prediction, medians of their runs and rounds."""
    runs = [run[what] for run in row["engine_runs"] if what in run]
    rounds = [one[what] for one in row["predictions"].get(tier, []) if one.get(what)]
    found = {"truth": median(runs), "own": repeatability(runs), "value": None, "error": None,
             "scatter": None, "inside": None}
    if not rounds:
        return found
    value = median(one["value"] for one in rounds)
    found["value"] = value
    found["error"] = 100 * (value / found["truth"] - 1)
    found["scatter"] = repeatability([one["value"] for one in rounds])
    # Every round has the same interval, as a factor.
    if rounds[0]["low"] is not None:
        low, high = (rounds[0][end] / rounds[0]["value"] for end in ("low", "high"))
        found["inside"] = low * value <= found["truth"] <= high * value
    return found


def is_steady(row, tier, what):
    """The engine's own repeatability is within half the target."""
    return digest(row, tier, what)["own"] <= TARGETS[tier, what][0] / 2


def cell(value, form="{:+.1f} %"):
    return "-" if value is None else form.format(value)


def line_of(row):
    parts = [f"{row['model']} {row['threads']} ({row['seconds']:.0f} s, others "
             f"{100 * row['others_share']:.1f} %)"]
    for what in ("tg", "pp"):
        one = digest(row, "engine", what)
        parts.append(f"{what} {one['truth']:.1f} own {one['own']:.1f} %: "
                     + ", ".join(f"{tier} {cell(digest(row, tier, what)['error'])}"
                                 for tier in TIERS))
    return "; ".join(parts)


def figure_table(rows, what):
    name = what.upper()
    lines = [f"| model | threads | role | engine {name} | own | engine tier | own | error | "
             "measured tier | own | error | formula |",
             "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        engine, measured = digest(row, "engine", what), digest(row, "measured", what)
        steady = "" if is_steady(row, "engine", what) else " *"
        lines.append("| " + " | ".join([
            row["model"].replace("-", " "), str(row["threads"]), row["role"],
            cell(engine["truth"], "{:.1f}"), cell(engine["own"], "{:.1f} %") + steady,
            cell(engine["value"], "{:.1f}"), cell(engine["scatter"], "{:.1f} %"),
            cell(engine["error"]), cell(measured["value"], "{:.1f}"),
            cell(measured["scatter"], "{:.1f} %"), cell(measured["error"]),
            cell(digest(row, "formula", what)["error"], "{:+.0f} %")]) + " |")
    return lines


def summary_line(title, rows, tier, what, all_of):
    errors = [(abs(digest(row, tier, what)["error"]), row) for row in rows
              if digest(row, tier, what)["error"] is not None]
    if not errors:
        return [f"| {tier} {what.upper()} | {title}: none of {all_of} | | | | | | |"]
    targets = TARGETS[tier, what]
    worst, at = max(errors, key=lambda one: one[0])
    formula = [abs(digest(row, "formula", what)["error"]) for _error, row in errors
               if digest(row, "formula", what)["error"] is not None]
    inside = [digest(row, tier, what)["inside"] for _error, row in errors]
    inside = [one for one in inside if one is not None]
    return [f"| {tier} {what.upper()} | {title}: {len(errors)} of {all_of} | "
            f"{median(one[0] for one in errors):.1f} % | {targets[0]} % | {worst:.1f} % "
            f"({at['model'].replace('-', ' ')}, {at['threads']}) | {targets[1]} % | "
            f"{median(formula):.0f} % | "
            + (f"{sum(inside)} of {len(inside)}" if inside else "no interval") + " |"]


def summary(rows):
    lines = ["| figure | rows | median error | target | worst | target | formula's median | "
             "inside 80 % |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    for tier, what in TARGETS:
        for role in ("check", "learn"):
            chosen = [row for row in rows if row["role"] == role]
            steady = [row for row in chosen if is_steady(row, tier, what)]
            lines += summary_line(f"{role}, steady", steady, tier, what, len(chosen))
            lines += summary_line(f"{role}, all", chosen, tier, what, len(chosen))
    return lines


def table(rows):
    lines = []
    for what in ("tg", "pp"):
        lines += figure_table(rows, what) + [""]
    return lines + summary(rows)


def csv_lines(rows, machine):
    """Rows of data/accuracy.csv without its heading."""
    lines = []
    for row in rows:
        facts = row["machine"]
        for tier, what in TARGETS:
            one = digest(row, tier, what)
            if one["value"] is None:
                continue
            engine = row["predictions"]["engine"][0].get("engine", "").replace(",", "")
            cells = [tier, what, machine, facts["uarch"], facts["cores"], facts["nodes"], engine,
                     row["date"], row["model"], row["threads"], row["role"],
                     f"{one['value']:.4g}", f"{one['truth']:.4g}", f"{one['own']:.2f}"]
            lines.append(",".join(str(part) for part in cells))
    return lines

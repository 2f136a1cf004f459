#!/usr/bin/env python3
"""Fits what machines reach of their limits to published results, for the spec tier of `predict`.

fit.py PROGRAM [--write | --check]

Each usable row of data/published.csv is asked of PROGRAM, which tells the bytes, operations and
barriers of the model and the limits of the machine; the efficiencies are then fitted here. Machines
count alike, however many rows they have. Every figure of error is of machines that were left out of
the fit. With --write data/efficiency.csv and bench/fit/residuals.md are written anew; --check tells
whether PROGRAM, which has that table in it, predicts what was fitted here.

Model of generation: bytes / min(efficiency x limit, cores x clock x bytes per cycle) + barriers x
threads x time per thread. Of a prompt: operations / (cores x clock x operations per cycle).
"""
import csv
import json
import math
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
REMOTE = 0.45    # Xeon 6980P: a socket reads 247 GB/s of the other one's memory, 555 of its own
ATTENTION = 0.5  # of the matrix rate; between llama.cpp before 2026 (far below) and ik_llama.cpp (1)
PER_LAYER, PER_EXPERT_LAYER = 25, 48  # barriers, from llama.cpp's graphs (docs/method.md)
# Before 2025-04 llama.cpp kept the keys (192) and values (128) of each of DeepSeek's 128 heads, F16, in
# each of 61 layers, in place of one compressed row.
OLD_LATENT_CACHE_BYTES = 61 * 128 * (192 + 128) * 2
OLD_LATENT_CACHE_UNTIL = "2025-04"
CLASSES = ("client", "fabric", "server")
MIXES = {"BF16": "bf16", "F16": "f16", "Q8_0": "q8_0", "Q4_0": "q4_0", "Q4_K_S": "q4_k_s",
         "Q4_K_M": "q4_k_m", "Q6_K": "q6_k"}
BITS = (("bf16", 16), ("q8_0", 8.5), ("q6_k", 6.6), ("q5_k_m", 5.7), ("q4_k_m", 4.9))
KERNEL_SOURCE = "https://github.com/ikawrakow/ik_llama.cpp/discussions/164"


def weight_type(quant):
    """The type of most weights of a mix: Q4_K of Q4_K_M."""
    quant = quant.replace("_R4", "").replace("experts", "IQ4_XS")
    for end in ("_S", "_M", "_L", "_XL"):
        if "_K" in quant and quant.endswith(end):
            return quant[:-len(end)]
    return quant


def mix_of(row):
    quant = row["quant"].replace("_R4", "")
    if quant in MIXES:
        return MIXES[quant]
    return {"Q5_0": "q5_k_m", "Q5_K_S": "q5_k_m", "experts": "q4_k_s"}.get(quant, "q4_k_s")


def old_cache_bytes(cells):
    """What an engine without compressed rows reads more for a token, halfway through its answer."""
    old = cells["date"] and cells["date"] <= OLD_LATENT_CACHE_UNTIL
    if cells["model"] != "deepseek-r1" or cells["software"] != "llama.cpp" or not old:
        return 0
    return OLD_LATENT_CACHE_BYTES * (float(cells["depth"] or 0) + float(cells["tg_tokens"] or 0) / 2)


class Row:
    """A published result with what the program tells of model and machine."""

    def __init__(self, cells, told, told_pp):
        self.cells = cells
        self.machine = cells["machine"]
        self.type = weight_type(cells["quant"])
        self.threads = told["threads"]
        result = told["results"][0]
        terms = result["terms"]["generation"]
        self.bytes = sum(t["bytes"] or 0 for t in terms)
        if cells["size_gb"]:
            self.bytes *= float(cells["size_gb"]) * 1e9 / told["model"]["file_bytes"]
        self.old_cache_bytes = old_cache_bytes(cells)
        self.bytes += self.old_cache_bytes
        self.cpu, self.gpu = told["spec"]["cpu"], told["spec"]["gpu"]
        self.flop = sum(t["flop"] or 0 for t in told_pp["results"][0]["terms"]["prompt"])
        self.tg = float(cells["tg_tok_s"]) if cells["fit_tg"] == "yes" else None
        self.pp = float(cells["pp_tok_s"]) if cells["fit_pp"] == "yes" else None
        self.told_tg = result["tg_tok_s"]["value"]
        self.told_pp = told_pp["results"][0]["pp_tok_s"]["value"]
        self.file_scale = 1
        if cells["size_gb"]:
            self.file_scale = float(cells["size_gb"]) * 1e9 / told["model"]["file_bytes"]
        self.told_type = weight_type(told["model"]["name"].rsplit("-", 1)[1].upper())
        self.tg_all = float(cells["tg_tok_s"]) if cells["tg_tok_s"] else None
        if self.cpu:
            fabric = self.cpu["fabric_gb_s"] or math.inf
            # The program compares after the efficiencies; no row lies where that matters (--check).
            self.group = "fabric" if fabric < self.cpu["dram_gb_s"] else self.cpu["class"]
            self.barriers = told["spec"]["barriers"]
            self.core_ghz = cores(self.cpu, self.threads) * self.cpu["clock_ghz"]
            pp_threads = told_pp["spec"]["cpu"]["prompt_threads"]
            self.pp_core_ghz = cores(self.cpu, pp_threads) * self.cpu["clock_ghz"]


def cores(cpu, threads):
    fast = cpu["packages"] * cpu["cores"]
    if threads <= fast or not cpu["e_cores"]:
        return threads
    return fast + (threads - fast) * cpu["e_core_share"]


def ask(program, cells, test, threads):
    command = [program, "predict", f"{cells['model']}-{mix_of(cells)}", "--json",
               "--platform-file", os.path.join(HERE, "platforms.csv")] + test
    if cells["platform"]:
        command += ["--platform", f"{cells['sockets']}x {cells['platform']}"]
    else:
        command += ["--platform", cells["gpu"]]
    for option, value in (("--channels", cells["channels"]), ("--mts", cells["mts"]),
                          ("--threads", threads), ("--placement", cells["placement"])):
        if value:
            command += [option, value]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{' '.join(command)}: {run.stderr}")
    return json.loads(run.stdout)


def read_rows(program):
    rows = []
    with open(os.path.join(ROOT, "data", "published.csv"), encoding="utf-8") as file:
        for cells in csv.DictReader(file):
            kernels = cells["fit_tg"].startswith(("two threads", "one or two threads"))
            if "yes" not in (cells["fit_tg"], cells["fit_pp"]) and not kernels:
                continue
            if not cells["model"]:
                continue
            test = ["--tg", cells["tg_tokens"] or "128", "--depth", cells["depth"] or "0"]
            told = ask(program, cells, test, cells["threads"])
            if told["spec"]["cpu"] and not cells["threads"]:
                # Where the source says nothing: the engines' default, one a core.
                told = ask(program, cells, test, str(told["spec"]["cpu"]["prompt_threads"]))
            note = cells["notes"].rsplit("pp with ", 1)
            pp_threads = note[1].split()[0] if len(note) > 1 else cells["threads"]
            told_pp = ask(program, cells, ["--pp", cells["pp_tokens"] or "512"], pp_threads)
            row = Row(cells, told, told_pp)
            row.kernels_only = kernels
            rows.append(row)
    return rows


# --- weights ------------------------------------------------------------------------------------

def weighted(values, quantile):
    """Quantile of (value, weight) pairs."""
    values = sorted(values)
    total = sum(weight for _, weight in values)
    seen = 0
    for value, weight in values:
        seen += weight
        if seen >= quantile * total:
            return value
    return values[-1][0]


def by_machine(rows):
    machines = {}
    for row in rows:
        machines.setdefault(row.machine, []).append(row)
    return machines


def with_weights(rows, value):
    """(value, 1 / rows of the machine) for each row."""
    counts = {machine: len(members) for machine, members in by_machine(rows).items()}
    return [(value(row), 1 / counts[row.machine]) for row in rows]


# --- processors: kernels -------------------------------------------------------------------------

def fit_types(rows):
    """Rates of types relative to Q4_K, of one machine with one engine in one week."""
    source = [r for r in rows if r.cells["source"] == KERNEL_SOURCE
              and r.cells["software"] == "llama.cpp" and r.cells["quant"] != "experts"]
    tg = {r.type: r.tg_all * r.bytes / r.core_ghz / 1e9 for r in source}
    pp = {r.type: r.pp * r.flop / r.pp_core_ghz / 1e9 for r in source if r.pp}
    types = {name: {"bytes": tg[name] / tg["Q4_K"], "flop": pp[name] / pp["Q4_K"]} for name in pp}
    types["F16"] = types["BF16"]
    others = [v for name, v in types.items()]
    types["other"] = {key: statistics.median(v[key] for v in others) for key in ("bytes", "flop")}
    return types, tg["Q4_K"]


def of_type(types, name, key):
    return types.get(name, types["other"])[key]


def flop_per_cycle(row, types):
    return row.pp * row.flop / (row.pp_core_ghz * 1e9) / of_type(types, row.type, "flop")


def fit_matrix(rows, types):
    """Operations per cycle of a core, by kernels; kinds without results take the next ones'."""
    fitted = {}
    for kernels in {r.cpu["kernels"] for r in rows if r.cpu and r.pp}:
        of_kind = [r for r in rows if r.cpu and r.pp and r.cpu["kernels"] == kernels]
        fitted[kernels] = weighted(with_weights(of_kind, lambda r: flop_per_cycle(r, types)), 0.5)
    return fitted


def fit_kernel_bytes(rows, types, zen4):
    """Bytes per cycle of a core: from runs with so few threads that the memory did not bind."""
    narrow = [r for r in rows if r.cpu and r.cpu["kernels"] in ("avx2", "avx_vnni") and r.tg_all
              and r.threads <= 2 and r.type in types]
    values = with_weights(narrow, lambda r: r.tg_all * r.bytes / (r.core_ghz * 1e9)
                          / of_type(types, r.type, "bytes"))
    return {"avx512_vnni_256": zen4, "avx2": weighted(values, 0.5)}


# --- processors: memory --------------------------------------------------------------------------

def packages_worth(cpu):
    n = cpu["packages"]
    if n < 2:
        return 1
    if cpu["placement"] == "replicated":
        return n
    return n / (1 / n + (n - 1) / n / REMOTE)


def kernel_bytes(kernels, fitted):
    """Bytes per cycle of a core, and where they are from: kinds without runs of few threads take
    those of the kind that works most alike."""
    if kernels in fitted["bytes"]:
        return fitted["bytes"][kernels], "fit to few threads"
    near = "avx512_vnni_256" if kernels == "avx512_vnni" else "avx2"
    share = 0.5 if kernels == "avx2_narrow" else 1
    return share * fitted["bytes"][near], f"taken from {near}, times {share}"


def generation_ns(row, fitted, per_thread_ns, efficiency):
    kernel = kernel_bytes(row.cpu["kernels"], fitted)[0]
    kernel *= row.core_ghz * of_type(fitted["types"], row.type, "bytes")
    limit = row.cpu["fabric_gb_s"] if row.group == "fabric" else row.cpu["dram_gb_s"]
    memory = efficiency * limit * packages_worth(row.cpu)
    barrier_ns = row.threads * per_thread_ns if row.threads > 1 else 0
    return row.bytes / min(kernel, memory) + row.barriers * barrier_ns


def error(row, fitted, per_thread_ns, efficiency):
    """log(predicted / published)."""
    return -math.log(generation_ns(row, fitted, per_thread_ns, efficiency) * row.tg / 1e9)


def fit_memory(rows, fitted):
    """Efficiency of each class and the time of a barrier: least absolute logarithmic errors."""
    rows = [r for r in rows if r.cpu and r.tg and not r.kernels_only]
    best = None
    grid = [0.30 + 0.01 * i for i in range(71)]
    for step in range(0, 41):
        per_thread_ns = 10.0 * step
        total, chosen = 0, {}
        for name in CLASSES:
            members = [r for r in rows if r.group == name]
            if not members:
                chosen[name] = None
                continue
            costs = []
            for efficiency in grid:
                pairs = with_weights(members, lambda r, e=efficiency: abs(
                    error(r, fitted, per_thread_ns, e)))
                costs.append((sum(v * w for v, w in pairs), efficiency))
            cost, chosen[name] = min(costs)
            total += cost
        if best is None or total < best[0] - 1e-9:
            best = (total, per_thread_ns, chosen)
    return best[1], best[2]


# --- GPUs ----------------------------------------------------------------------------------------

def fit_gpu(rows):
    """By software: shares of bandwidth and of FP16 rate, and the spread between cards."""
    result = {}
    for software in sorted({r.cells["software"] for r in rows if r.gpu}):
        of_it = [r for r in rows if r.gpu and r.cells["software"] == software]
        tg = [r for r in of_it if r.tg]
        pp = [r for r in of_it if r.pp and r.gpu["fp16_tflop_s"]]
        read = with_weights(tg, lambda r: r.tg * r.bytes / 1e9 / r.gpu["read_gb_s"])
        matrix = with_weights(pp, lambda r: r.pp * r.flop / 1e12 / r.gpu["fp16_tflop_s"])
        result[software] = {"read": weighted(read, 0.5), "compute": weighted(matrix, 0.5),
                            "tg": tg, "pp": pp, "read_all": read, "compute_all": matrix}
    return result


# --- leaving machines out ------------------------------------------------------------------------

def fit_all(rows):
    types, zen4 = fit_types(rows)
    fitted = {"types": types}
    fitted["bytes"] = fit_kernel_bytes(rows, types, zen4)
    fitted["flop"] = fit_matrix(rows, types)
    fitted["barrier"], fitted["class"] = fit_memory(rows, fitted)
    return fitted


def fallback(kernels, fitted):
    """The nearest kind of kernels that has results."""
    order = {"avx512_vnni": ("avx512_vnni_256", "avx512", "avx_vnni", "avx2"),
             "avx512_vnni_256": ("avx512_vnni", "avx2"), "avx512": ("avx2",),
             "avx_vnni": ("avx512_vnni_256", "avx2"), "avx2_narrow": ("avx2",), "none": ()}
    for name in (kernels,) + order.get(kernels, ()) + ("avx2",):
        if name in fitted:
            return name
    return None


def leave_out(rows):
    """Ratios published / predicted of each machine, by a fit without it: (row, tg, pp, formula)."""
    found = []
    for machine, members in sorted(by_machine([r for r in rows if r.cpu]).items()):
        if not any(r.tg or r.pp for r in members if not r.kernels_only):
            continue
        others = [r for r in rows if r.machine != machine]
        if machine == "Ryzen 9 7950X":
            # Its rows alone tell the types; they stay known, its class and its matrices do not.
            types, zen4 = fit_types(rows)
            fitted = {"types": types, "bytes": fit_kernel_bytes(rows, types, zen4),
                      "flop": fit_matrix(others, types)}
            fitted["barrier"], fitted["class"] = fit_memory(others, fitted)
        else:
            fitted = fit_all(others)
        for row in members:
            tg = pp = formula = None
            efficiency = fitted["class"].get(row.group)
            if row.tg and not row.kernels_only and efficiency:
                tg = row.tg * generation_ns(row, fitted, fitted["barrier"], efficiency) / 1e9
                limit = row.cpu["dram_gb_s"] * row.cpu["packages"]
                size = float(row.cells["size_gb"] or 0) * 1e9 or row.bytes
                formula = row.tg * size / limit / 1e9
            name = fallback(row.cpu["kernels"], fitted["flop"])
            if row.pp and name:
                pp = flop_per_cycle(row, fitted["types"]) / fitted["flop"][name]
            if tg or pp:
                found.append((row, tg, pp, formula))
    return found


def machine_errors(found, index):
    """Machine -> median of |predicted / published - 1| of its rows."""
    errors = {}
    for entry in found:
        if entry[index]:
            errors.setdefault(entry[0].machine, []).append(abs(1 / entry[index] - 1))
    return {machine: statistics.median(values) for machine, values in errors.items()}


def interval(found, index, wanted):
    """10% and 90% quantiles of published / predicted, machines counting alike."""
    entries = [e for e in found if e[index] and wanted(e[0])]
    counts = {}
    for e in entries:
        counts[e[0].machine] = counts.get(e[0].machine, 0) + 1
    values = [(e[index], 1 / counts[e[0].machine]) for e in entries]
    return weighted(values, 0.1), weighted(values, 0.9), len(counts), len(values)


# --- output --------------------------------------------------------------------------------------

def table_rows(rows, fitted, found, gpus):
    out = []

    def put(group, name, parameter, value, basis):
        out.append([group, name, parameter, f"{value:.4g}", basis])

    for name in CLASSES:
        put("class", name, "read", fitted["class"][name], "fit to generation, share of the limit")
        # What binds the memory says nothing of prompts: they go by the processor's own class.
        for phase, index, class_of in (("tg", 1, lambda r: r.group),
                                       ("pp", 2, lambda r: r.cpu["class"])):
            of_class = [e for e in found if e[index] and class_of(e[0]) == name]
            if not of_class:
                continue
            few = len({e[0].machine for e in of_class}) < 4
            low, high, machines, n = interval(found, index,
                                              (lambda r: True) if few else
                                              (lambda r, c=name, of=class_of: of(r) == c))
            basis = f"80% of published / predicted; {machines} machines, {n} rows" + (
                " of all classes: fewer than four of this one" if few else "")
            put("class", name, f"{phase}_low", min(low, 1), basis)
            put("class", name, f"{phase}_high", max(high, 1), basis)
    put("sync", "barrier", "ns_per_thread", fitted["barrier"], "fit to generation")
    put("sync", "barrier", "per_layer", PER_LAYER, "llama.cpp's graphs, see docs/method.md")
    put("sync", "barrier", "per_expert_layer", PER_EXPERT_LAYER,
        "llama.cpp's graphs, see docs/method.md")
    put("sync", "sockets", "remote", REMOTE, "Xeon 6980P: 247 of 555 GB/s "
        "(https://github.com/ggml-org/llama.cpp/discussions/12088)")
    put("kernel", "all", "attention", ATTENTION, "assumed, see bench/fit/fit.py")
    for name in ("avx512_vnni", "avx512_vnni_256", "avx512", "avx_vnni", "avx2", "avx2_narrow"):
        put("kernel", name, "bytes_per_cycle", *kernel_bytes(name, fitted))
        known = fallback(name, fitted["flop"])
        half = 0.5 if name == "avx2_narrow" and known != name else 1
        put("kernel", name, "flop_per_cycle", half * fitted["flop"][known],
            "fit to prompts" if known == name else f"taken from {known}, times {half}")
    for name, values in sorted(fitted["types"].items()):
        put("type", name, "bytes", values["bytes"], f"relative to Q4_K, {KERNEL_SOURCE}")
        put("type", name, "flop", values["flop"], f"relative to Q4_K, {KERNEL_SOURCE}")
    for software, fit in sorted(gpus.items()):
        dates = sorted({r.cells["date"][:4] for r in fit["tg"]})
        name = f"{software} {dates[0]}-{dates[-1]}" if len(dates) > 1 else software
        for phase, key, rates in (("tg", "read", fit["read_all"]),
                                  ("pp", "compute", fit["compute_all"])):
            basis = f"median over cards, {len(rates)} rows"
            put("gpu", name, key, fit[key], basis)
            put("gpu", name, f"{phase}_low", weighted(rates, 0.1) / fit[key], basis)
            put("gpu", name, f"{phase}_high", weighted(rates, 0.9) / fit[key], basis)
        put("gpu", name, "launch_ns", 0, "in the share of the bandwidth")
    put("link", "copied", "share", 0.7,
        "weights in RAM for a prompt: 205.5 GB each 512 tokens at 54.94 tok/s over PCIe 4.0 x16 "
        "(Qwen3-235B Q8_0 on Threadripper PRO 7965WX + A6000, "
        "https://github.com/ikawrakow/ik_llama.cpp/discussions/357)")
    put("link", "transfer", "ns", 15000, "activations between devices, 10 to 20 us, unverified")
    return out


def percent(value):
    return f"{100 * value:.0f}%"


# What is known of results that are far from the prediction. None of them is left out of the fit.
REASONS = {
    "Xeon Gold 6454S": "A baseline that the makers of another engine ran (KTransformers, 2025-02): 2 x 32 cores, "
    "without a command and without saying where pages lay; for their own engine they bind to one node or copy the "
    "weights to both. Three things are known. (1) Placement: without --numa or numactl llama.cpp was seen to load "
    "mostly onto one node (github:ikawrakow/ik_llama.cpp issue 296; github:ggml-org/llama.cpp issue 13850 tells "
    "of almost twice the speed with --numa distribute); 4.51 tok/s is what one socket of DDR4 gives in the same "
    "weeks (EPYC 7773X: 4.36), not what two of DDR5 do. (2) Prompts: llama.cpp used AMX for dense products alone "
    "(github:ggml-org/llama.cpp issue 12003), not for experts, and the "
    "rate of this kind of kernels is fitted to llamafile's, which were 1.9 times as fast as "
    "llama.cpp's (github:mozilla-ai/llamafile pulls 394 and 435): divided by that some 48 of the 92 tok/s are left. "
    "(3) The page is not of one mind: its first version told 4.51 tok/s for the prompt, too. A factor of nearly "
    "five between 48 and 10.31 stays unexplained: the EPYC 7773X reaches 25.58 with half the memory channels.",
    "EPYC 7773X": "Memory and number of threads are not stated: the platform's and one a core are taken. Its "
    "prompts are as slow with Q8_0 as with Q4_K_M, although the products of Q8_0 are faster elsewhere.",
    "2x EPYC 7K62": "Two sockets; the source tells 3 tok/s with memory interleaved by the firmware and 2 "
    "without: the placement of pages decides, and the interval spans all placements.",
    "Ryzen AI 9 HX 370 (LocalScore)": "The memory of the machine is not stated; the catalogue has "
    "LPDDR5X-8000, laptops with DDR5-5600 have 0.7 of it.",
    "Ryzen AI 9 365 (LocalScore)": "As the HX 370.",
    "2x Xeon E5-2683 v4": "Channels and speed of the memory are not stated: the platform's are taken.",
    "Intel N150": "One channel and 6 W: the clock under load is not known.",
    "EPYC 4545P (LocalScore)": "A part of 65 W: midway between base and boost clock, which is taken where "
    "the maker tells none for all cores, is too much for it; its memory is not stated.",
    "Ryzen 7 7840HS (LocalScore)": "The kernels' rate is known from desktop parts, with other software.",
}


def far_off(tg, pp):
    lines = ["", "## The farthest, and why", ""]
    for machine in sorted(set(tg) | set(pp), key=lambda m: -max(tg.get(m, 0), pp.get(m, 0))):
        worst = max(tg.get(machine, 0), pp.get(machine, 0))
        if worst > 0.5 or (machine in REASONS and worst > 0.35):
            lines.append(f"- **{machine}** (TG {percent(tg[machine]) if machine in tg else '-'}, PP "
                         f"{percent(pp[machine]) if machine in pp else '-'}): "
                         f"{REASONS.get(machine, 'No reason is known.')}")
    return lines


def report(rows, fitted, found, gpus):
    lines = ["# What the spec tier is fitted on, and how well it predicts machines it never saw", "",
             "Made by `bench/fit/fit.py`. Errors are of the fit without the machine (median of its "
             "rows); machines count alike. The formula is channels x 8 B x MT/s / size of the file.",
             ""]
    tg, pp, formula = (machine_errors(found, i) for i in (1, 2, 3))
    lines += ["| | machines | median error | worst |", "|---|--:|--:|---|"]
    for label, errors in (("generation", tg), ("generation, formula", formula), ("prompt", pp)):
        worst = max(errors, key=errors.get)
        lines.append(f"| {label} | {len(errors)} | {percent(statistics.median(errors.values()))} | "
                     f"{worst} {percent(errors[worst])} |")
    lines += ["", "| class | machines | TG median | TG worst | PP median | PP worst |",
              "|---|--:|--:|---|--:|---|"]
    for name in CLASSES:
        cells = [name]
        for n, errors in enumerate((tg, pp)):
            of_class = {m: e for m, e in errors.items()
                        if any(r.machine == m and r.cpu and r.group == name for r in rows)}
            if n == 0:
                cells.append(str(len(of_class)))
            worst = max(of_class, key=of_class.get) if of_class else None
            cells += [percent(statistics.median(of_class.values())),
                      f"{worst} {percent(of_class[worst])}"] if worst else ["-", "-"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += far_off(tg, pp)
    lines += ["", "## All results", "", "| machine | class | model | type | threads | TG | predicted | PP | predicted | "
              "software |", "|---|---|---|---|--:|--:|--:|--:|--:|---|"]
    for row, t, p, _ in found:
        lines.append(f"| {row.machine} | {row.cpu['class']} | {row.cells['model']} | {row.type} | "
                     f"{row.threads} | {row.tg if t else '-'} | "
                     f"{f'{row.tg / t:.3g}' if t else '-'} | {row.pp if p else '-'} | "
                     f"{f'{row.pp / p:.3g}' if p else '-'} | {row.cells['software']} |")
    lines += ["", "## GPUs: roof, share that the software reaches", "",
              "| card | model | software | date | TG | roof | share | PP | roof | share |",
              "|---|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for software, fit in sorted(gpus.items()):
        for r in [r for r in rows if r.gpu and r.cells["software"] == software]:
            roof = r.gpu["read_gb_s"] * 1e9 / r.bytes
            cells = [r.machine, r.cells["model"], software, r.cells["date"], f"{r.tg}",
                     f"{roof:.3g}", percent(r.tg / roof)]
            if r.pp and r.gpu["fp16_tflop_s"]:
                top = r.gpu["fp16_tflop_s"] * 1e12 / r.flop
                cells += [f"{r.pp:.0f}", f"{top:.0f}", percent(r.pp / top)]
            else:
                cells += ["-", "-", "-"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def check(rows, fitted):
    """The greatest difference between the program and this fit, over rows that it can be asked."""
    worst = 0
    for row in rows:
        if not row.cpu or not row.tg or row.told_type != row.type or row.kernels_only:
            continue
        if abs(row.file_scale - 1) > 0.02 or row.old_cache_bytes:
            continue
        here = 1e9 / generation_ns(row, fitted, fitted["barrier"],
                                   fitted["class"][row.group])
        difference = abs(row.told_tg / here * (1 / row.file_scale) - 1)
        worst = max(worst, difference)
        if difference > 0.03:
            print(f"{row.machine} {row.cells['model']} {row.type}: the program says "
                  f"{row.told_tg:.3g} tok/s, the fit {here:.3g}")
    print(f"greatest difference {100 * worst:.1f}%")
    return 1 if worst > 0.03 else 0


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = read_rows(sys.argv[1])
    fitted = fit_all(rows)
    if "--check" in sys.argv:
        sys.exit(check(rows, fitted))
    found = leave_out(rows)
    gpus = fit_gpu(rows)
    text = report(rows, fitted, found, gpus)
    table = table_rows(rows, fitted, found, gpus)
    if "--write" in sys.argv:
        with open(os.path.join(ROOT, "data", "efficiency.csv"), "w", encoding="utf-8",
                  newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["group", "name", "parameter", "value", "basis"])
            writer.writerows(table)
        with open(os.path.join(HERE, "residuals.md"), "w", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""simulated.py BASE CORES OUTPUT [FACTOR]: what `tokenroof --json` would print on a machine of two
nodes and CORES cores: figures of each core, CCD and node, curves with marks, matrices, predictions.
All of it is made up, from the calibration BASE and formulas; FACTOR scales the figures."""
import json
import math
import random
import sys

MODELS = [("llama-3.2-1b-q4_k_m", 0.81e9, 1.24e9), ("llama-3.1-8b-q4_k_m", 4.92e9, 8.03e9),
          ("qwen2.5-14b-q4_k_m", 8.99e9, 14.8e9), ("gpt-oss-120b-mxfp4", 3.1e9, 5.1e9)]
GENERATOR = random.Random(20261121)


def spread(value, percent=1.0):
    return value * (1 + GENERATOR.gauss(0, percent / 100))


def figure(base, factor, kind, index, cpus, value, **fields):
    value = spread(value * factor)
    return dict(base, place={"kind": kind, "index": index, "cpus": cpus, "memory_nodes": "0-1"},
                best=value * 1.01, median=value, mad=value * 0.002,
                ci95=[value * 0.994, value * 1.006], span_rate=value * 0.99,
                samples=[spread(value, 0.4) for _ in range(7)], n=7, flags=[], warnings=[], **fields)


def curve(name, x, x_unit, unit, metric, points, marks=(), threads=None, **fields):
    return dict({
        "name": name, "kernel": None, "variant": None, "isa": "avx512", "dtype": "u64",
        "place": {"kind": "machine", "index": 0, "cpus": None, "memory_nodes": None},
        "threads": threads, "page_bytes": 4096, "metric": metric, "unit": unit, "x": x,
        "x_unit": x_unit,
        "points": [{"x": at, "median": value, "best": value * 0.99, "mad": value * 0.004,
                    "ci95": [value * 0.985, value * 1.02], "n": 9, "core_ghz": 3.7}
                   for at, value in points],
        "marks": [{"name": mark[0], "from": mark[1], "to": mark[2], "value": mark[3]}
                  for mark in marks],
    }, **fields)


def steps(x, levels):
    """Value of the level that holds x bytes, with a soft edge."""
    for size, value, after in levels:
        if x <= size:
            return value
        if x <= 2 * size and after:
            return value + (after - value) * math.log2(x / size)
    return levels[-1][1]


def curves(cores, factor):
    sizes = [4096 * 2 ** (k / 2) for k in range(0, 40)]
    levels = [(32768, 1.1, 3.8), (1 << 20, 3.8, 14), (32 << 20, 14, 105), (1 << 60, 105, None)]
    rates = [(32768 * cores, 120.0 * cores, 60.0 * cores), (1 << 20 * cores, 60.0 * cores, 420.0),
             (1 << 60, 420.0, None)]
    marks = [("L1", 4096, 32768, 1.1), ("L2", 65536, 1 << 20, 3.8), ("L3", 2 << 20, 32 << 20, 14),
             ("memory", 128 << 20, 2 << 30, 105)]
    found = []
    for page_bytes, more in ((4096, 1.12), (2097152, 1.0)):
        found.append(curve("latency", "working_set_bytes", "bytes", "ns", "latency",
                           [(round(x), steps(x, levels) * more / factor) for x in sizes],
                           marks if page_bytes > 4096 else (), 1, kernel="chase", isa="scalar",
                           page_bytes=page_bytes))
    found.reverse()
    found.append(curve("sweep", "working_set_bytes", "bytes", "GB/s", "bandwidth",
                       [(round(x * cores), steps(x * cores, rates) * factor) for x in sizes[4:]],
                       (), cores, kernel="read", page_bytes=2097152))
    threads = sorted({max(1, round(cores * k / 16)) for k in range(0, 17)})
    found.append(curve("scaling", "threads", "1", "GB/s", "bandwidth",
                       [(t, 420 * factor * (1 - math.exp(-t / (cores / 6)))) for t in threads],
                       [("knee", cores / 2.6, cores / 2.6, 385 * factor)], kernel="read"))
    found.append(curve("loaded_latency", "injected_gb_s", "GB/s", "ns", "latency",
                       [(400 * k / 20, 105 / (1.03 - (k / 20) ** 3 * 0.85)) for k in range(21)],
                       [("knee", 320, 320, 190)], kernel="chase", isa="scalar"))
    found.append(curve("barrier", "threads", "1", "ns", "sync",
                       [(t, 90 + 60 * math.log2(t)) for t in threads if t > 1], kernel="spin"))
    for name, rate in (("memory", 420.0), ("L2", 9000.0)):
        peak = 3732.0 * cores / 32
        found.append(curve("roofline", "flop_per_byte", "FLOP/byte", "GFLOP/s", "compute",
                           [(2.0 ** k, factor * min(peak, rate * 2.0 ** k) * 0.97)
                            for k in range(-4, 7)], (), cores, kernel="fma", variant="from " + name,
                           dtype="f32"))
    return found


def matrix(name, kind, n, unit, metric, value):
    values = [[None if kind == "core" and i == k else spread(value(i, k), 2) for k in range(n)]
              for i in range(n)]
    return {"name": name, "metric": metric, "unit": unit, "rows": kind, "columns": kind,
            "row_ids": list(range(n)), "column_ids": list(range(n)),
            "values": [[v and round(v, 2) for v in row] for row in values],
            "half_widths": [[v and round(v * 0.01, 3) for v in row] for row in values]}


def prediction(name, file_bytes, weights, factor):
    results = []
    for use_case, prompt, generated, depth in (
            ("UC1", 1024, 16, 0), ("UC2", 4096, 256, 0), ("UC3", 1280, 3072, 0),
            ("UC4", 384, 1152, 0), ("tg128", 0, 128, 16384), ("pp512", 512, 0, 0)):
        at = prompt + depth
        tg = 330e9 * factor / (file_bytes + at * 131072) if generated else None
        pp = 3100e9 * factor / (2 * weights) * (1 - at / 40000) if prompt else None
        total = (prompt / pp if pp else 0) + (generated / tg if tg else 0)

        def estimate(value):
            return {"value": value, "low": value and value * 0.88, "high": value and value * 1.1}
        term = {"name": "ffn", "where": None, "bytes": file_bytes * 0.8, "flop": weights * 1.6,
                "gb_s": 330.0, "gflop_s": None, "count": None, "share": 0.8, "bound": "memory",
                "ns": file_bytes * 0.8 / (330 * factor)}
        heavy = dict(term, bytes=file_bytes * 0.8 / 512, ns=weights * 1.6 / (3100 * factor),
                     bound="compute")
        results.append({
            "use_case": use_case, "prompt_tokens": prompt, "generated_tokens": generated,
            "depth": depth, "pp_tok_s": estimate(pp), "tg_tok_s": estimate(tg),
            "first_token_s": estimate(prompt / pp if pp else None), "total_s": estimate(total),
            "load_s": None, "fits": {"where": "RAM", "spare_bytes": 3e11}, "roof_pp_tok_s": None,
            "roof_tg_tok_s": None, "fraction_of_roof_pp": None, "fraction_of_roof_tg": None,
            "bound_pp": "compute", "bound": "memory",
            "class": "interactive" if total < 10 else "background" if total < 100 else "offline",
            "why": f"Takes {total:.1f} s; most of the time goes into reading the weights.",
            "terms": {"generation": [term] if generated else [], "prompt": [heavy] if prompt else []}})
    return {"schema": "tokenroof.prediction/1", "model": {
        "name": name, "architecture": "llama", "parameters": int(weights),
        "active_parameters": int(weights), "file_bytes": int(file_bytes),
        "weight_bytes_per_token": file_bytes, "flop_per_token": 2 * weights,
        "kv_bytes_per_position": 131072}, "fidelity": "measured", "engine": None,
        "platform": "simulated", "threads": 32, "notes": [], "results": results,
        "explanations": []}


def products(extra, base, cores, factor):
    """Products and attention of models, on one core and on all."""
    base = dict(base, stores="none", metric="rate", limit=None, efficiency=None)
    for threads, kind in ((1, "core"), (cores, "machine")):
        share = factor * min(threads, 12)
        for quant, one, many in (("f16", 30.0, 150.0), ("q8_0", 28.0, 420.0), ("q4_k", 17.0, 400.0)):
            for kernel, n, unit, value in (("gemv", 1, "GB/s", one * share),
                                           ("gemm", 32, "GFLOP/s", many * 0.8 * factor * threads),
                                           ("gemm", 512, "GFLOP/s", many * factor * threads)):
                extra.append(figure(
                    dict(base, kernel=kernel, unit=unit, dtype=quant, threads=threads,
                         params={"quant": quant, "m": 4096, "n": n, "k": 4096}),
                    1, kind, 0, None, value))
        extra.append(figure(
            dict(base, kernel="attention", unit="GB/s", dtype="f16", threads=threads,
                 params={"quant": "f16", "k": 128, "batch": 1, "depth": 4096}),
            1, kind, 0, None, 10.0 * share))


def main():
    base, cores, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    factor = float(sys.argv[4]) if len(sys.argv) > 4 else 1.0
    with open(base, encoding="utf-8") as file:
        document = json.load(file)
    GENERATOR.seed(f"{cores} {factor}")
    kinds = {m["kernel"]: m for m in document["measurements"]}
    for m in document["measurements"]:
        for key in ("best", "median", "mad", "span_rate"):
            m[key] = m[key] and m[key] * factor
        for key in ("ci95", "samples"):
            m[key] = m.get(key) and [value * factor for value in m[key]]
        m["efficiency"] = m["efficiency"] and m["efficiency"] * factor
    extra = document["measurements"]
    for core in range(cores):
        rate = 22.0 * (0.97 if core == cores // 3 else 1.0)
        extra.append(figure(kinds["read"], factor, "core", core, str(core), rate, threads=1,
                            limit=None, efficiency=None))
        extra.append(figure(kinds["fma"], factor, "core", core, str(core), 117.8, threads=1,
                            limit=None, efficiency=None))
    for ccd in range(max(2, cores // 8)):
        extra.append(figure(kinds["read"], factor, "ccd", ccd, f"{8 * ccd}-{8 * ccd + 7}", 51.0,
                            threads=8, limit="memory_read", efficiency=spread(0.89)))
    for node in range(2):
        extra.append(figure(kinds["read"], factor, "node", node, str(node), 205.0,
                            threads=cores // 2, limit="memory_read", efficiency=spread(0.88)))
    products(extra, kinds["read"], cores, factor)
    machine = document["machine"]
    machine["packages"] = 2
    node = machine["numa_nodes"][0]
    machine["numa_nodes"] = [dict(node, index=i, distances=[10 + 22 * i, 32 - 22 * i]) for i in (0, 1)]
    machine["cores"] = [{"index": i, "kind": None, "cpus": str(i)} for i in range(cores)]
    machine["memory"]["modules"] = [
        {"locator": f"DIMM {chr(65 + i)}1", "type": "DDR5", "manufacturer": "maker",
         "part_number": "PART-4800", "size_bytes": 32 << 30, "configured_mts": 4800} for i in range(12)]
    document["conditions"]["warnings"] = ["The governor is powersave: clocks follow late. Set it to "
                                          "performance for measurements."]
    document["curves"] = curves(cores, factor)
    document["matrices"] = [
        matrix("core_to_core", "core", cores, "ns", "latency",
               lambda i, k: 28 if i // 8 == k // 8 else 95 if i * 2 // cores == k * 2 // cores else 230),
        matrix("node_read", "node", 2, "GB/s", "bandwidth", lambda i, k: 205 if i == k else 78)]
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"calibration": document,
                   "predictions": [prediction(*model, factor) for model in MODELS]}, file)


if __name__ == "__main__":
    main()

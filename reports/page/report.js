/* The page of one calibration, with or without predictions, or of predictions alone. */
"use strict";

var report = {};

report.limitOf = function (calibration, m) {
  return (calibration.limits || []).find(function (limit) {
    return limit.name === m.limit && limit.place.kind === m.place.kind && limit.place.index === m.place.index;
  });
};

/* For each kernel the best way of doing it on all threads, as src/report/figures.h chooses; index of
 * the measurement in the file. `over` is a doubtful one of a wider instruction set, `flop` what it
 * computes for each byte it was asked to move. */
report.headlines = function (item) {
  var all = (item.calibration || {}).measurements || [];
  return (item.headlines || []).map(function (one) {
    return { m: all[one.best], index: one.best, doubtful: one.doubtful, flop: one.flop_per_byte, over: one.passed_over === null ? null : { m: all[one.passed_over], index: one.passed_over } };
  });
};

report.flag = function (name) {
  return { small_working_set: "working set too small", above_ceiling: "above a hard limit: refused", misplaced: "pages on another node" }[name] || name.replace(/_/g, " ");
};

/* That a narrower instruction set stands for a wider one is never silent. */
report.passedOver = function (one) {
  var m = one.over.m;
  return report.kernelName(m) + ": " + m.isa + " is in doubt (" + page.figure(m) + " " + m.unit + ", " + (m.flags || []).map(report.flag).join(", ") + "), so " +
    (one.m.isa || "a narrower one") + " stands for it here. Measure again on a quiet machine.";
};

report.kernelName = function (m) {
  var quant = (m.params || {}).quant;
  return [m.kernel, quant, m.metric === "compute" && m.dtype !== quant ? m.dtype : null].filter(Boolean).join(" ");
};

/* ---- head ---- */

report.head = function (item) {
  var calibration = item.calibration, head = document.getElementById("head");
  var machine = (calibration || {}).machine || {}, cpu = machine.cpu || {};
  var title = calibration ? (machine.packages > 1 ? machine.packages + " x " : "") + (cpu.model || "processor unknown")
    : "Predictions";
  var left = page.el("div", {}, page.el("h1", {}, title));
  if (calibration) {
    var quality = calibration.quality || {}, grade = page.text(quality.grade);
    var tone = grade === "A" || grade === "B" ? "good" : grade === "C" ? "doubt" : "bad";
    left.append(page.el("p.soft", {}, grade ? [page.el("span.badge." + tone, {}, "quality " + grade), " "] : null, "measured " + (calibration.created || "at an unknown time") +
      (calibration.label ? " · " + calibration.label : "")));
    page.add(left, report.lead(item));
    (item.notices || []).forEach(function (text) { left.append(page.el("p", {}, page.el("span.badge.doubt", {}, "note"), " " + text)); });
    if ((quality.reasons || []).length) left.append(page.el("p.soft", {}, "How sure: " + quality.reasons.join("; ") + "."));
    if (calibration.partial)
      left.append(page.el("p", {}, page.el("span.badge.bad", {}, "partial"), " The run was interrupted; figures are missing."));
    left.append(page.facts(report.machineFacts(machine)));
  }
  head.append(page.el("div.top", {}, left, page.themeButton()));
};

report.count = function (list, one, many) {
  var n = (list || []).length;
  return n ? n + " " + (n === 1 ? one : many) : null;
};

/* As the kernel writes it. */
report.smt = function (text) { return { notsupported: "not supported", notimplemented: "not implemented", forceoff: "off, by force" }[text] || text; };

report.machineFacts = function (machine) {
  var memory = machine.memory || {}, settings = machine.settings || {}, firmware = machine.firmware || {}, os = machine.os || {};
  var modules = (memory.modules || []).filter(function (m) { return m && m.size_bytes > 0; });
  var total = os.memory_bytes || (machine.numa_nodes || []).reduce(function (sum, node) { return sum + (node.memory_bytes || 0); }, 0);
  return [
    ["processor", [report.count(machine.cores, "core", "cores"), report.count(machine.l3_groups, "L3 group", "L3 groups"),
      report.count(machine.numa_nodes, "NUMA node", "NUMA nodes"), machine.virtual ? "virtual machine" + (machine.hypervisor ? " (" + machine.hypervisor.trim() + ")" : "") : null]
      .filter(Boolean).join(" · ")],
    ["memory", [modules.length ? modules.length + " x " + (modules[0].type || "module") : "modules unknown",
      memory.configured_mts ? memory.configured_mts + " MT/s" : null,
      memory.channels_populated ? memory.channels_populated + (memory.channels_present ? " of " + memory.channels_present : "") + " channels" : null,
      total ? page.bytes(total) : null].filter(Boolean).join(" · ")],
    ["settings", [settings.governor ? "governor " + settings.governor : null, settings.smt ? "SMT " + report.smt(settings.smt) : null,
      page.text(settings.nps)].filter(Boolean).join(" · ")],
    ["software", [os.kernel ? "kernel " + os.kernel : null, firmware.bios ? "BIOS " + firmware.bios : null,
      firmware.microcode ? "microcode " + firmware.microcode : null].filter(Boolean).join(" · ")],
  ];
};

/* {name, text, unit, note, tone, path} */
report.tile = function (tile) {
  return page.el("li.tile", {}, page.el("div.soft", {}, tile.name),
    page.el("div.value", { "data-path": tile.path }, tile.text, page.el("span.unit", {}, " " + tile.unit)),
    page.el(tile.tone ? "div.note." + tile.tone : "div.note", {}, tile.note || ""));
};

report.rated = function (calibration, m) {
  return page.known(m.efficiency) && !(report.limitOf(calibration, m) || {}).host_only;
};

report.headline = function (item, kernel, dtype) {
  return report.headlines(item).find(function (one) { return one.m.kernel === kernel && (!dtype || one.m.dtype === dtype); });
};

report.reached = function (item, base) {
  var calibration = item.calibration, tiles = [];
  [["read", null, "memory, read"], ["fma", "f32", "FMA f32"]].forEach(function (want) {
    var one = report.headline(item, want[0], want[1]), m = one && one.m;
    if (!one) return;
    var rated = report.rated(calibration, m), flags = m.flags || [];
    tiles.push({ name: want[2], text: page.figure(m), unit: m.unit, path: base + "calibration.measurements." + one.index + ".median",
      note: (rated ? page.percent(m.efficiency) + " of its limit" : "limit unknown") + (flags.length ? ", " + report.flag(flags[0]) : "") +
        (one.over ? "; " + one.over.m.isa + " in doubt, " + m.isa + " stands" : ""),
      tone: flags.length || one.over ? "doubt" : rated ? page.verdict(m.efficiency) : "" });
  });
  (calibration.curves || []).some(function (curve, index) {
    return (curve.marks || []).some(function (mark, k) {
      if (curve.name !== "latency" || mark.name !== "memory") return false;
      tiles.push({ name: "memory latency", text: page.number(mark.value), unit: curve.unit, note: curve.page_bytes ? page.bytes(curve.page_bytes) + " pages" : "",
        path: base + "calibration.curves." + index + ".marks." + k + ".value" });
      return true;
    });
  });
  return tiles;
};

/* Generation in the first use case, of the models that fit, the largest of up to five. */
report.means = function (predictions, base) {
  var tiles = [];
  predictions.forEach(function (prediction, index) {
    var first = (prediction.results || [])[0], tg = first && first.tg_tok_s;
    if (tg && page.known(tg.value) && tiles.length < 5)
      tiles.push({ name: prediction.model.name, text: report.rate(tg), unit: "tok/s", path: base + "predictions." + index + ".results.0.tg_tok_s.value",
        note: page.known(tg.low) ? report.rate(tg, tg.low) + " to " + report.rate(tg, tg.high) : first["class"] + " in " + first.use_case });
  });
  return tiles;
};

report.group = function (title, tiles) {
  return tiles.length ? page.el("div.group", { style: "flex-grow:" + tiles.length }, page.el("h2.label", { id: page.slug(title), "data-quiet": "1" }, title),
    page.el("ul.tiles", {}, tiles.map(report.tile))) : null;
};

report.tiles = function (item, base) {
  var calibration = item.calibration, predictions = item.predictions || [];
  var formula = predictions.some(function (p) { return p.fidelity === "formula"; });
  var groups = [calibration ? report.group("What it reaches", report.reached(item, base)) : null,
    report.group("What that means, generated tokens per second" + (formula ? " at most" : ""), report.means(predictions, base))];
  document.getElementById("head").append(page.el("div.groups", {}, groups));
};

/* In words: what it reaches of its limits, and what that means. */
report.lead = function (item) {
  var calibration = item.calibration, read = report.headline(item, "read"), fma = report.headline(item, "fma", "f32"), words = [];
  function share(one) {
    var limit = report.limitOf(calibration, one.m);
    var binds = limit && limit.binds ? (calibration.limits || []).find(function (l) { return l.name === limit.binds && l.place.kind === "machine"; }) || limit : limit;
    var doubts = (one.m.flags || []).length ? ", in doubt: " + one.m.flags.map(report.flag).join(", ") : "";
    if (!limit || !report.rated(calibration, one.m)) return "a rate whose limit is unknown" + doubts;
    if (limit.refuted) return "above its supposed limit (" + page.number(limit.value) + " " + limit.unit + (limit.formula ? " = " + limit.formula : "") + "), which is thereby refuted" + doubts;
    return page.percent(one.m.efficiency) + " of its limit" + (one.over && one.m.metric === "compute" ? " with " + one.m.isa : "") + " (" + page.number(limit.value) + " " + limit.unit + (binds.formula ? " = " + binds.formula : "") + ")" + doubts;
  }
  if (read) words.push("Memory reads at " + page.figure(read.m) + " GB/s, " + share(read) + ".");
  if (fma) words.push("Arithmetic in FP32 reaches " + page.figure(fma.m) + " GFLOP/s, " + share(fma) + ".");
  var fits = (item.predictions || []).filter(function (p) { return (p.results || []).some(function (r) { return r.tg_tok_s && page.known(r.tg_tok_s.value); }); });
  var fast = fits.filter(function (p) { return p.results.some(function (r) { return r["class"] === "interactive"; }); });
  if (fits.length)
    words.push(fast.length ? (fast.length === fits.length ? (fits.length === 1 ? "The model is" : "All " + fits.length + " models that fit are") : fast.length + " of " + fits.length + " models that fit " + (fast.length === 1 ? "is" : "are")) + " interactive in some use case."
      : "None of the " + fits.length + " models that fit is interactive in any use case.");
  return words.length ? page.el("p.lead", {}, words.join(" ")) : null;
};

/* ---- predictions ---- */

/* What is estimated, or another value with the same places: digits as of a figure with this interval. */
report.rate = function (estimate, value) {
  return page.figure({ median: estimate.value, ci95: page.known(estimate.low) && page.known(estimate.high) ? [estimate.low, estimate.high] : null }, value);
};

report.range = function (estimate) {
  return page.known(estimate.low) && page.known(estimate.high) ? " (" + report.rate(estimate, estimate.low) + "–" + report.rate(estimate, estimate.high) + ")" : "";
};

report.estimate = function (estimate) {
  return !estimate || !page.known(estimate.value) ? "–" : report.rate(estimate) + report.range(estimate);
};

/* The same in a cell, where the interval may stand below. */
report.estimateCell = function (estimate) {
  return !estimate || !page.known(estimate.value) ? "–" : [report.rate(estimate), page.el("span.range", {}, report.range(estimate))];
};

report.classTone = function (name) {
  return { interactive: "good", background: "plain", offline: "doubt", "non-viable": "bad" }[name] || "doubt";
};

report.classBadge = function (name) { return page.el("span.badge." + report.classTone(name), {}, name || "unknown"); };

/* " · 1024 + 16": tokens of the prompt and of the output. */
report.shape = function (result) {
  var parts = [result.prompt_tokens, result.generated_tokens].filter(function (n) { return n > 0; });
  return parts.length ? " · " + parts.join(" + ") + (result.depth > 0 ? " at " + result.depth : "") : "";
};

report.predictionTable = function (label, predictions, base) {
  var rows = [];
  predictions.forEach(function (prediction, i) {
    (prediction.results || []).forEach(function (result, k) {
      rows.push({ p: prediction, r: result, path: base + "predictions." + i + ".results." + k + "." });
    });
  });
  function rate(field) {
    return { n: true, value: function (row) { return (row.r[field] || {}).value; },
      cell: function (row) { return report.estimateCell(row.r[field]); }, path: function (row) { return row.path + field + ".value"; } };
  }
  return page.table(label, [
    { head: "model", kind: "name", cell: function (row) { return row.p.model.name; } },
    { head: "use case", kind: "name", cell: function (row) { return row.r.use_case + report.shape(row.r); } },
    { head: "class", value: function (row) { return row.r["class"]; }, cell: function (row) { return report.classBadge(row.r["class"]); } },
    Object.assign({ head: "PP tok/s" }, rate("pp_tok_s")), Object.assign({ head: "TG tok/s" }, rate("tg_tok_s")),
    Object.assign({ head: "first token s" }, rate("first_token_s")), Object.assign({ head: "total s" }, rate("total_s")),
    { head: "bound by", cell: function (row) { return row.r.bound || "–"; } },
    { head: "why", kind: "w", cell: function (row) { return row.r.why || ""; } },
  ], rows, "stack");
};

/* The letter stands beside the colour, as in the terminal. */
report.classLetter = function (name) { return { interactive: "I", background: "B", offline: "O", "non-viable": "N" }[name] || "?"; };

/* A row a model: rates, and for each use case the class with the seconds to the last token. */
report.predictionMatrix = function (predictions, base) {
  var cases = [], rows = predictions.map(function (prediction, i) {
    (prediction.results || []).forEach(function (result) {
      if (!cases.some(function (one) { return one.use_case === result.use_case; })) cases.push(result);
    });
    return { p: prediction, path: base + "predictions." + i + ".results." };
  });
  function first(row, field) { return (row.p.results || []).findIndex(function (r) { return r[field] && page.known(r[field].value); }); }
  function rate(head, field) {
    return { head: head, n: true, value: function (row) { var k = first(row, field); return k < 0 ? null : row.p.results[k][field].value; },
      cell: function (row) { var k = first(row, field); return k < 0 ? "–" : report.estimateCell(row.p.results[k][field]); },
      path: function (row) { var k = first(row, field); return k < 0 ? null : row.path + k + "." + field + ".value"; } };
  }
  var columns = [{ head: "model", kind: "name", cell: function (row) { return row.p.model.name; } },
    { head: "GB", n: true, value: function (row) { return row.p.model.file_bytes; }, cell: function (row) { return page.number(row.p.model.file_bytes / 1e9); } },
    rate("PP tok/s", "pp_tok_s"), rate("TG tok/s", "tg_tok_s")];
  cases.slice(0, 8).forEach(function (one) {
    function of(row) { return (row.p.results || []).find(function (r) { return r.use_case === one.use_case; }) || {}; }
    columns.push({ head: one.use_case, sub: report.shape(one).replace(" · ", "").replace(" + ", "+"), n: true, kind: "case", value: function (row) { return (of(row).total_s || {}).value; },
      cell: function (row) {
        var result = of(row), seconds = (result.total_s || {}).value;
        return result["class"] ? page.el("span.badge." + report.classTone(result["class"]), { title: result["class"] + ": " + (result.why || "") },
          page.known(seconds) ? [report.classLetter(result["class"]), " ", report.seconds(seconds)] : result["class"]) : "–";
      } });
  });
  return page.table("Models and use cases", columns, rows, "stack");
};

/* What the use cases of a table are, and the tokens of each. */
report.useCases = function (predictions) {
  var cases = [], known = page.data.use_cases || {};
  predictions.forEach(function (prediction) {
    (prediction.results || []).forEach(function (result) {
      if (!cases.some(function (one) { return one.use_case === result.use_case; })) cases.push(result);
    });
  });
  return page.el("p.note", {}, "Below a use case: tokens of the prompt + tokens generated. ", cases.filter(function (one) { return known[one.use_case]; }).map(function (one) {
    return [page.el("strong", {}, one.use_case), " " + known[one.use_case] + ". "];
  }));
};

/* Three digits, as a time that people read. */
report.seconds = function (value) {
  return value >= 7200 ? page.number(value / 3600).slice(0, 4) + " h" : value >= 600 ? Math.round(value / 60) + " min" : Number(value.toPrecision(3)) + " s";
};

/* One line a model: x of a result, and the estimate there. */
report.predictionSeries = function (predictions, base, field, x) {
  return predictions.map(function (prediction, i) {
    var seen = {}, points = [];
    (prediction.results || []).forEach(function (result, k) {
      var estimate = result[field] || {}, at = x(result);
      if (!page.known(estimate.value) || !(at > 0) || seen[at]) return;
      seen[at] = true;
      points.push({ x: at, y: estimate.value, low: estimate.low, high: estimate.high, path: base + "predictions." + i + ".results." + k + "." + field + ".value",
        title: prediction.model.name, rows: [["use case", result.use_case], ["tokens", String(at)], ["tok/s", report.estimate(estimate)],
          ["bound by", result.bound || "–"], ["fidelity", prediction.fidelity]] });
    });
    return { name: prediction.model.name, points: points.sort(function (a, b) { return a.x - b.x; }) };
  }).filter(function (series) { return series.points.length; });
};

report.predictions = function (item, base) {
  var predictions = item.predictions || [];
  if (!predictions.length) return;
  var section = page.section("Predictions"), formula = predictions.some(function (p) { return p.fidelity === "formula"; });
  section.append(page.el("p", {}, "Prompt processing (PP) and token generation (TG), tokens per second. " + (formula
    ? "By the formula (bandwidth / bytes): an upper bound that real engines do not reach."
    : "In parentheses the 80\u00a0% interval, where it has been checked.")));
  section.append(report.predictionMatrix(predictions, base),
    page.el("p.note.legend-line", {}, "Time to the last token. ", [["interactive", "prompt within 5 s, more than 10 tok/s"], ["background", "both within 300 s"], ["offline", "within 8 h"],
      ["non-viable", "longer, or no room"]].map(function (one) { return [page.el("span.badge." + report.classTone(one[0]), {}, report.classLetter(one[0]) + " " + one[0]), " " + one[1] + "  "]; })),
    report.useCases(predictions),
    page.folded("Every prediction, with its reason", function () { return report.predictionTable("Predictions", predictions, base); }));
  var grid = page.el("div.grid", { style: "margin-top:16px" }), tokens = function (v) { return v >= 1024 && v % 1024 === 0 ? v / 1024 + "k" : String(v); };
  section.append(grid);
  [["tg_tok_s", "Generation against depth", "tokens in the context when generation starts", function (r) { return (r.depth || 0) + (r.generated_tokens > 0 ? r.prompt_tokens || 0 : 0); }],
    ["pp_tok_s", "Prompt processing against prompt length", "prompt tokens", function (r) { return r.prompt_tokens; }]].forEach(function (one) {
    var series = report.predictionSeries(predictions, base, one[0], one[3]);
    if (series.length)
      chart.xy(grid, { name: one[0], title: one[1], series: series, note: "tok/s, with the interval where there is one",
        x: { label: one[2], log: true, base: 2, format: tokens }, y: { label: "tok/s", log: true, format: report.short } });
  });
};

report.short = function (value) {
  return value >= 1e6 ? Number((value / 1e6).toPrecision(3)) + "M" : value >= 1e4 ? Number((value / 1e3).toPrecision(3)) + "k"
    : String(Number(value.toPrecision(3)));
};

/* ---- limits ---- */

report.efficiency = function (item, base, section) {
  var calibration = item.calibration;
  var bars = report.headlines(item).filter(function (one) {
    return page.known(one.m.efficiency) && !(report.limitOf(calibration, one.m) || {}).host_only;
  }).map(function (one) {
    var m = one.m, scale = m.efficiency / m.median;
    return { label: report.kernelName(m), value: m.efficiency, low: m.ci95 ? m.ci95[0] * scale : NaN, high: m.ci95 ? m.ci95[1] * scale : NaN,
      tone: page.verdict(m.efficiency), text: page.percent(m.efficiency) + " · " + page.figure(m) + " " + m.unit,
      path: base + "calibration.measurements." + one.index + ".efficiency", rows: page.how(m, report.limitOf(calibration, m)) };
  });
  var over = report.headlines(item).filter(function (one) { return one.over; });
  if (over.length)
    section.before(page.el("ul.warnings", {}, over.map(function (one) { return page.el("li", {}, report.passedOver(one)); })));
  if (bars.length)
    chart.bars(section, { name: "efficiency", title: "Percent of the limit", bars: bars, rule: 1,
      note: "all threads, with the 95 % interval; memory counts the bytes that it moved. From 80 % a figure is as it should be (green), below 60 % something is wrong (red)",
      axis: "dashed: 100 % of the limit" });
};

/* The same figure at each node, CCD or core. */
report.places = function (item, base, grid) {
  var groups = {}, calibration = item.calibration;
  (calibration.measurements || []).forEach(function (m, index) {
    if (!m.place || m.place.kind === "machine" || !page.known(m.median)) return;
    var key = [m.place.kind, m.metric, report.kernelName(m), m.threads, (m.params || {}).variant, m.stores].join("|");
    var group = groups[key] = groups[key] || {}, old = group[m.place.index];
    if (!old || m.median > old.m.median) group[m.place.index] = { m: m, index: index };
  });
  Object.keys(groups).forEach(function (key) {
    var list = Object.keys(groups[key]).map(function (place) { return groups[key][place]; });
    var rated = list.every(function (one) { return page.known(one.m.efficiency); });
    if (list.length < 2) return;
    list.sort(function (a, b) { return a.m.place.index - b.m.place.index; });
    report.placeChart(grid, calibration, list, rated, base, page.slug(key));
  });
};

/* Bars for a few places; for many, points on an axis that shows who is slower. */
report.placeChart = function (grid, calibration, list, rated, base, key) {
  var first = list[0].m, marks = list.map(function (one) {
    var m = one.m, scale = rated ? m.efficiency / m.median : 1;
    return { label: page.place(m.place), title: page.place(m.place), x: m.place.index, value: m.median * scale, y: m.median * scale * (rated ? 100 : 1),
      low: m.ci95 ? m.ci95[0] * scale : NaN, high: m.ci95 ? m.ci95[1] * scale : NaN, tone: rated ? page.verdict(m.efficiency) : null,
      text: (rated ? page.percent(m.efficiency) + " · " : "") + page.figure(m) + " " + m.unit,
      rows: page.how(m, report.limitOf(calibration, m)), path: base + "calibration.measurements." + one.index + (rated ? ".efficiency" : ".median") };
  });
  var options = { name: "places-" + key, title: report.kernelName(first) + " at each " + page.placeKind(first.place.kind),
    note: (rated ? "percent of the limit" : first.unit) + ", " + first.threads + " thread" + (first.threads === 1 ? "" : "s") + " each, 95 % intervals" };
  if (list.length <= 12) {
    chart.bars(grid, Object.assign(options, { bars: marks, rule: rated ? 1 : 0 }));
    return;
  }
  if (rated) marks.forEach(function (mark) { mark.low *= 100; mark.high *= 100; mark.path = null; });
  options.note += "; the axis does not begin at 0";
  chart.xy(grid, Object.assign(options, { series: [{ name: first.kernel, line: false, points: marks }],
    x: { label: page.placeKind(first.place.kind), format: String, zero: false, whole: true },
    y: { label: rated ? "%" : first.unit, format: report.short, zero: false } }));
};

/* ---- curves and matrices ---- */

report.curveTitles = { latency: "Latency against working set", sweep: "Bandwidth against working set", scaling: "Thread scaling",
  loaded_latency: "Latency under load", barrier: "Barrier against threads" };

report.curveName = function (curve) {
  return [curve.kernel, curve.variant, curve.isa, curve.dtype && curve.dtype !== "u64" ? curve.dtype : null,
    curve.place && curve.place.kind !== "machine" ? page.place(curve.place) : null,
    page.known(curve.threads) ? curve.threads + (curve.threads === 1 ? " thread" : " threads") : null,
    curve.page_bytes ? page.bytes(curve.page_bytes) + " pages" : null].filter(Boolean).join(", ");
};

/* Which axes a quantity gets. */
report.axis = function (x, unit) {
  if (unit === "bytes") return { label: "working set", log: true, base: 4, format: page.bytes };
  if (x === "threads") return { label: "threads", log: false, whole: true, format: String };
  if (x === "flop_per_byte") return { label: "FLOP / byte", log: true, format: report.short };
  if (x === "injected_gb_s") return { label: "bandwidth of the other threads, GB/s", log: false, format: report.short };
  return { label: (x || "").replace(/_/g, " ") + (unit && unit !== "1" ? ", " + unit : ""), log: false, format: report.short };
};

report.curvePoints = function (curve, path) {
  return (curve.points || []).map(function (point, k) {
    var rows = [[curve.x === "working_set_bytes" ? "working set" : (curve.x || "x").replace(/_/g, " "),
      curve.x_unit === "bytes" ? page.bytes(point.x) : page.number(point.x)], ["median", page.figure(point) + " " + curve.unit]];
    if (point.ci95) rows.push(["95 %", page.figure(point, point.ci95[0]) + " to " + page.figure(point, point.ci95[1])]);
    if (point.n) rows.push(["repeats", String(point.n)]);
    if (page.known(point.core_ghz)) rows.push(["clock", page.number(point.core_ghz) + " GHz"]);
    return { x: point.x, y: point.median, low: (point.ci95 || [])[0], high: (point.ci95 || [])[1], title: report.curveName(curve), rows: rows,
      path: path + ".points." + k + ".median" };
  });
};

report.curveTable = function (curves) {
  var rows = [];
  curves.forEach(function (one) {
    one.curve.points.forEach(function (point, k) { rows.push({ c: one.curve, p: point, path: one.path + ".points." + k }); });
  });
  return page.table("points of " + curves[0].curve.name + ", " + curves[0].curve.unit, [
    { head: "curve", cell: function (row) { return report.curveName(row.c); } },
    { head: rows[0].c.x || "x", n: true, value: function (row) { return row.p.x; }, cell: function (row) { return row.c.x_unit === "bytes" ? page.bytes(row.p.x) : page.number(row.p.x); } },
    { head: "median, " + rows[0].c.unit, n: true, value: function (row) { return row.p.median; }, cell: function (row) { return page.figure(row.p); }, path: function (row) { return row.path + ".median"; } },
    { head: "95 %", n: true, value: function (row) { return (row.p.ci95 || [])[0]; }, cell: function (row) { return row.p.ci95 ? page.figure(row.p, row.p.ci95[0]) + " to " + page.figure(row.p, row.p.ci95[1]) : "–"; } },
    { head: "n", n: true, value: function (row) { return row.p.n; }, cell: function (row) { return String(row.p.n || "–"); } },
  ], rows);
};

/* Curves of one name, unit and x share a chart. */
report.curveGroups = function (items) {
  var groups = {};
  items.forEach(function (item, i) {
    ((item.calibration || {}).curves || []).forEach(function (curve, k) {
      var key = [curve.name, curve.unit, curve.x, curve.x_unit].join("|");
      if (!curve.points || !curve.points.length || curve.name === "roofline") return;
      (groups[key] = groups[key] || []).push({ curve: curve, item: item, path: "items." + i + ".calibration.curves." + k });
    });
  });
  return Object.keys(groups).map(function (key) { return groups[key]; });
};

report.curves = function (grid, groups, prefix) {
  groups.forEach(function (group) {
    var first = group[0].curve, bands = [], spread = [];
    group.forEach(function (one) {
      if (one === group[0]) (one.curve.marks || []).forEach(function (mark) { bands.push({ from: mark.from, to: mark.to, value: mark.value, name: mark.name }); });
      one.curve.points.forEach(function (point) { if (point.median > 0) spread.push(point.median); });
    });
    var wide = Math.max.apply(null, spread) > 20 * Math.min.apply(null, spread);
    if (group.every(function (one) { return one.curve.points.length === 1; })) {
      report.singlePoints(grid, group, prefix);
      return;
    }
    chart.xy(grid, { name: "curve-" + first.name + "-" + first.metric, title: report.curveTitles[first.name] || first.name,
      note: first.unit + (bands.length ? "; marked: what was found on the curve" : "") + ", 95 % intervals", bands: bands,
      x: report.axis(first.x, first.x_unit), y: { label: first.unit, log: wide && first.x !== "threads", format: report.short },
      series: group.map(function (one) {
        return { name: (prefix ? one.item.short + ": " : "") + report.curveName(one.curve), points: report.curvePoints(one.curve, one.path) };
      }), table: function () { return report.curveTable(group); } });
  });
};

/* One point is no curve: of two threads there is one number of threads to meet at a barrier. */
report.singlePoints = function (grid, group, prefix) {
  var first = group[0].curve, what = report.axis(first.x, first.x_unit);
  chart.bars(grid, { name: "curve-" + first.name + "-" + first.metric, title: report.curveTitles[first.name] || first.name,
    note: first.unit + ", with the 95 % interval; a single point was measured", bars: group.map(function (one) {
      var point = report.curvePoints(one.curve, one.path)[0], at = one.curve.points[0];
      return { label: (prefix ? one.item.short + ": " : "") + report.curveName(one.curve) + ", " + what.format(at.x) + " " + what.label, value: point.y, low: point.low, high: point.high,
        text: page.figure(at) + " " + one.curve.unit, path: point.path, rows: point.rows };
    }) });
};

report.matrixTitles = { core_to_core: "Core to core", node_read: "Node to node, read", node_latency: "Node to node, latency" };

report.matrixTable = function (matrix, path) {
  var columns = [{ head: matrix.rows || "row", n: true, value: function (row) { return matrix.row_ids[row]; }, cell: function (row) { return String(matrix.row_ids[row]); } }];
  matrix.column_ids.forEach(function (id, k) {
    columns.push({ head: String(id), n: true, value: function (row) { return matrix.values[row][k]; }, cell: function (row) { return page.number(matrix.values[row][k]); },
      path: function (row) { return path + ".values." + row + "." + k; } });
  });
  return page.table(matrix.name, columns, matrix.row_ids.map(function (id, i) { return i; }));
};

report.matrices = function (grid, item, base) {
  ((item.calibration || {}).matrices || []).forEach(function (matrix, index) {
    if (!matrix.row_ids || !matrix.row_ids.length || !matrix.column_ids.length) return;
    var path = base + "calibration.matrices." + index, large = matrix.column_ids.length > 64;
    chart.heat(grid, { name: "matrix-" + matrix.name, title: report.matrixTitles[matrix.name] || matrix.name, matrix: matrix, wide: matrix.column_ids.length > 24,
      note: matrix.unit + (matrix.rows === "node" ? "; rows: where the threads are, columns: where the memory is" : "; row to column"),
      table: large && chart.available() ? null : function () { return report.matrixTable(matrix, path); } });
  });
};

/* ---- all figures ---- */

report.measurementTable = function (item, base) {
  var rows = item.calibration.measurements.map(function (m, index) { return { m: m, index: index }; });
  function text(field) { return function (row) { return row.m[field] || ""; }; }
  return page.table("All figures", [
    { head: "kernel", cell: function (row) { return report.kernelName(row.m); } }, { head: "ISA", cell: text("isa") }, { head: "type", cell: text("dtype") },
    { head: "how", cell: function (row) {
      var params = row.m.params || {};
      return [row.m.stores === "none" ? null : row.m.stores, params.variant, params.n > 0 ? params.n + (params.n === 1 ? " token" : " tokens") : null,
        params.depth > 0 ? params.depth + " deep" : null].filter(Boolean).join(", ");
    } },
    { head: "place", cell: function (row) { return page.place(row.m.place); } },
    { head: "threads", n: true, value: function (row) { return row.m.threads; }, cell: function (row) { return page.known(row.m.threads) ? String(row.m.threads) : "–"; } },
    { head: "working set", n: true, value: function (row) { return row.m.working_set_bytes; }, cell: function (row) { return page.bytes(row.m.working_set_bytes); } },
    { head: "median", n: true, value: function (row) { return row.m.median; }, cell: function (row) { return page.figure(row.m); }, path: function (row) { return base + "calibration.measurements." + row.index + ".median"; } },
    { head: "± 95 %", n: true, value: function (row) { return row.m.ci95 ? row.m.ci95[1] - row.m.ci95[0] : null; }, cell: function (row) { return row.m.ci95 ? page.figure(row.m, (row.m.ci95[1] - row.m.ci95[0]) / 2) : "–"; } },
    { head: "unit", cell: text("unit") },
    { head: "of limit", n: true, value: function (row) { return row.m.efficiency; }, cell: function (row) { return page.percent(row.m.efficiency); } },
    { head: "n", n: true, value: function (row) { return row.m.n; }, cell: function (row) { return String(row.m.n || "–"); } },
    { head: "doubts", cell: function (row) { return (row.m.flags || []).map(report.flag).join(", "); } },
  ], rows, "stack");
};

report.limitTable = function (item, base) {
  return page.table("Limits", [
    { head: "limit", cell: function (row) { return row.l.name; } }, { head: "place", cell: function (row) { return page.place(row.l.place); } },
    { head: "value", n: true, value: function (row) { return row.l.value; }, cell: function (row) { return page.number(row.l.value); }, path: function (row) { return base + "calibration.limits." + row.index + ".value"; } },
    { head: "unit", cell: function (row) { return row.l.unit || ""; } }, { head: "from", cell: function (row) { return row.l.basis || ""; } },
    { head: "formula", kind: "w", cell: function (row) { return (row.l.refuted ? "REFUTED by a higher result; " : "") + (row.l.host_only ? "the host's, rates nothing here; " : "") + (row.l.formula || row.l.binds || ""); } },
  ], item.calibration.limits.map(function (limit, index) { return { l: limit, index: index }; }).sort(function (a, b) {
    return (b.l.place.kind === "machine") - (a.l.place.kind === "machine") || a.index - b.index;
  }), "stack");
};

report.bases = { smbios: "the firmware's tables", udev: "the system's copy of the firmware's tables", edac: "the driver of the memory controllers", hsmp: "AMD's management port",
  ryzen_smu: "the processor's power controller", perf: "performance counters", catalogue: "tokenroof's table of processors, not this machine", user: "what the user gave",
  measured_clock: "the clock while the figure was taken", measured_bound: "a bound that was measured" };

/* What the names in the table of limits mean, as far as they occur. */
report.limitNotes = function (limits) {
  var names = { dram: "the modules as they are fitted", dram_all_channels: "the same with a module in every channel", memory_controller: "the memory controllers", fabric_: "the links between cores and memory",
    memory_: "what binds of these, for reads, writes and both", flop_: "multiply-adds of all cores" };
  var used = Object.keys(names).filter(function (name) { return limits.some(function (l) { return /_$/.test(name) ? l.name.indexOf(name) === 0 && l.name !== "memory_controller" : l.name === name; }); });
  var from = Object.keys(report.bases).filter(function (name) { return limits.some(function (l) { return l.basis === name; }); });
  return page.el("p.note", {}, used.map(function (name, i) { return (i ? "; " : "") + name.replace(/_$/, "_…") + ": " + names[name]; }), ". Their inputs are from: ",
    from.map(function (name, i) { return (i ? "; " : "") + name + ", " + report.bases[name]; }), ".");
};

report.moduleTable = function (modules) {
  var names = [];
  modules.forEach(function (module) { Object.keys(module).forEach(function (key) { if (names.indexOf(key) < 0 && typeof module[key] !== "object") names.push(key); }); });
  return page.table("Memory modules", names.map(function (name) {
    return { head: { size_bytes: "size", configured_mts: "MT/s now", rated_mts: "MT/s rated", part_number: "part" }[name] || name.replace(/_/g, " "), n: modules.some(function (m) { return typeof m[name] === "number"; }), value: function (row) { return row[name]; },
      cell: function (row) { var v = row[name]; return v === null || v === undefined ? "" : /bytes$/.test(name) ? page.bytes(v) : String(v); } };
  }), modules, "stack");
};

report.conditions = function (item) {
  var section = page.section("Conditions and warnings"), warnings = item.warnings || [], conditions = (item.calibration || {}).conditions || {};
  section.append(warnings.length ? page.el("ul.warnings", {}, warnings.map(function (text) { return page.el("li", {}, text); }))
    : page.el("p", {}, "No warnings."));
  section.append(page.facts(Object.keys(conditions).filter(function (key) { return key !== "warnings"; }).map(function (key) {
    return report.condition(key, conditions[key]);
  })));
};

/* A name and a unit that people know; others as they stand in the file. */
report.condition = function (key, value) {
  var names = { steal_fraction: "time that the hypervisor took", huge_pages: "buffers in huge pages", pages_on_node: "buffers on their node", timer_disagreement: "two clocks differ by",
    timer_step_ns: "step of the clock", memory_limit_bytes: "memory limit", cpu_quota: "CPUs by the quota", load_average: "load average before" };
  var name = names[key] || key.replace(/_/g, " ");
  if (!page.known(value)) return [name, typeof value === "object" && value !== null ? JSON.stringify(value) : page.text(value)];
  if (key === "timer_disagreement") return [name, value < 1e-6 ? "less than 1 in a million" : page.number(1e6 * value) + " in a million"];
  if (/bytes$/.test(key)) return [name, page.bytes(value)];
  if (key === "steal_fraction" || key === "huge_pages" || key === "pages_on_node") return [name, Number((100 * value).toPrecision(3)) + " %"];
  return [name, page.number(value, Number.isInteger(value) ? 1e4 : value) + (key === "timer_step_ns" ? " ns" : "")];
};

page.kinds.report = function (data) {
  var item = data.items[0], base = "items.0.", calibration = item.calibration, section, grid;
  report.head(item);
  report.tiles(item, base);
  report.predictions(item, base);
  if (!calibration) return;
  section = page.section("Limits and what was reached");
  grid = page.el("div.grid");
  section.append(grid);
  roofline.draw(grid, item, base);
  report.efficiency(item, base, grid);
  report.places(item, base, grid);
  products.draw(item, base);
  var groups = report.curveGroups(data.items);
  if (groups.length) {
    grid = page.el("div.grid");
    page.section("Caches, memory and threads").append(grid);
    report.curves(grid, groups, false);
  }
  if ((calibration.matrices || []).length) {
    grid = page.el("div.grid");
    page.section("Between nodes and cores").append(grid);
    report.matrices(grid, item, base);
  }
  section = page.section("All figures");
  section.append(page.el("p.soft", {}, "Bandwidth counts the bytes that the program asked for; the share of the limit counts what the memory moved. A heading sorts."));
  if (calibration.measurements.length > 40)
    section.classList.add("only-folded"), section.append(page.folded(calibration.measurements.length + " figures", function () { return report.measurementTable(item, base); }));
  else section.append(report.measurementTable(item, base));
  if ((calibration.limits || []).length)
    page.section("Limits").append(report.limitNotes(calibration.limits), calibration.limits.length > 60 ? page.folded(calibration.limits.length + " limits", function () { return report.limitTable(item, base); })
      : report.limitTable(item, base));
  var modules = (((calibration.machine || {}).memory || {}).modules || []).filter(Boolean);
  if (modules.length) page.section("Memory modules").append(report.moduleTable(modules));
  report.conditions(item);
};

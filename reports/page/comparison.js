/* The page of several files: what differs, and their curves over each other. The first file is what
 * the others are compared with. */
"use strict";

var comparison = {};

/* What makes two measurements the same figure. */
comparison.key = function (m) {
  var params = m.params || {};
  return JSON.stringify([m.metric, m.kernel, params.variant, params.quant, params.m, params.n, params.k, params.batch, params.depth,
    m.isa, m.dtype, m.stores, m.place && m.place.kind, m.place && m.place.index, m.threads]);
};

/* b / a - 1 with its interval: the relative halves of both intervals, added in quadrature. */
comparison.difference = function (a, b) {
  var ratio = b.median / a.median, low = NaN, high = NaN;
  if (a.ci95 && b.ci95) {
    var half = Math.hypot((a.ci95[1] - a.ci95[0]) / 2 / a.median, (b.ci95[1] - b.ci95[0]) / 2 / b.median) * ratio;
    low = ratio - half - 1;
    high = ratio + half - 1;
  }
  return { value: ratio - 1, low: low, high: high, sure: low > 0 || high < 0 };
};

comparison.pairs = function (items) {
  var first = {}, pairs = [];
  ((items[0].calibration || {}).measurements || []).forEach(function (m, index) { first[comparison.key(m)] = { m: m, index: index }; });
  items.slice(1).forEach(function (item, i) {
    ((item.calibration || {}).measurements || []).forEach(function (m, index) {
      var a = first[comparison.key(m)];
      if (a && a.m.median > 0 && m.median > 0)
        pairs.push({ a: a.m, b: m, aPath: "items.0.calibration.measurements." + a.index + ".median", item: item,
          bPath: "items." + (i + 1) + ".calibration.measurements." + index + ".median", d: comparison.difference(a.m, m) });
    });
  });
  return pairs;
};

comparison.sign = function (v) { return (v > 0 ? "+" : "") + (100 * v).toFixed(1); };

comparison.percent = function (d) {
  return comparison.sign(d.value) + " %" + (page.known(d.low) ? " (" + comparison.sign(d.low) + " to " + comparison.sign(d.high) + ")" : "");
};

/* "good" where b is better than a beyond the interval, "bad" where it is worse, else "soft". */
comparison.tone = function (m, d) {
  var lower = m.unit === "ns" || m.metric === "latency" || m.metric === "sync";
  return !d.sure ? "soft" : (d.value > 0) !== lower ? "good" : "bad";
};

comparison.name = function (m) {
  var params = m.params || {};
  return [report.kernelName(m), params.n > 1 ? params.n + " tokens" : null, params.depth > 0 ? params.depth + " deep" : null, m.isa, m.stores === "none" ? null : m.stores,
    params.variant, m.place && m.place.kind !== "machine" ? page.place(m.place) : null,
    page.known(m.threads) ? m.threads + (m.threads === 1 ? " thread" : " threads") : null].filter(Boolean).join(", ");
};

/* Facts of the machines that are not the same in all files. */
comparison.facts = function (items) {
  var all = items.map(function (item) {
    var flat = {}, machine = (item.calibration || {}).machine || {};
    (function walk(value, path) {
      if (value && typeof value === "object" && !Array.isArray(value)) Object.keys(value).forEach(function (key) { walk(value[key], path ? path + "." + key : key); });
      else flat[path] = Array.isArray(value) ? value.length + " entries" : value;
    })(machine, "");
    return flat;
  });
  var keys = Object.keys(Object.assign.apply(null, [{}].concat(all)));
  return keys.filter(function (key) {
    return !/^sensors/.test(key) && all.some(function (flat) { return flat[key] !== all[0][key]; });
  }).map(function (key) { return { key: key, values: all.map(function (flat) { return flat[key]; }) }; });
};

comparison.head = function (items) {
  var head = document.getElementById("head");
  head.append(page.el("div.top", {}, page.el("div", {}, page.el("h1", {}, "Comparison of " + items.length + " files")), page.themeButton()));
  head.append(page.el("ul.tiles", {}, items.map(function (item, index) {
    var calibration = item.calibration || {}, cpu = (calibration.machine || {}).cpu || {};
    return page.el("li.tile", {}, page.el("strong", {}, item.short), page.el("div", {}, cpu.model || "no calibration"),
      page.el("div.note", {}, [calibration.created, calibration.label, (calibration.quality || {}).grade ? "quality " + calibration.quality.grade : null,
        index ? null : items.length > 2 ? "the others are compared with this one" : "the other is compared with this one"].filter(Boolean).join(" · ")));
  })));
};

comparison.differences = function (items) {
  var pairs = comparison.pairs(items), section = page.section("Differences"), grid = page.el("div.grid");
  section.append(page.el("p", {}, "Each figure against the same one of " + items[0].short + ". The interval joins the 95 % intervals of both medians in quadrature: " +
    "it holds for what varies within a run, and says nothing of what varies from run to run."), grid);
  if (!pairs.length) {
    section.append(page.el("p", {}, "No figure is in both."));
    return;
  }
  items.slice(1).forEach(function (item) {
    var shown = pairs.filter(function (pair) { return pair.item === item && pair.a.place.kind === "machine"; });
    shown.sort(function (x, y) { return Math.abs(y.d.value) - Math.abs(x.d.value); });
    if (shown.length)
      chart.bars(grid, { name: "difference-" + item.index, title: item.short + " against " + items[0].short, wide: items.length === 2, least: 0.05,
        note: "the 15 largest differences on the whole machine, with the interval; green: better, red: worse, grey: within the interval", bars: shown.slice(0, 15).map(function (pair) {
          return { label: comparison.name(pair.a), value: pair.d.value, low: pair.d.low, high: pair.d.high, text: comparison.percent(pair.d),
            tone: comparison.tone(pair.a, pair.d), rows: [[items[0].short, page.number(pair.a.median) + " " + pair.a.unit], [item.short, page.number(pair.b.median) + " " + pair.b.unit],
              ["difference", comparison.percent(pair.d)]] };
        }) });
  });
  var build = function () {
    return page.table("Differences", [
      { head: "figure", cell: function (row) { return comparison.name(row.a); } }, { head: "file", cell: function (row) { return row.item.short; } },
      { head: items[0].short, n: true, value: function (row) { return row.a.median; }, cell: function (row) { return page.number(row.a.median); }, path: function (row) { return row.aPath; } },
      { head: "there", n: true, value: function (row) { return row.b.median; }, cell: function (row) { return page.number(row.b.median); }, path: function (row) { return row.bPath; } },
      { head: "unit", cell: function (row) { return row.a.unit; } },
      { head: "difference", n: true, value: function (row) { return row.d.value; }, cell: function (row) { return comparison.percent(row.d); } },
      { head: "beyond the interval", cell: function (row) { return row.d.sure ? "yes" : "no"; } },
    ], pairs, "stack");
  };
  section.append(pairs.length > 60 ? page.folded(pairs.length + " pairs of figures", build) : build());
};

comparison.conditions = function (items) {
  var facts = comparison.facts(items), section = page.section("What else differs");
  if (!facts.length) section.append(page.el("p", {}, "The machines' facts are the same."));
  else section.append(page.table("Facts that differ", [{ head: "fact", cell: function (row) { return row.key; } }].concat(items.map(function (item, index) {
    return { head: item.short, cell: function (row) { return page.text(row.values[index]) || "–"; } };
  })), facts, items.length > 4 ? "sticky" : "stack"));
  comparison.warnings(section, items);
};

/* Files with the same warnings share them. */
comparison.warnings = function (section, items) {
  var groups = {};
  items.forEach(function (item) {
    var key = JSON.stringify(item.warnings || []);
    if ((item.warnings || []).length) (groups[key] = groups[key] || []).push(item);
  });
  Object.keys(groups).forEach(function (key) {
    var names = groups[key].map(function (item) { return item.short; }), all = names.length === items.length && names.length > 1;
    section.append(page.el("h3", { style: "margin-top:1rem" }, "Warnings of " + (all ? "all" : names.slice(0, 12).join(", ") + (names.length > 12 ? " and " + (names.length - 12) + " more" : ""))),
      page.el("ul.warnings", {}, groups[key][0].warnings.map(function (text) { return page.el("li", {}, text); })));
  });
};

/* What a reader asks first, of each file against the first one. */
comparison.lead = function (items) {
  var first = items[0], lines = [];
  items.slice(1).forEach(function (item) {
    var words = [];
    [["read", null, "memory reads"], ["fma", "f32", "FP32 arithmetic"]].forEach(function (want) {
      var a = first.calibration && report.headline(first, want[0], want[1]), b = item.calibration && report.headline(item, want[0], want[1]);
      if (!a || !b) return;
      var d = comparison.difference(a.m, b.m), doubtful = a.doubtful || b.doubtful;
      words.push(want[2] + " " + comparison.percent(d) + (d.sure ? "" : ", within the interval") + (doubtful ? ", in doubt" : "") + (a.m.isa !== b.m.isa && want[1] ? ", " + b.m.isa + " against " + a.m.isa : ""));
    });
    var ratios = comparison.predicted([first, item]).map(function (row) { return row.tg[1] / row.tg[0]; }).filter(page.known);
    if (ratios.length) words.push("predicted generation " + comparison.sign(hosts.median(ratios) - 1) + " % (median of " + ratios.length + ")");
    if (words.length) lines.push(page.el("p.lead", {}, page.el("strong", {}, item.short), " against " + first.short + ": " + words.join("; ") + "."));
  });
  return lines;
};

/* Rows of model and use case with the rates of each file: {model, use_case, shape, tg: [], pp: [], paths}. */
comparison.predicted = function (items) {
  var rows = {};
  items.forEach(function (item, i) {
    (item.predictions || []).forEach(function (prediction, p) {
      (prediction.results || []).forEach(function (result, k) {
        var key = prediction.model.name + "|" + result.use_case, base = "items." + item.index + ".predictions." + p + ".results." + k + ".";
        var row = rows[key] = rows[key] || { model: prediction.model.name, use_case: result.use_case + report.shape(result), tg: [], pp: [], paths: [] };
        row.tg[i] = (result.tg_tok_s || {}).value;
        row.pp[i] = (result.pp_tok_s || {}).value;
        row.paths[i] = base;
      });
    });
  });
  return Object.keys(rows).map(function (key) { return rows[key]; });
};

comparison.predictions = function (items) {
  var rows = comparison.predicted(items), section, columns;
  if (!rows.length) return;
  section = page.section("Predictions");
  columns = [{ head: "model", kind: "name", cell: function (row) { return row.model; } }, { head: "use case", kind: "name", cell: function (row) { return row.use_case; } }];
  [["tg", "TG tok/s"], ["pp", "PP tok/s"]].forEach(function (rate) {
    items.forEach(function (item, i) {
      columns.push({ head: item.short, sub: rate[1], n: true, kind: "figure", value: function (row) { return row[rate[0]][i]; },
        path: function (row) { return page.known(row[rate[0]][i]) ? row.paths[i] + rate[0] + "_tok_s.value" : null; },
        cell: function (row) {
          var value = row[rate[0]][i], change = value / row[rate[0]][0] - 1;
          return page.known(value) ? [report.rate({ value: value }), i && page.known(change) ? page.el("span.range", {}, " (" + comparison.sign(change) + " %)") : null] : "–";
        } });
    });
  });
  section.append(page.el("p", {}, "Generation (TG) and prompt processing (PP), tokens per second; in parentheses the change against " + items[0].short + "."),
    page.table("Predictions of all files", columns, rows, items.length > 3 ? "sticky" : "stack"));
  items.forEach(function (item, index) {
    if ((item.predictions || []).length)
      section.append(page.folded("Every prediction of " + item.short + ", with its reason", function () {
        return report.predictionTable("Predictions, " + item.short, item.predictions, "items." + index + ".");
      }));
  });
  section.append(report.useCases([].concat.apply([], items.map(function (item) { return item.predictions || []; }))));
};

/* Each file's label, or its name where labels do not tell them apart. */
comparison.names = function (items) {
  var labels = items.map(function (item) { return (item.calibration || {}).label || ""; });
  var distinct = new Set(labels).size === items.length && labels.indexOf("") < 0;
  items.forEach(function (item, index) {
    var name = (item.name || "").split("/").pop().replace(/\.json$/, "") || "file";
    var same = items.filter(function (other) { return (other.name || "").split("/").pop().replace(/\.json$/, "") === name; });
    item.index = index;
    item.short = distinct ? labels[index] : same.length > 1 ? name + " (" + (index + 1) + ")" : name;
  });
};

page.kinds.comparison = function (data) {
  var items = data.items, grid;
  comparison.names(items);
  comparison.head(items);
  document.getElementById("head").append.apply(document.getElementById("head"), comparison.lead(items));
  comparison.differences(items);
  var groups = report.curveGroups(items);
  if (groups.length) {
    grid = page.el("div.grid");
    page.section("Curves").append(grid);
    report.curves(grid, groups, true);
  }
  comparison.predictions(items);
  comparison.conditions(items);
};

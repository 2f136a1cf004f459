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

comparison.percent = function (d) {
  var sign = function (v) { return (v > 0 ? "+" : "") + (100 * v).toFixed(1); };
  return sign(d.value) + " %" + (page.known(d.low) ? " (" + sign(d.low) + " to " + sign(d.high) + ")" : "");
};

comparison.name = function (m) {
  return [report.kernelName(m), m.isa, m.stores === "none" ? null : m.stores, (m.params || {}).variant, page.place(m.place),
    page.known(m.threads) ? m.threads + " thr" : null].filter(Boolean).join(", ");
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
        index ? null : "the others are compared with this one"].filter(Boolean).join(" · ")));
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
      chart.bars(grid, { name: "difference-" + item.index, title: item.short + " against " + items[0].short, wide: items.length === 2,
        note: "the 20 largest differences on the whole machine, with the interval", bars: shown.slice(0, 20).map(function (pair) {
          return { label: comparison.name(pair.a), value: pair.d.value, low: pair.d.low, high: pair.d.high, text: comparison.percent(pair.d),
            tone: pair.d.sure ? null : "soft", rows: [[items[0].short, page.number(pair.a.median) + " " + pair.a.unit], [item.short, page.number(pair.b.median) + " " + pair.b.unit],
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
    ], pairs);
  };
  section.append(pairs.length > 60 ? page.folded(pairs.length + " pairs of figures", build) : build());
};

comparison.conditions = function (items) {
  var facts = comparison.facts(items), section = page.section("What else differs");
  if (!facts.length) section.append(page.el("p", {}, "The machines' facts are the same."));
  else section.append(page.table("Facts that differ", [{ head: "fact", cell: function (row) { return row.key; } }].concat(items.map(function (item, index) {
    return { head: item.short, cell: function (row) { return page.text(row.values[index]) || "–"; } };
  })), facts));
  items.forEach(function (item) {
    if ((item.warnings || []).length)
      section.append(page.el("h3", { style: "margin-top:1rem" }, "Warnings of " + item.short),
        page.el("ul.warnings", {}, item.warnings.map(function (text) { return page.el("li", {}, text); })));
  });
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
  comparison.differences(items);
  var groups = report.curveGroups(items);
  if (groups.length) {
    grid = page.el("div.grid");
    page.section("Curves").append(grid);
    report.curves(grid, groups, true);
  }
  if (items.some(function (item) { return (item.predictions || []).length; })) {
    var section = page.section("Predictions");
    items.forEach(function (item, index) {
      if ((item.predictions || []).length)
        section.append(page.el("h3", { style: "margin-top:1rem" }, item.short), report.predictionTable("Predictions, " + item.short, item.predictions, "items." + index + "."));
    });
  }
  comparison.conditions(items);
};

/* The page of many hosts, or of many runs: host x figure. What is far from the others is marked. */
"use strict";

var hosts = {};

/* A figure of a host: {key, name, unit, value, path, better: 1 higher, -1 lower}. */
hosts.figuresOf = function (item, base) {
  var found = [], calibration = item.calibration || {};
  function add(name, unit, value, path, better) {
    if (page.known(value)) found.push({ key: name + "|" + unit, name: name, unit: unit, value: value, path: base + path, better: better });
  }
  report.headlines(item).forEach(function (one) {
    var m = one.m;
    if (["read", "copy", "write", "triad", "fma", "dotprod"].indexOf(m.kernel) >= 0)
      add(report.kernelName(m), m.unit, m.median, "calibration.measurements." + one.index + ".median", 1);
  });
  products.rows(calibration).forEach(function (row) {
    var prompt = row.all[row.all.length - 1];
    if (row.vector) add(row.name + ", 1 token", row.vector.m.unit, row.vector.m.median, "calibration.measurements." + row.vector.index + ".median", 1);
    if (prompt) add(row.name + ", " + prompt.m.params.n + " tokens", prompt.m.unit, prompt.m.median, "calibration.measurements." + prompt.index + ".median", 1);
  });
  var seen = {};
  (calibration.curves || []).forEach(function (curve, k) {
    (curve.marks || []).forEach(function (mark, n) {
      if (curve.name !== "latency" || mark.name !== "memory" || seen[curve.page_bytes]) return;
      seen[curve.page_bytes] = true;
      add("memory latency" + (curve.page_bytes ? ", " + page.bytes(curve.page_bytes) + " pages" : ""), curve.unit, mark.value,
        "calibration.curves." + k + ".marks." + n + ".value", -1);
    });
  });
  (item.predictions || []).forEach(function (prediction, k) {
    var at = (prediction.results || []).findIndex(function (r) { return r.tg_tok_s && page.known(r.tg_tok_s.value); });
    if (at >= 0) add(prediction.model.name, "tok/s", prediction.results[at].tg_tok_s.value, "predictions." + k + ".results." + at + ".tg_tok_s.value", 1);
  });
  return found;
};

hosts.median = function (values) {
  var sorted = values.slice().sort(function (a, b) { return a - b; }), n = sorted.length;
  return n ? (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 : NaN;
};

/* Median over the hosts, and from where on a host stands out: 3.5 robust standard deviations (of the
 * median absolute deviation), and 3 % at least. */
hosts.typical = function (values) {
  var middle = hosts.median(values), spread = 1.4826 * hosts.median(values.map(function (v) { return Math.abs(v - middle); }));
  return { median: middle, far: Math.max(3.5 * spread, 0.03 * Math.abs(middle)) };
};

/* {figures: [{key, name, unit, better, median, far}], rows: [{item, values: {key: figure}}]} */
hosts.table = function (items) {
  var figures = [], known = {}, rows = items.map(function (item, i) {
    var values = {};
    hosts.figuresOf(item, "items." + i + ".").forEach(function (figure) {
      values[figure.key] = figure;
      if (!known[figure.key]) figures.push(known[figure.key] = { key: figure.key, name: figure.name, unit: figure.unit, better: figure.better });
    });
    return { item: item, values: values };
  });
  figures.forEach(function (figure) {
    Object.assign(figure, hosts.typical(rows.map(function (row) { return row.values[figure.key]; }).filter(Boolean).map(function (f) { return f.value; })));
  });
  rows.forEach(function (row) {
    row.far = figures.filter(function (figure) { return hosts.verdict(figure, row); });
    row.bad = row.far.filter(function (figure) { return hosts.verdict(figure, row) === "bad"; });
  });
  return { figures: figures, rows: rows };
};

/* "bad" far on the wrong side of the others, "doubt" far on the other side, "" among them. */
hosts.verdict = function (figure, row) {
  var one = row.values[figure.key], off = one ? one.value - figure.median : 0;
  if (!one || Math.abs(off) <= figure.far) return "";
  return off * figure.better < 0 ? "bad" : "doubt";
};

hosts.percent = function (figure, row) {
  var percent = 100 * (row.values[figure.key].value / figure.median - 1);
  return (percent > 0 ? "+" : "") + percent.toFixed(1) + " %";
};

hosts.head = function (table) {
  var head = document.getElementById("head"), bad = table.rows.filter(function (row) { return row.bad.length; });
  var models = new Set(table.rows.map(function (row) { return (((row.item.calibration || {}).machine || {}).cpu || {}).model || "unknown"; }));
  head.append(page.el("div.top", {}, page.el("div", {}, page.el("h1", {}, table.rows.length + " machines"),
    page.el("p.soft", {}, Array.from(models).slice(0, 3).join(" · ") + (models.size > 3 ? " · " + (models.size - 3) + " more" : ""))), page.themeButton()));
  head.append(page.el("p.lead", {}, bad.length ? [page.el("span.badge.bad", {}, bad.length + " of " + table.rows.length), " " + (bad.length === 1 ? "is" : "are") +
    " slower than the others in some figure: " + bad.slice(0, 8).map(function (row) { return row.item.short; }).join(", ") + (bad.length > 8 ? ", …" : "") + "."]
    : [page.el("span.badge.good", {}, "alike"), " No machine is far from the others in any figure."]));
};

/* A line a figure, a dot a host, at its share of the median. */
hosts.chart = function (grid, table) {
  var figures = table.figures.filter(function (figure) { return table.rows.filter(function (row) { return row.values[figure.key]; }).length > 1; });
  if (!figures.length) return;
  chart.figure(grid, { name: "hosts", title: "Each machine against the median of all", wide: true,
    note: "percent of the median; filled: far from the others", draw: function (svg, width) {
      /* On a phone the names stand above their dots. */
      var above = width < 520, row = above ? 44 : 30, top = 8, height = top + row * figures.length + 34, left = above ? 0 : 230, shares = [1], marks = [];
      figures.forEach(function (figure) {
        table.rows.forEach(function (host) { if (host.values[figure.key]) shares.push(host.values[figure.key].value / figure.median); });
      });
      var x = d3.scale.linear().domain([Math.min(0.95, d3.min(shares)), Math.max(1.05, d3.max(shares))]).range([left + 8, width - 12]);
      svg.attr("height", height).attr("viewBox", "0 0 " + width + " " + height).style("height", height + "px");
      x.ticks(Math.max(2, Math.floor((width - left) / 90))).forEach(function (tick) {
        svg.append("line").attr("class", tick === 1 ? "roof" : "grid-line").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", top).attr("y2", height - 30);
        svg.append("text").attr("class", "faint").attr("x", x(tick)).attr("y", height - 14).attr("text-anchor", "middle").text(page.percent(tick));
      });
      figures.forEach(function (figure, index) {
        var y = top + (index + (above ? 0.7 : 0.5)) * row;
        svg.append("text").attr("x", 0).attr("y", above ? y - 14 : y + 4).text(chart.fit(figure.name, (above ? width : left) / 6.6));
        table.rows.forEach(function (host) {
          var one = host.values[figure.key], verdict = hosts.verdict(figure, host);
          if (!one) return;
          var px = x(one.value / figure.median), tone = verdict ? "var(--" + verdict + ")" : "var(--s0)";
          svg.append("circle").attr("class", "mark").attr("cx", px).attr("cy", y).attr("r", verdict ? 5.5 : 4)
            .style("fill", verdict ? tone : "none").style("stroke", tone).style("stroke-width", 1.5)
            .attr("data-value", one.value).attr("data-path", one.path);
          marks.push({ px: px, py: y, title: host.item.short, rows: [["figure", figure.name], ["value", page.number(one.value) + " " + figure.unit],
            ["median of all", page.number(figure.median) + " " + figure.unit], ["difference", hosts.percent(figure, host)]] });
        });
      });
      chart.reach(svg, marks.length, function (index) { return marks[index]; });
    } });
};

hosts.columns = function (figures) {
  return figures.map(function (figure) {
    return { head: figure.name, sub: figure.unit, n: true, kind: "figure", value: function (row) { return (row.values[figure.key] || {}).value; },
      path: function (row) { return (row.values[figure.key] || {}).path; },
      cell: function (row) {
        var one = row.values[figure.key], verdict = one ? hosts.verdict(figure, row) : "";
        if (!one) return "–";
        return verdict ? [page.number(one.value), " ", page.el("span.badge." + verdict, {}, hosts.percent(figure, row))] : page.number(one.value);
      } };
  });
};

/* On a screen one table, which scrolls beside the machines' names. Paper does not scroll: several tables
 * of as many figures as fit side by side. */
hosts.list = function (table) {
  var name = { head: "machine", kind: "name", cell: function (row) { return row.item.short; } }, parts = [], from = 0, most = 7;
  var first = [name, { head: "quality", cell: function (row) { return ((row.item.calibration || {}).quality || {}).grade || "–"; } },
    { head: "stands out in", n: true, kind: "figure", value: function (row) { return row.far.length; }, cell: function (row) { return String(row.far.length || "–"); } }];
  for (; from < table.figures.length; from += most)
    parts.push(page.table("Machines on paper, part " + (parts.length + 1), (from ? [name] : first).concat(hosts.columns(table.figures.slice(from, from + most))), table.rows));
  return [page.el("div.screen", {}, page.table("Machines", first.concat(hosts.columns(table.figures)), table.rows, "sticky")), page.el("div.paper", {}, parts)];
};

page.kinds.hosts = function (data) {
  comparison.names(data.items);
  var table = hosts.table(data.items), section, grid;
  hosts.head(table);
  section = page.section("Figures of each machine");
  grid = page.el("div.grid");
  section.append(grid);
  hosts.chart(grid, table);
  section.append(page.el("p.soft", {}, "Marked: more than 3.5 robust standard deviations (1.4826 x the median absolute deviation) from the median of all machines, and more than 3 %. A heading sorts."),
    page.el("div", {}, hosts.list(table)));
  comparison.conditions(data.items);
};

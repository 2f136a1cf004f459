/* Matrix products and attention of language models, by type of weights. */
"use strict";

var products = {};

/* A row a type: {name, quant, vector: gemv or attention of one token, all: gemm by rising number of
 * tokens}, on all threads; {m, index} of the file's measurements. Of several the one with the largest
 * working set, whose weights come from memory. */
products.rows = function (calibration) {
  var rows = [];
  (calibration.measurements || []).forEach(function (m, index) {
    var params = m.params || {}, attention = m.kernel === "attention";
    if (m.metric !== "rate" || !params.quant || !page.known(m.median) || !m.place || m.place.kind !== "machine" || m.threads === 1) return;
    var name = attention ? "attention " + params.quant + ", " + params.depth + " deep" : "weights " + params.quant;
    var row = rows.find(function (one) { return one.name === name; });
    if (!row) rows.push(row = { name: name, quant: params.quant, vector: null, all: [] });
    if (m.kernel === "gemm") {
      var same = row.all.findIndex(function (one) { return one.m.params.n === params.n; });
      if (same < 0) row.all.push({ m: m, index: index });
      else if (m.median > row.all[same].m.median) row.all[same] = { m: m, index: index };
    } else if (m.kernel === "gemv" || params.batch === 1) {
      if (!row.vector || (m.working_set_bytes || 0) > (row.vector.m.working_set_bytes || 0)) row.vector = { m: m, index: index };
    }
  });
  rows.forEach(function (row) { row.all.sort(function (a, b) { return a.m.params.n - b.m.params.n; }); });
  return rows;
};

products.bar = function (label, one, base) {
  var m = one.m;
  return { label: label, value: m.median, low: m.ci95 ? m.ci95[0] : NaN, high: m.ci95 ? m.ci95[1] : NaN, text: page.figure(m) + " " + m.unit,
    path: base + "calibration.measurements." + one.index + ".median", rows: page.how(m) };
};

products.draw = function (item, base) {
  var rows = products.rows(item.calibration), vectors = [], prompts = [];
  rows.forEach(function (row) {
    if (row.vector) vectors.push(products.bar(row.name, row.vector, base));
    row.all.forEach(function (one) { prompts.push(products.bar(row.name + ", " + one.m.params.n + " tokens", one, base)); });
  });
  if (!vectors.length && !prompts.length) return;
  var section = page.section("Kernels of language models"), grid = page.el("div.grid");
  section.append(page.el("p", {}, "What generation and prompts are made of, on all threads: one token reads all weights once, a prompt multiplies them by many tokens at once."), grid);
  if (vectors.length)
    chart.bars(grid, { name: "products-token", title: "One token at a time", note: "bytes of weights or cache, with the 95 % interval", bars: vectors });
  if (prompts.length)
    chart.bars(grid, { name: "products-prompt", title: "Prompts", note: "products of matrices, by tokens at once, with the 95 % interval", bars: prompts });
};

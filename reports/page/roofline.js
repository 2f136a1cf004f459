/* The roofline: what bandwidth and arithmetic allow for each FLOP per byte, with the measured
 * kernels and the parts of a token on it. */
"use strict";

var roofline = {};

roofline.best = function (item, kernel, dtype) {
  var all = report.headlines(item).filter(function (one) { return one.m.kernel === kernel && (!dtype || one.m.dtype === dtype); });
  return all.length ? all[0] : null;
};

/* Points of kernels that both move and compute. */
roofline.kernels = function (item) {
  return report.headlines(item).filter(function (one) { return one.flop > 0; })
    .map(function (one) {
      var m = one.m, x = one.flop;
      return { x: x, y: m.median * x, low: m.ci95 ? m.ci95[0] * x : NaN, high: m.ci95 ? m.ci95[1] * x : NaN, title: m.kernel,
        rows: [["FLOP / byte", page.number(x)], ["GFLOP/s", page.number(m.median * x)]].concat(page.how(m, report.limitOf(item.calibration, m))) };
    });
};

/* Sums over the terms of one token: operations per byte and per nanosecond. */
roofline.phase = function (prediction, phase, name) {
  var result = (prediction.results || []).find(function (r) { return r.terms && r.terms[phase] && r.terms[phase].length; });
  if (!result) return null;
  var sum = { bytes: 0, flop: 0, ns: 0 };
  result.terms[phase].forEach(function (term) {
    ["bytes", "flop", "ns"].forEach(function (key) { if (page.known(term[key])) sum[key] += term[key]; });
  });
  if (!(sum.bytes > 0 && sum.flop > 0 && sum.ns > 0)) return null;
  return { x: sum.flop / sum.bytes, y: sum.flop / sum.ns, title: prediction.model.name + ", " + name,
    rows: [["FLOP / byte", page.number(sum.flop / sum.bytes)], ["GFLOP/s", page.number(sum.flop / sum.ns)], ["use case", result.use_case],
      ["fidelity", prediction.fidelity]] };
};

roofline.draw = function (grid, item, base) {
  var read = roofline.best(item, "read"), fma = roofline.best(item, "fma", "f32") || roofline.best(item, "fma");
  var series = [], roofs = [], curves = item.calibration.curves || [];
  curves.forEach(function (curve, k) {
    if (curve.name === "roofline")
      series.push({ name: "measured: " + report.curveName(curve), points: report.curvePoints(curve, base + "calibration.curves." + k) });
  });
  if (read && fma)
    roofs.push({ bandwidth: read.m.median, peak: fma.m.median, text: page.figure(read.m) + " GB/s and " + page.figure(fma.m) + " GFLOP/s " + fma.m.dtype });
  var kernels = roofline.kernels(item);
  if (kernels.length) series.push({ name: "kernels: " + kernels.map(function (point) { return point.title; }).join(", "), line: false, points: kernels });
  [["generation", "generation"], ["prompt", "prompt"]].forEach(function (phase) {
    var points = (item.predictions || []).map(function (p) { return roofline.phase(p, phase[0], phase[1]); }).filter(Boolean);
    if (points.length) series.push({ name: "predicted: " + phase[1], line: false, points: points });
  });
  if (!series.length || (!roofs.length && !curves.length)) return;
  var include = [];
  roofs.forEach(function (roof) {
    include.push([Math.min(0.03, roof.peak / roof.bandwidth / 4), roof.bandwidth * 0.03], [roof.peak / roof.bandwidth * 8, roof.peak * 1.15]);
  });
  chart.xy(grid, { name: "roofline", title: "Roofline", named: true, series: series, include: include,
    note: roofs.length ? "dashed: what was measured, " + roofs[0].text : "",
    x: { label: "FLOP / byte", log: true, format: report.short }, y: { label: "GFLOP/s", log: true, format: report.short },
    under: function (svg, frame) {
      roofs.forEach(function (roof) {
        var knee = roof.peak / roof.bandwidth, xs = frame.x.domain();
        var path = [[xs[0], xs[0] * roof.bandwidth], [knee, roof.peak], [xs[1], roof.peak]];
        svg.append("path").attr("class", "roof").attr("d", d3.svg.line().x(function (p) { return frame.x(p[0]); })
          .y(function (p) { return Math.min(frame.y(p[1]), frame.bottom); })(path));
      });
    } });
};

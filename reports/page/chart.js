/* Charts: axes, lines with marks and intervals, bars, heat maps. Drawn by D3 as SVG at the width
 * that there is. Each chart is one stop of the Tab key; arrow keys walk over its marks, and what a
 * mark stands for is shown, and read out, as it is for a pointer. Without D3 the tables remain. */
"use strict";

var chart = { shapes: ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"] };

chart.available = function () { return typeof d3 !== "undefined"; };

/* ---- the box beside a mark ---- */

chart.show = function (mark, svg) {
  var tip = document.getElementById("tip"), box = svg.getBoundingClientRect();
  tip.replaceChildren(page.el("strong", {}, mark.title), page.el("dl", {}, mark.rows.map(function (row) {
    return [page.el("dt", {}, row[0]), page.el("dd", {}, row[1])];
  })));
  tip.hidden = false;
  var room = document.documentElement.clientWidth, width = tip.offsetWidth;
  var x = box.left + mark.px + 14, y = box.top + mark.py + 14;
  if (x + width > room - 6) x = Math.max(6, box.left + mark.px - width - 14);
  tip.style.left = (x + window.scrollX) + "px";
  tip.style.top = (y + window.scrollY) + "px";
};

chart.hide = function () { document.getElementById("tip").hidden = true; };
document.addEventListener("keydown", function (event) { if (event.key === "Escape") chart.hide(); });

/* Makes `count` marks reachable; mark(i) is {px, py, title, rows}. step(from, key) says which one
 * comes next, nearest(x, y) which one lies there; without them it is their order and their distance. */
chart.reach = function (svg, count, mark, step, nearest) {
  var at = -1;
  var node = svg.node(), cursor = svg.append("circle").attr("class", "cursor").attr("r", 8).style("display", "none");
  function go(to) {
    var one = mark(to);
    at = to;
    cursor.attr("cx", one.px).attr("cy", one.py).style("display", null);
    chart.show(one, node);
  }
  function leave() { cursor.style("display", "none"); chart.hide(); }
  node.addEventListener("keydown", function (event) {
    var steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (!count || !(event.key in steps || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    if (event.key === "Home") go(0);
    else if (event.key === "End") go(count - 1);
    else if (step) go(step(at, event.key));
    else go(Math.max(0, Math.min(count - 1, at + steps[event.key])));
  });
  node.addEventListener("blur", leave);
  node.addEventListener("pointerleave", leave);
  node.addEventListener("pointermove", function (event) {
    var box = node.getBoundingClientRect(), best = -1, least = 900;
    var x = event.clientX - box.left, y = event.clientY - box.top;
    if (nearest) best = nearest(x, y);
    for (var i = 0; !nearest && i < count; i++) {
      var one = mark(i), far = (one.px - x) * (one.px - x) + (one.py - y) * (one.py - y);
      if (far < least) { least = far; best = i; }
    }
    if (best >= 0) go(best);
    else leave();
  });
};

/* ---- a figure that draws itself anew when its width changes ---- */

/* Figures wait to be drawn, in the page's order. Those in view are drawn at once, the others one by
 * one, so that a page with large matrices answers in the meantime; all before it is printed. */
chart.waiting = [];
chart.drawn = [];
chart.printing = false;
chart.paper = { wide: 640, half: 300 };
chart.all_drawn = false;
chart.start = function () {
  var root = document.documentElement;
  function next() {
    var one = chart.waiting.shift();
    if (one) one.draw();
    return Boolean(one);
  }
  function rest() {
    if (next()) { setTimeout(rest, 0); return; }
    chart.all_drawn = true;
    root.dataset.charts = "drawn";
  }
  while (chart.waiting.length && chart.waiting[0].figure.getBoundingClientRect().top < window.innerHeight) next();
  /* Paper is narrower than a window: drawn for it, letters keep their size. */
  window.addEventListener("beforeprint", function () {
    while (next());
    chart.printing = true;
    chart.drawn.forEach(function (redraw) { redraw(true); });
  });
  window.addEventListener("afterprint", function () {
    chart.printing = false;
    chart.drawn.forEach(function (redraw) { redraw(false); });
  });
  setTimeout(rest, 0);
};

/* `draw(svg, width)` fills an empty svg; `table()` builds the numbers behind it. */
chart.figure = function (host, options) {
  var caption = page.el("figcaption", {}, page.el("h3", {}, options.title),
    options.note ? page.el("span.note", {}, options.note) : null);
  var figure = page.el(options.wide ? "figure.wide" : "figure", { "data-chart": options.name }, caption);
  if (options.legend) figure.append(options.legend);
  host.append(figure);
  if (chart.available()) {
    var svg = d3.select(figure).append("svg").attr("role", "application").attr("tabindex", 0)
      .attr("aria-roledescription", "chart")
      .attr("aria-label", options.title + ". Arrow keys walk over the figures.");
    var before = 0;
    var redraw = function (printed) {
      var width = printed ? options.wide ? chart.paper.wide : chart.paper.half : Math.floor(figure.clientWidth - 28);
      if (width === before || width < 100) return;
      before = width;
      svg.selectAll("*").remove();
      var fresh = svg.node().cloneNode(false); /* without the listeners of the last drawing */
      svg.node().replaceWith(fresh);
      svg = d3.select(fresh);
      options.draw(svg, width);
    };
    var draw = function () {
      redraw(false);
      chart.drawn.push(redraw);
      new ResizeObserver(function () { if (!chart.printing) redraw(false); }).observe(figure);
    };
    if (chart.all_drawn) draw();
    else chart.waiting.push({ figure: figure, draw: draw });
  }
  if (options.table) {
    if (chart.available()) figure.append(page.folded("Numbers", options.table));
    else figure.append(options.table());
  }
  return figure;
};

chart.colour = function (index) { return "var(--s" + index % 8 + ")"; };

chart.symbol = function (index, size) {
  return d3.svg.symbol().type(chart.shapes[index % chart.shapes.length]).size(size)();
};

chart.legend = function (names) {
  return page.el("ul.legend", {}, names.map(function (name, index) {
    var item = page.el("li");
    if (chart.available())
      d3.select(item).append("svg").attr("viewBox", "-8 -8 16 16").attr("aria-hidden", "true")
        .append("path").attr("d", chart.symbol(index, 60)).style("fill", chart.colour(index));
    item.append(name);
    return item;
  }));
};

/* ---- x and y ---- */

chart.ticks = function (axis, scale, options, room) {
  if (options.whole) return axis.tickValues(scale.ticks(Math.max(2, Math.floor(room / 70))).filter(function (value) { return value % 1 === 0; })).tickFormat(options.format);
  if (!options.log) return axis.ticks(Math.max(2, Math.floor(room / 70))).tickFormat(options.format);
  var domain = scale.domain(), base = options.base || 10, most = Math.max(2, room / 62), values = [];
  function collect(digits) {
    values = [];
    for (var power = Math.floor(Math.log(domain[0]) / Math.log(base)); Math.pow(base, power) <= domain[1]; power++)
      digits.forEach(function (digit) {
        var value = digit * Math.pow(base, power);
        if (value >= domain[0] * 0.999 && value <= domain[1] * 1.001) values.push(value);
      });
    return values.length;
  }
  if (base !== 10 || collect([1, 2, 5]) > most) collect([1]);
  var every = Math.max(1, Math.ceil(values.length / most));
  return axis.tickValues(values.filter(function (value, index) { return index % every === 0; }))
    .tickFormat(options.format);
};

chart.scale = function (options, values, range) {
  var low = d3.min(values), high = d3.max(values);
  var room;
  if (options.log) {
    if (low === high) { low /= 2; high *= 2; }
    room = Math.pow(high / low, 0.04); /* no mark touches the frame */
    return d3.scale.log().domain([low / room, high * room]).range(range);
  }
  low = options.zero === false ? low : Math.min(0, low);
  if (low === high) high = low + 1;
  if (options.whole) {
    room = 0.03 * (high - low);
    return d3.scale.linear().domain([options.zero === false ? low - room : low, high + room]).range(range);
  }
  return d3.scale.linear().domain([low, high]).range(range).nice(5);
};

/* options: name, title, note, x and y {label, log, base, format, zero, whole: of numbers that count places}, series [{name, points [{x, y,
 * low, high, title, rows, path}], line, quiet}], named: the only series is named too, bands [{from, to, value, name, series}], table(). */
chart.xy = function (host, options) {
  options.legend = options.series.length > 1 || options.named ? chart.legend(options.series.map(function (s) { return s.name; })) : null;
  options.draw = function (svg, width) { chart.drawXY(svg, width, options); };
  return chart.figure(host, options);
};

chart.frame = function (svg, width, options, xs, ys) {
  var height = Math.max(250, Math.min(380, width * 0.52)), left = 52, bottom = 44, top = 18, right = 12;
  var x = chart.scale(options.x, xs, [left, width - right]), y = chart.scale(options.y, ys, [height - bottom, top]);
  svg.attr("height", height).attr("viewBox", "0 0 " + width + " " + height).style("height", height + "px");
  var yAxis = chart.ticks(d3.svg.axis().scale(y).orient("left").tickSize(0, 0).tickPadding(6), y, options.y, (height - bottom - top) * 1.6);
  var xAxis = chart.ticks(d3.svg.axis().scale(x).orient("bottom").tickSize(4, 0), x, options.x, width - left - right);
  var ticks = yAxis.tickValues() || y.ticks(yAxis.ticks()[0]);
  svg.append("g").selectAll("line").data(ticks).enter().append("line").attr("class", "grid-line")
    .attr("x1", left).attr("x2", width - right).attr("y1", y).attr("y2", y);
  svg.append("g").attr("class", "axis").attr("transform", "translate(0," + (height - bottom) + ")").call(xAxis);
  svg.append("g").attr("class", "axis").attr("transform", "translate(" + left + ",0)").call(yAxis);
  svg.append("text").attr("class", "faint").attr("x", width - right).attr("y", height - 6).attr("text-anchor", "end").text(options.x.label);
  svg.append("text").attr("class", "faint").attr("x", 0).attr("y", 10).text(options.y.label);
  return { x: x, y: y, left: left, right: width - right, top: top, bottom: height - bottom };
};

chart.drawBands = function (svg, frame, bands) {
  var lastEnd = -1e9;
  bands.forEach(function (band) {
    var a = frame.x(band.from), b = Math.max(frame.x(band.to), a + 1), at = frame.y(band.value);
    if (band.to > band.from)
      svg.append("rect").attr("class", "band").attr("x", a).attr("width", b - a).attr("y", frame.top)
        .attr("height", frame.bottom - frame.top);
    svg.append("line").attr("class", "band-line").attr("x1", a).attr("x2", band.to > band.from ? b : a)
      .attr("y1", band.to > band.from ? at : frame.top).attr("y2", band.to > band.from ? at : frame.bottom);
    var middle = (a + b) / 2;
    if (middle - lastEnd > 8 + band.name.length * 3.6) {
      svg.append("text").attr("x", Math.min(middle, frame.right - 10)).attr("y", frame.top - 5)
        .attr("text-anchor", "middle").text(band.name);
      lastEnd = middle + band.name.length * 3.6;
    }
  });
};

/* An end of an interval: what cannot be negative is not drawn so, however much it scatters. */
chart.above = function (end, value) { return value >= 0 && end < 0 ? 0 : end; };

chart.drawXY = function (svg, width, options) {
  var xs = [], ys = [], marks = [], bands = options.bands || [];
  options.series.forEach(function (series) {
    series.points.forEach(function (point) {
      xs.push(point.x);
      [point.y, point.low, point.high].forEach(function (value) {
        if (page.known(value) && (!options.y.log || value > 0)) ys.push(chart.above(value, point.y));
      });
    });
  });
  (options.include || []).forEach(function (point) { xs.push(point[0]); ys.push(point[1]); });
  var frame = chart.frame(svg, width, options, xs, ys);
  chart.drawBands(svg, frame, bands.filter(function (band) { return page.known(band.value); }));
  if (options.under) options.under(svg, frame);
  options.series.forEach(function (series, index) {
    var group = svg.append("g").style("stroke", chart.colour(index)).style("fill", chart.colour(index));
    var points = series.points.filter(function (point) { return page.known(point.y) && (!options.y.log || point.y > 0); });
    if (series.line !== false)
      group.append("path").attr("class", "series").attr("d", d3.svg.line()
        .x(function (point) { return frame.x(point.x); }).y(function (point) { return frame.y(point.y); })(points));
    points.forEach(function (point) {
      var px = frame.x(point.x), py = frame.y(point.y);
      if (page.known(point.low) && page.known(point.high) && (!options.y.log || point.low > 0))
        group.append("line").attr("class", "whisker").attr("x1", px).attr("x2", px)
          .attr("y1", frame.y(chart.above(point.low, point.y))).attr("y2", frame.y(point.high));
      group.append("path").attr("class", "mark").attr("transform", "translate(" + px + "," + py + ")")
        .attr("d", chart.symbol(index, points.length > 60 ? 18 : 42)).attr("data-value", point.y)
        .attr("data-path", point.path || null);
      marks.push({ px: px, py: py, title: point.title || series.name, rows: point.rows || [] });
    });
  });
  chart.reach(svg, marks.length, function (index) { return marks[index]; });
};

/* ---- bars ---- */

/* options: name, title, note, unit, max, bars [{label, value, low, high, tone, title, rows, path,
 * text}], rule: a line at this value, least: of differences the width of each side, at least. */
chart.bars = function (host, options) {
  options.draw = function (svg, width) { chart.drawBars(svg, width, options); };
  return chart.figure(host, options);
};

chart.drawBars = function (svg, width, options) {
  var row = 38, top = 4, height = top + row * options.bars.length + 24, marks = [];
  var values = [0];
  function low(bar) { return options.least ? bar.low : chart.above(bar.low, bar.value); }
  options.bars.forEach(function (bar) { values.push(bar.value, low(bar) || 0, bar.high || 0); });
  if (options.rule) values.push(options.rule);
  var least = d3.min(values), most = d3.max(values) * (options.rule ? 1 : 1.02);
  if (least < 0 || options.least) { /* differences: nothing in the middle */
    most = 1.05 * Math.max(-least, most, options.least || 0);
    least = -most;
  }
  var x = d3.scale.linear().domain([least, most]).range([0, width]);
  svg.attr("height", height).attr("viewBox", "0 0 " + width + " " + height).style("height", height + "px");
  options.bars.forEach(function (bar, index) {
    var y = top + index * row, tone = bar.tone ? "var(--" + bar.tone + ")" : chart.colour(0);
    svg.append("text").attr("x", 0).attr("y", y + 13).text(chart.fit(bar.label, (width - 7 * String(bar.text).length - 8) / 6.4));
    svg.append("text").attr("x", width).attr("y", y + 13).attr("text-anchor", "end").text(bar.text);
    svg.append("rect").attr("class", "track").attr("x", 0).attr("width", width).attr("y", y + 19).attr("height", 11);
    svg.append("rect").attr("class", "mark").attr("y", y + 19).attr("height", 11)
      .attr("x", Math.min(x(0), x(bar.value))).attr("width", Math.max(1, Math.abs(x(bar.value) - x(0))))
      .style("fill", tone).attr("data-value", bar.value).attr("data-path", bar.path || null);
    if (page.known(bar.low) && page.known(bar.high))
      svg.append("path").attr("class", "whisker").style("stroke", "var(--ink)").style("fill", "none")
        .attr("d", "M" + x(low(bar)) + "," + (y + 20.5) + "v8M" + x(bar.high) + "," + (y + 20.5) + "v8M" +
          x(low(bar)) + "," + (y + 24.5) + "H" + x(bar.high));
    if (options.rule || least < 0)
      svg.append("line").attr("class", "roof").attr("x1", x(options.rule || 0) - 1).attr("x2", x(options.rule || 0) - 1)
        .attr("y1", y + 17).attr("y2", y + 32);
    marks.push({ px: Math.max(8, x(bar.value)), py: y + 24, title: bar.title || bar.label, rows: bar.rows || [] });
  });
  if (options.axis || options.least)
    svg.append("text").attr("class", "faint").attr("x", width).attr("y", height - 4).attr("text-anchor", "end")
      .text(options.axis || "each side: " + Number((100 * most).toPrecision(2)) + " %");
  chart.reach(svg, marks.length, function (index) { return marks[index]; }, null, function (px, py) {
    var index = Math.floor((py - top) / row);
    return index >= 0 && index < marks.length ? index : -1;
  });
};

chart.fit = function (text, characters) {
  return text.length > characters ? text.slice(0, Math.max(1, Math.floor(characters) - 1)) + "…" : text;
};

/* ---- matrices ---- */

chart.heatColours = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

chart.heatScale = function (low, high) {
  var n = chart.heatColours.length;
  return d3.scale.linear().domain(chart.heatColours.map(function (colour, index) {
    return low + (high - low) * index / (n - 1);
  })).range(chart.heatColours).clamp(true);
};

/* options: name, title, note, matrix, path. Cells of one shade are one path, so that thousands of
 * cores stay quick. */
chart.heat = function (host, options) {
  options.draw = function (svg, width) { chart.drawHeat(svg, width, options); };
  return chart.figure(host, options);
};

chart.drawHeat = function (svg, width, options) {
  var matrix = options.matrix, rows = matrix.row_ids.length, columns = matrix.column_ids.length;
  var left = 34, top = 30, cell = Math.min((width - left - 4) / columns, 56, Math.max(820 / rows, 3)), shades = 48;
  var height = top + cell * rows + 46, values = [].concat.apply([], matrix.values).filter(page.known).sort(d3.ascending);
  var low = values[0], most = values[values.length - 1], high = values.length < 400 ? most : d3.quantile(values, 0.995), groups = {}, colour = chart.heatScale(low, high > low ? high : low + 1);
  svg.attr("height", height).attr("viewBox", "0 0 " + width + " " + height).style("height", height + "px");
  matrix.values.forEach(function (row, i) {
    row.forEach(function (value, k) {
      if (!page.known(value)) return;
      var shade = high > low ? Math.max(0, Math.min(shades - 1, Math.floor((value - low) / (high - low) * shades))) : 0;
      groups[shade] = (groups[shade] || "") + "M" + (left + k * cell).toFixed(2) + "," + (top + i * cell).toFixed(2) +
        "h" + cell.toFixed(2) + "v" + cell.toFixed(2) + "h-" + cell.toFixed(2) + "z";
    });
  });
  Object.keys(groups).forEach(function (shade) {
    svg.append("path").attr("class", "mark").attr("d", groups[shade]).attr("shape-rendering", "crispEdges")
      .style("fill", colour(low + (high - low) * (Number(shade) + 0.5) / shades));
  });
  chart.heatLabels(svg, matrix, { left: left, top: top, cell: cell, colour: colour, rows: rows, columns: columns });
  chart.heatKey(svg, { x: left, y: top + cell * rows + 14, width: Math.min(220, width - left - 4), low: low, high: high, more: most > high, unit: matrix.unit });
  function mark(index) {
    var i = Math.floor(index / columns), k = index % columns;
    var value = matrix.values[i][k], half = (matrix.half_widths || [])[i];
    var text = page.known(value) ? page.number(value) + (half && page.known(half[k]) ? " ± " + page.number(half[k], value) : "") + " " + matrix.unit : "not measured";
    return { px: left + (k + 0.5) * cell, py: top + (i + 0.5) * cell, title: matrix.name,
      rows: [[matrix.rows || "row", String(matrix.row_ids[i])], ["to " + (matrix.columns || "column"), String(matrix.column_ids[k])], ["median", text]] };
  }
  chart.reach(svg, rows * columns, mark, function (at, key) {
    var y = at < 0 ? 0 : Math.floor(at / columns), x = at < 0 ? 0 : at % columns;
    if (at >= 0) {
      x += key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      y += key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    }
    return Math.max(0, Math.min(rows - 1, y)) * columns + Math.max(0, Math.min(columns - 1, x));
  }, function (px, py) {
    var x = Math.floor((px - left) / cell), y = Math.floor((py - top) / cell);
    return x >= 0 && y >= 0 && x < columns && y < rows ? y * columns + x : -1;
  });
};

chart.heatLabels = function (svg, matrix, at) {
  /* Cores come in groups of powers of two. */
  function every(room) { return Math.pow(2, Math.max(0, Math.ceil(Math.log(room / at.cell) / Math.LN2 - 1e-9))); }
  var everyColumn = every(26), everyRow = every(15);
  matrix.column_ids.forEach(function (id, k) {
    if (k % everyColumn === 0)
      svg.append("text").attr("class", "faint").attr("x", at.left + (k + 0.5) * at.cell).attr("y", at.top - 5).attr("text-anchor", "middle").text(id);
  });
  matrix.row_ids.forEach(function (id, i) {
    if (i % everyRow === 0)
      svg.append("text").attr("class", "faint").attr("x", at.left - 5).attr("y", at.top + (i + 0.5) * at.cell + 4).attr("text-anchor", "end").text(id);
  });
  svg.append("text").attr("class", "faint").attr("x", at.left).attr("y", 11).text("to " + matrix.columns + " →");
  if (at.cell < 34) return;
  matrix.values.forEach(function (row, i) {
    row.forEach(function (value, k) {
      if (!page.known(value)) return;
      var light = d3.lab(at.colour(value)).l > 55;
      svg.append("text").attr("x", at.left + (k + 0.5) * at.cell).attr("y", at.top + (i + 0.5) * at.cell + 4)
        .attr("text-anchor", "middle").style("fill", light ? "#000" : "#fff").style("font-size", at.cell < 44 ? "10px" : "11px")
        .attr("data-value", value).text(Number(value.toPrecision(3)));
    });
  });
};

chart.heatKey = function (svg, key) {
  var colour = chart.heatScale(0, 1), n = 40;
  for (var i = 0; i < n; i++)
    svg.append("rect").attr("x", key.x + i * key.width / n).attr("y", key.y).attr("width", key.width / n + 0.5).attr("height", 9)
      .style("fill", colour((i + 0.5) / n));
  svg.append("text").attr("class", "faint").attr("x", key.x).attr("y", key.y + 23).text(page.number(key.low));
  svg.append("text").attr("class", "faint").attr("x", key.x + key.width).attr("y", key.y + 23).attr("text-anchor", "end")
    .text((key.more ? "≥ " : "") + page.number(key.high) + " " + key.unit);
};

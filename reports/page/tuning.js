/* The page of a tuning session: what each setting of a machine reaches against the one that they are
 * compared with, whether it passed its soak, and what became of it. */
"use strict";

var tuning = {
  names: { read: "read", copy: "copy", triad: "triad", latency: "latency", fma: "FMA", pp: "predicted PP", tg: "predicted TG" },
  tones: { better: "good", worse: "bad", baseline: "plain", "no difference": "plain", pass: "good", fail: "bad", warn: "doubt", "ended early": "doubt", "too little": "doubt",
    crashed: "bad", interrupted: "doubt", stopped: "doubt", measuring: "doubt", tried: "plain" },
};

tuning.badge = function (text) { return page.el("span.badge." + (tuning.tones[text] || "doubt"), {}, text); };

tuning.name = function (figure) { return tuning.names[figure] || figure; };

tuning.lower = function (figure) { return figure === "latency"; };

tuning.signed = function (percent) { return page.known(percent) ? (percent > 0 ? "+" : "") + percent.toFixed(2) + " %" : "–"; };

tuning.interval = function (low, high) {
  return page.known(low) && page.known(high) ? tuning.signed(low) + " to " + tuning.signed(high) : "–";
};

/* What is never forgotten of a setting: crashes, interruptions. */
tuning.marks = function (row) {
  var marks = [];
  if (row.state !== "measured" && row.state !== "crashed" && row.state !== "interrupted") marks.push(row.state);
  if (row.crashes || row.state === "crashed") marks.push(row.crashes > 1 ? "crashed " + row.crashes + " times" : "crashed");
  if (row.interruptions || row.state === "interrupted")
    marks.push(row.interruptions > 1 ? "interrupted " + row.interruptions + " times" : "interrupted");
  return marks;
};

tuning.markTone = function (mark) { return tuning.tones[mark.split(" ")[0]] || "doubt"; };

/* {name, unit, rows: [{row, path, one: the setting's figure or undefined}], base}; one that nobody has is left out. */
tuning.figures = function (session) {
  return Object.keys(tuning.names).map(function (name) {
    var unit = "", rows = session.results.map(function (row, i) {
      var k = row.figures.findIndex(function (figure) { return figure.figure === name; });
      if (k >= 0) unit = row.figures[k].unit;
      return { row: row, path: "extra.results." + i + ".figures." + k + ".", one: row.figures[k] };
    });
    var base = rows.find(function (entry) { return entry.row.name === session.base; });
    return { name: name, unit: unit, rows: rows, base: base && base.one, any: rows.some(function (entry) { return entry.one; }) };
  }).filter(function (figure) { return figure.any; });
};

tuning.best = function (session) {
  return session.results.find(function (row) { return row.name === session.best; });
};

tuning.head = function (session) {
  var head = document.getElementById("head"), best = tuning.best(session);
  head.append(page.el("div.top", {}, page.el("div", {}, page.el("h1", {}, "Tuning: " + session.results.length + (session.results.length === 1 ? " setting" : " settings")),
    page.el("p.soft", {}, ["since " + (session.created || "an unknown time"), session.host_id ? "host " + session.host_id : null,
      session.model ? "PP and TG of " + session.model + (session.tier ? ", tier " + session.tier : "") : null].filter(Boolean).join(" · "))), page.themeButton()));
  head.append(page.el("p.lead", {}, best ? [page.el("span.badge.good", {}, "best that passed its soak"), " ", page.el("strong", {}, best.name), ": " +
    tuning.name(session.by) + " " + page.number(best.value) + " " + best.unit + "."] : [page.el("span.badge.doubt", {}, "no setting passed its soak"), " Nothing here is known to be stable."]),
    session.best_why ? page.el("p", {}, session.best_why.charAt(0).toUpperCase() + session.best_why.slice(1) + ".") : null);
};

/* A line a setting: dot and interval in percent of the base's value. Filled: it was told apart from the base. */
tuning.chart = function (grid, session, figure) {
  var lower = tuning.lower(figure.name), like = figure.base ? figure.base.value : NaN;
  chart.figure(grid, { name: "tuning-" + figure.name, title: tuning.name(figure.name) + ", " + figure.unit, wide: figure.name === session.by,
    note: (lower ? "less is better; " : "") + "dot and 95 % interval" + (figure.base ? "; dashed: " + session.base : "") + "; filled: told apart from it",
    table: function () { return tuning.figureTable(session, figure); },
    draw: function (svg, width) { tuning.draw(svg, width, figure, page.known(like) ? like : 1); } });
};

tuning.scale = function (figure, like, width) {
  var shares = page.known(figure.base && figure.base.value) ? [0.995, 1.005] : [];
  figure.rows.forEach(function (entry) {
    if (entry.one) [entry.one.value, entry.one.low, entry.one.high].forEach(function (value) { if (page.known(value)) shares.push(value / like); });
  });
  var least = d3.min(shares), most = d3.max(shares), more = 0.04 * Math.max(most - least, 0.001 * most);
  return d3.scale.linear().domain([least - more, most + more]).range([8, width - 8]);
};

tuning.draw = function (svg, width, figure, like) {
  var row = 42, top = 4, height = top + row * figure.rows.length + 26, x = tuning.scale(figure, like, width), marks = [];
  svg.attr("height", height).attr("viewBox", "0 0 " + width + " " + height).style("height", height + "px");
  x.ticks(Math.max(2, Math.floor(width / 90))).forEach(function (tick) {
    svg.append("line").attr("class", "grid-line").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", top).attr("y2", height - 22);
    svg.append("text").attr("class", "faint").attr("x", x(tick)).attr("y", height - 6).attr("text-anchor", "middle")
      .text(figure.base ? tuning.tick(tick) : page.number(tick));
  });
  figure.rows.forEach(function (entry, index) {
    if (figure.base) /* beside the dots, not through the names */
      svg.append("line").attr("class", "roof").attr("x1", x(1)).attr("x2", x(1)).attr("y1", top + index * row + 18).attr("y2", top + index * row + 38);
    tuning.drawLabel(svg, width, top + index * row + 13, entry, figure);
    if (entry.one) marks.push(tuning.drawDot(svg, x, top + index * row + 28, entry, figure, like));
  });
  chart.reach(svg, marks.length, function (index) { return marks[index]; });
};

tuning.tick = function (share) {
  var percent = 100 * (share - 1);
  return (percent > 0.0005 ? "+" : "") + Number(percent.toFixed(3)) + " %";
};

/* The setting's name and what became of it, its value at the right. */
tuning.drawLabel = function (svg, width, y, entry, figure) {
  var right = entry.one ? page.number(entry.one.value) + (page.known(entry.one.change) ? " (" + tuning.signed(entry.one.change) + ")" : "") : "not measured";
  var marks = tuning.marks(entry.row).concat(entry.row.soak === "not soaked" ? [] : ["soak: " + entry.row.soak]), room = width - 7 * right.length - 14;
  var shown = chart.fit(entry.row.name, Math.max(6, (room - marks.join("  ").length * 6.6) / 6.8));
  var text = svg.append("text").attr("x", 0).attr("y", y);
  text.append("tspan").text(shown);
  marks.forEach(function (mark) {
    var tone = mark.indexOf("soak: ") === 0 ? tuning.tones[entry.row.soak] || "doubt" : tuning.markTone(mark);
    text.append("tspan").attr("dx", 8).style("fill", tone === "plain" ? "var(--soft)" : "var(--" + tone + ")").style("font-weight", 600)
      .text((tone === "bad" ? "✕ " : "") + mark);
  });
  svg.append("text").attr("class", entry.one ? "" : "faint").attr("x", width).attr("y", y).attr("text-anchor", "end").text(right);
};

tuning.drawDot = function (svg, x, y, entry, figure, like) {
  var one = entry.one, px = x(one.value / like), sure = one.verdict === "better" || one.verdict === "worse";
  var tone = sure ? "var(--" + tuning.tones[one.verdict] + ")" : "var(--s0)";
  if (page.known(one.low) && page.known(one.high))
    svg.append("path").attr("class", "whisker").style("stroke", tone).style("fill", "none")
      .attr("d", "M" + x(one.low / like) + "," + (y - 4) + "v8M" + x(one.high / like) + "," + (y - 4) + "v8M" + x(one.low / like) + "," + y + "H" + x(one.high / like));
  svg.append("circle").attr("class", "mark").attr("cx", px).attr("cy", y).attr("r", 5).style("fill", sure ? tone : "var(--panel)")
    .style("stroke", tone).style("stroke-width", 2).attr("data-value", one.value).attr("data-path", entry.path + "value");
  return { px: px, py: y, title: entry.row.name, rows: [["figure", tuning.name(figure.name)], ["value", page.number(one.value) + " " + figure.unit],
    ["95 %", page.known(one.low) ? page.number(one.low, one.value) + " to " + page.number(one.high, one.value) : null], ["change", page.known(one.change) ? tuning.signed(one.change) : null],
    ["change, 95 %", page.known(one.change_low) ? tuning.interval(one.change_low, one.change_high) : null], ["told from", one.scope], ["verdict", one.verdict],
    ["rests on", entry.row.boots + " boots, " + entry.row.recordings + " recordings, " + entry.row.rounds + " rounds"]].filter(function (pair) { return pair[1]; }) };
};

tuning.figureTable = function (session, figure) {
  return page.table(tuning.name(figure.name) + " of each setting", [
    { head: "setting", cell: function (entry) { return entry.row.name; } },
    { head: figure.unit, n: true, value: function (entry) { return (entry.one || {}).value; }, path: function (entry) { return entry.one ? entry.path + "value" : null; },
      cell: function (entry) { return page.number((entry.one || {}).value); } },
    { head: "low", n: true, value: function (entry) { return (entry.one || {}).low; }, path: function (entry) { return entry.one ? entry.path + "low" : null; },
      cell: function (entry) { return page.number((entry.one || {}).low); } },
    { head: "high", n: true, value: function (entry) { return (entry.one || {}).high; }, path: function (entry) { return entry.one ? entry.path + "high" : null; },
      cell: function (entry) { return page.number((entry.one || {}).high); } },
    { head: "change", n: true, value: function (entry) { return (entry.one || {}).change; }, path: function (entry) { return entry.one ? entry.path + "change" : null; },
      cell: function (entry) { return tuning.signed((entry.one || {}).change); } },
    { head: "95 % interval", kind: "name", cell: function (entry) { return entry.one ? tuning.interval(entry.one.change_low, entry.one.change_high) : "–"; } },
    { head: "told from", cell: function (entry) { return (entry.one || {}).scope || "–"; } },
    { head: "verdict", cell: function (entry) { return entry.one ? entry.one.verdict : "not measured"; } },
  ], figure.rows, "stack");
};

tuning.verdicts = function (session) {
  function path(key) { return function (row) { return "extra.results." + session.results.indexOf(row) + "." + key; }; }
  function ofBy(row) { return row.figures.find(function (figure) { return figure.figure === session.by; }) || {}; }
  function atMost(key) {
    return { head: tuning.name(key === "read" ? "read" : key).replace("predicted ", "") + " at most, x", n: true, kind: "case", value: function (row) { return (row.at_most || {})[key]; },
      path: function (row) { return row.at_most ? path("at_most." + key)(row) : null; },
      cell: function (row) { return row.at_most && page.known(row.at_most[key]) ? row.at_most[key].toFixed(3) : "–"; } };
  }
  var columns = [
    { head: "setting", kind: "setting", cell: function (row) { return row.name; } },
    { head: "verdict", cell: function (row) { return tuning.badge(row.verdict); }, value: function (row) { return row.verdict; } },
    { head: tuning.name(session.by) + ", " + (session.results[0] || {}).unit, n: true, value: function (row) { return row.value; }, path: path("value"), cell: function (row) { return page.number(row.value); } },
    { head: "change", n: true, value: function (row) { return ofBy(row).change; }, cell: function (row) { return tuning.signed(ofBy(row).change); } },
    { head: "95 % interval", kind: "name", cell: function (row) { return tuning.interval(ofBy(row).change_low, ofBy(row).change_high); } },
    { head: "boots", n: true, value: function (row) { return row.boots; }, path: path("boots"), cell: function (row) { return String(row.boots); } },
    { head: "rounds", n: true, value: function (row) { return row.rounds; }, path: path("rounds"), cell: function (row) { return String(row.rounds); } },
    { head: "soak", value: function (row) { return row.soak; }, cell: function (row) { return row.soak === "not soaked" ? row.soak : tuning.badge(row.soak); } },
    { head: "state", value: function (row) { return row.state; }, cell: function (row) {
      var marks = tuning.marks(row);
      return marks.length ? marks.map(function (mark) { return [page.el("span.badge." + tuning.markTone(mark), {}, mark), " "]; }) : row.state;
    } },
    { head: "MT/s", n: true, value: function (row) { return row.mts; }, path: path("mts"), cell: function (row) { return page.number(row.mts); } },
    { head: "FCLK MHz", n: true, value: function (row) { return row.fclk_mhz; }, path: path("fclk_mhz"), cell: function (row) { return page.number(row.fclk_mhz); } },
  ];
  if (session.results.some(function (row) { return row.at_most; })) columns = columns.concat(["read", "tg", "pp"].map(atMost));
  return page.table("Verdicts", columns, session.results, "stack");
};

tuning.notes = function (session) {
  var notes = [];
  session.results.forEach(function (row) {
    function add(what, text) { if (text) notes.push([row.name, ": " + (what ? what + ": " : "") + text]); }
    if (row.name !== session.base) add("", row.why);
    add("soak", row.soak_why);
    add("suspected retries", row.suspected_retries);
    add("", row.doubtful ? "half of its rounds or more are flagged as unsteady" : null);
    add("", row.samples_kept && row.state !== "measuring" ? "ended within a round: its samples until then are kept" : null);
    add("against " + session.base, row.changed.map(function (fact) { return fact.what + " " + tuning.fact(fact.before) + " -> " + tuning.fact(fact.after); }).join(", "));
  });
  return page.el("ul.warnings", {}, notes.map(function (note) { return page.el("li", {}, page.el("strong", {}, note[0]), note[1]); }));
};

tuning.fact = function (value) { return value === true ? "yes" : value === false ? "no" : String(value); };

tuning.spread = function (session) {
  var spread = session.spread || {}, text = "Rounds within a boot scatter by " + (page.known(spread.within_percent) ? page.number(spread.within_percent) + " %" : "an unknown amount");
  text += page.known(session.boots_sd) ? ", boots by " + page.number(session.boots_sd) + " % (given)."
    : page.known(spread.between_percent) ? ", boots by " + page.number(spread.between_percent) + " %." : ", boots by an unknown amount: it takes two boots of a setting.";
  return page.el("p.soft", {}, text);
};

page.kinds.tuning = function (data) {
  var session = data.extra, figures = tuning.figures(session), section, grid;
  tuning.head(session);
  section = page.section("Verdicts by " + tuning.name(session.by));
  section.append(page.el("p.soft", {}, (session.base ? "Changes are against " + session.base + ". " : "") + "At most: what the limits of the clocks allow, as a ratio to the setting before, " +
    "said when it was announced. A heading sorts."), tuning.verdicts(session), tuning.spread(session));
  if (figures.length) {
    section = page.section("Figures of each setting");
    grid = page.el("div.grid");
    section.append(grid);
    figures.slice().sort(function (a, b) { return (b.name === session.by) - (a.name === session.by); })
      .forEach(function (figure) { tuning.chart(grid, session, figure); });
  }
  section = page.section("What to know of them");
  section.append(tuning.notes(session));
};

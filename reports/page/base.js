/* What every page needs: elements, numbers, tables, the colour scheme. Text from files only ever
 * becomes a text node. */
"use strict";

var page = { kinds: {}, data: JSON.parse(document.getElementById("data").textContent) };

/* el("td.n", {title: "x"}, "text", node, ...) */
page.el = function (name, attributes) {
  var parts = name.split(".");
  var element = document.createElement(parts[0]);
  if (parts.length > 1) element.className = parts.slice(1).join(" ");
  Object.keys(attributes || {}).forEach(function (key) {
    if (attributes[key] !== null && attributes[key] !== undefined)
      element.setAttribute(key, attributes[key]);
  });
  for (var i = 2; i < arguments.length; i++) page.add(element, arguments[i]);
  return element;
};

page.add = function (element, child) {
  if (child === null || child === undefined) return;
  if (Array.isArray(child)) child.forEach(function (one) { page.add(element, one); });
  else element.append(child);
};

page.known = function (value) { return typeof value === "number" && isFinite(value); };

/* Three to four significant digits, as in the other formats; `like` gives the decimals. */
page.number = function (value, like) {
  if (!page.known(value)) return "–";
  var size = Math.abs(page.known(like) ? like : value);
  if (size >= 1e6 || (size > 0 && size < 0.01)) return String(Number(value.toPrecision(3)));
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
};

/* The median of a figure with as many digits as its interval supports: four where half of it is within
 * 0.5 % of the median, else three; or another value with the same places. */
page.figure = function (m, value) {
  var size = Math.abs(m.median), half = m.ci95 ? (m.ci95[1] - m.ci95[0]) / 2 : Infinity, shown = value === undefined ? m.median : value;
  if (!page.known(shown) || !page.known(m.median) || half <= 0.005 * size || size >= 1e6 || size < 0.01) return page.number(shown, m.median);
  var unit = size >= 1e5 ? 1000 : size >= 1e4 ? 100 : size >= 1000 ? 10 : 0;
  return unit ? String(Math.round(shown / unit) * unit) : shown.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
};

page.bytes = function (value) {
  var names = ["B", "KiB", "MiB", "GiB", "TiB"], i = 0;
  if (!page.known(value) || value === 0) return "–";
  for (; value >= 1024 && i < 4; i++) value /= 1024;
  return Number(value.toPrecision(4)) + " " + names[i];
};

/* Halves go to the even neighbour, as in the formats that are not drawn by a browser. */
page.percent = function (value) {
  var percent = 100 * value, rounded = Math.round(percent);
  if (!page.known(value)) return "–";
  return (Math.abs(percent - rounded) === 0.5 && rounded % 2 ? rounded - 1 : rounded) + " %";
};

page.text = function (value) {
  return value === null || value === undefined || value === "" ? null : String(value);
};

/* The member of a document at "a.b.0.c"; undefined if there is none. */
page.at = function (path) {
  return path.split(".").reduce(function (value, key) {
    return value === null || value === undefined ? undefined : value[key];
  }, page.data);
};

page.placeKind = function (kind) { return { ccd: "CCD", l3: "L3 group" }[kind] || kind; };

page.place = function (place) {
  return !place ? "" : place.kind === "machine" ? "machine" : page.placeKind(place.kind) + " " + place.index;
};

/* From 0.8 on a figure is as it should be; below 0.6 something is wrong; above 1 the limit is. */
page.verdict = function (efficiency) {
  if (!page.known(efficiency)) return "";
  return efficiency > 1 ? "doubt" : efficiency >= 0.8 ? "good" : efficiency >= 0.6 ? "doubt" : "bad";
};

page.slug = function (title) { return title.toLowerCase().replace(/[^a-z0-9]+/g, "-"); };

/* A section with a heading, in the table of contents. */
page.section = function (title) {
  var section = page.el("section", { "aria-labelledby": page.slug(title) },
    page.el("h2", { id: page.slug(title) }, title));
  document.getElementById("content").append(section);
  return section;
};

/* Columns: {head, sub: a second line of the head, n: right-aligned, kind: w for sentences, name for what is not broken into lines, case and figure for heads that
 * are, value(row): what is sorted by, cell(row): text or node, path(row): where the number stands in the data}. `shape`: "stack": on a phone each row is a
 * card, its cells below each other with their heads; "sticky": the first column stays when the rest scrolls. The roles say what the cards are. */
page.table = function (label, columns, rows, shape) {
  var body = page.el("tbody", { role: "rowgroup" }), order = { column: -1, up: true };
  var heads = columns.map(function (column, index) {
    var button = page.el("button", { type: "button" }, column.head, column.sub ? page.el("span.sub", {}, " " + column.sub) : null);
    var head = page.el(column.n ? column.kind ? "th.n." + column.kind : "th.n" : "th", { scope: "col", role: "columnheader" }, button);
    button.addEventListener("click", function () { sort(index); });
    return head;
  });
  function fill(list) {
    body.replaceChildren();
    list.forEach(function (row) {
      body.append(page.el("tr", { role: "row" }, columns.map(function (column) {
        var path = column.path ? column.path(row) : null, content = column.cell(row);
        return page.el("td." + (column.n ? "n" : column.kind || "t"), { role: "cell", "data-path": path, "data-none": content === "–" ? "" : null, "data-label": column.head + (column.sub ? " " + column.sub : "") },
          Array.isArray(content) ? page.el("span", {}, content) : content || null);
      })));
    });
  }
  function sort(index) {
    order.up = order.column === index ? !order.up : true;
    order.column = index;
    var value = columns[index].value || columns[index].cell;
    var sorted = rows.slice().sort(function (a, b) {
      var x = value(a), y = value(b);
      var less = typeof x === "number" && typeof y === "number" ? x - y
        : String(x).localeCompare(String(y), "en", { numeric: true });
      if (x === null || x === undefined) less = 1;
      return order.up ? less : -less;
    });
    heads.forEach(function (head, i) {
      if (i === index) head.setAttribute("aria-sort", order.up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    fill(sorted);
  }
  fill(rows);
  return page.el("div.scroll", { role: "region", "aria-label": "Table: " + label, tabindex: "0" },
    page.el(shape ? "table." + shape : "table", { role: "table" }, page.el("thead", { role: "rowgroup" }, page.el("tr", { role: "row" }, heads)), body));
};

/* A table that is built when somebody opens it. */
page.folded = function (title, build) {
  var details = page.el("details", {}, page.el("summary", {}, title));
  details.addEventListener("toggle", function () {
    if (details.open && details.children.length === 1) details.append(build());
  });
  return details;
};

page.facts = function (pairs) {
  return page.el("dl.facts", {}, pairs.filter(function (pair) { return page.text(pair[1]); })
    .map(function (pair) { return [page.el("dt", {}, pair[0]), page.el("dd", {}, pair[1])]; }));
};

page.themeButton = function () {
  var names = ["colours: automatic", "colours: light", "colours: dark"], values = ["", "light", "dark"], at = 0;
  var button = page.el("button", { type: "button" }, names[0]);
  button.addEventListener("click", function () {
    at = (at + 1) % 3;
    button.textContent = names[at];
    if (values[at]) document.documentElement.dataset.theme = values[at];
    else delete document.documentElement.dataset.theme;
  });
  return button;
};

page.contents = function () {
  var links = Array.from(document.querySelectorAll("h2:not([data-quiet])")).map(function (head) {
    return page.el("li", {}, page.el("a", { href: "#" + head.id }, head.textContent));
  });
  return page.el("nav", { "aria-label": "Contents" }, page.el("ul", {}, links));
};

/* How a figure was measured, for the box beside it. */
page.how = function (m, limit) {
  var rows = [["median", page.figure(m) + " " + m.unit]];
  if (m.ci95) rows.push(["95 %", page.figure(m, m.ci95[0]) + " to " + page.figure(m, m.ci95[1])]);
  rows.push(["best", page.figure(m, m.best)]);
  if (m.n) rows.push(["repeats", String(m.n)]);
  if (page.known(m.threads)) rows.push(["threads", String(m.threads)]);
  rows.push(["place", page.place(m.place)]);
  if (m.working_set_bytes) rows.push(["working set", page.bytes(m.working_set_bytes)]);
  if (m.page_bytes) rows.push(["pages", page.bytes(m.page_bytes)]);
  var code = [m.isa, m.dtype, m.stores === "none" ? null : m.stores, (m.params || {}).variant];
  rows.push(["code", code.filter(Boolean).join(", ")]);
  if (m.traffic) rows.push(["bytes", m.traffic + (m.bus_per_nominal ? ", bus: x " + page.number(m.bus_per_nominal) : "")]);
  if (page.known(m.core_ghz)) rows.push(["clock", page.number(m.core_ghz) + " GHz"]);
  if (limit) rows.push(["limit", page.number(limit.value) + " " + limit.unit + " = " + (limit.formula || limit.basis)]);
  if (m.flags && m.flags.length) rows.push(["doubts", m.flags.map(report.flag).join(", ")]);
  if (m.measured_at) rows.push(["at", m.measured_at]);
  return rows.filter(function (row) { return row[1]; });
};

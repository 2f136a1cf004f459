/* browser.mjs PROGRAM SOURCE MODULES: the web pages in headless Chromium, without a network.
 * MODULES is a folder with node_modules/{playwright-core,axe-core}. Output is TAP. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, source, modules] = process.argv.slice(2);
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const HOSTILE = "</script><script>window.hostile=1</script><img src=x onerror=\"window.hostile=1\">'`{{data}}&lt;<!-- ]]>";
const CHARTS = ["tg_tok_s", "pp_tok_s", "roofline", "efficiency", "curve-latency-latency", "curve-sweep-bandwidth",
  "curve-scaling-bandwidth", "curve-loaded_latency-latency", "matrix-core_to_core", "matrix-node_read"];

function skipAll(reason) {
  console.log(`1..0 # SKIP ${reason}`);
  process.exit(0);
}

let playwright, axe;
try {
  const require = createRequire(join(modules, "package.json"));
  playwright = require("playwright-core");
  axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
} catch (problem) {
  skipAll(`playwright-core and axe-core are not in ${modules} (./check fetches them with npm)`);
}
if (!CHROMIUM) skipAll("no chromium");

const folder = mkdtempSync(join(tmpdir(), "tokenroof-browser-"));
const base = join(source, "data/calibration/server.json");

function check(condition, text) {
  if (!condition) throw new Error(text);
}

function simulate(name, cores, factor) {
  const path = join(folder, name + ".json");
  execFileSync("python3", [join(source, "browser/simulated.py"), base, String(cores), path, String(factor)]);
  return path;
}

function render(name, ...files) {
  const path = join(folder, name + ".html");
  execFileSync(program, ["report", ...files, "-f", "html:" + path]);
  return path;
}

function everyText(value, change, key) {
  if (Array.isArray(value)) return value.map((one) => everyText(one, change, key));
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, everyText(one, change, name)]));
  return typeof value === "string" ? change(value, key) : value;
}

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/* What the page's paths point to, taken from the files and not from the page. */
function itemOf(path) {
  const document = read(path);
  return document.calibration ? document : { calibration: document, predictions: [] };
}

function at(items, path) {
  return path.split(".").slice(1).reduce((value, key) => value?.[key], items);
}

const small = simulate("small", 16, 1), other = simulate("other", 16, 0.93), large = simulate("large", 192, 1.03);
const fleet = [0.995, 0.998, 1.002, 0.88, 1.005].map((factor, i) => simulate("host" + i, 16, factor));
const hostile = join(folder, "hostile.json");
const keep = new Set(["schema", "kind", "cpus", "memory_nodes", "unit", "metric", "x", "x_unit", "rows", "columns", "class", "record"]);
writeFileSync(hostile, JSON.stringify(everyText(read(small), (text, key) => keep.has(key) ? text : HOSTILE + text)));

/* A tuning session: better, worse, alike, crashed, interrupted, announced; soaks of four verdicts. */
function tune(name, change) {
  const data = mkdtempSync(join(folder, "data-")), soaks = join(data, "tokenroof/0123456789ab/soak"), record = join(folder, name + ".jsonl");
  const long = "slow: a name so long that it fits beside no chart, however wide the page may be";
  const boots = (label, letter, read) => [1, 2, 3].map((i) => `rec "${label}" ${letter}${i} ${read + 0.2 * i}`);
  const lines = execFileSync("python3", [join(source, "support/make_tune.py"), ...boots("baseline", "a", 100), ...boots("fast", "b", 107),
    ...boots("same", "c", 100), ...boots(long, "d", 97), 'try "6600, FCLK 2200" e1 1.1 1.09 1.02', 'cut "6600, FCLK 2200" e1 108 12',
    'crashed "6600, FCLK 2200" e2', "rec halted f1 103", "interrupted halted f1", "try next g1 1.03 1.02 1"], { encoding: "utf8" }).trim().split("\n");
  writeFileSync(record, lines.map((line) => JSON.stringify(everyText(JSON.parse(line), change))).join("\n") + "\n");
  mkdirSync(soaks, { recursive: true });
  [["a3", "pass"], ["b3", "fail"], ["c3", "warn"]].forEach(([boot, verdict], i) => writeFileSync(join(soaks, i + ".json"), JSON.stringify({
    schema: "tokenroof.soak/1", created: `2026-11-25T2${i}:00:00Z`, boot_id: change(boot, "boot_id"), verdict, partial: false,
    results: [{ name: "memory", verdict, why: change("3 words were wrong", "why") }] })));
  const path = join(folder, name + ".html"), json = join(folder, name + ".json");
  execFileSync(program, ["tune", "show", record, "-f", "html:" + path, "-f", "json:" + json], { env: { ...process.env, XDG_DATA_HOME: data } });
  return { path, document: read(json) };
}

/* What only real machines have: a division of the nodes, a barrier of two threads that scatters beyond
 * zero, a figure that changed by little, but surely. */
function odd() {
  const before = read(small), after = read(small), paths = ["before", "after"].map((name) => join(folder, name + ".json"));
  [before, after].forEach((document) => {
    const calibration = document.calibration || document;
    calibration.machine.settings.nps = "NPS4";
    calibration.curves.filter((curve) => curve.name === "barrier").forEach((curve) => { curve.points = [{ ...curve.points[0], median: 408, ci95: [-576, 1392] }]; });
    calibration.curves.filter((curve) => curve.name === "scaling").forEach((curve) => { curve.points[3].ci95 = [-50, curve.points[3].median * 2]; });
    calibration.measurements.forEach((m) => { if (m.ci95) m.ci95 = [m.median * 0.9999, m.median * 1.0001]; });
  });
  (after.calibration || after).measurements.forEach((m) => { m.median *= 1.002; m.ci95 = m.ci95 && m.ci95.map((value) => 1.002 * value); });
  [before, after].forEach((document, i) => writeFileSync(paths[i], JSON.stringify(document)));
  return { path: render("odd", paths[0]), files: [paths[0]], compared: render("odd-compared", ...paths) };
}

const pages = {
  small: { path: render("small", small), files: [small] },
  large: { path: render("large", large), files: [large] },
  comparison: { path: render("comparison", small, other), files: [small, other] },
  hosts: { path: render("hosts", ...fleet), files: fleet },
  hostile: { path: render("hostile", hostile), files: [hostile] },
  tuning: tune("tuning", (text) => text),
  hostileTuning: tune("hostile-tuning", (text, key) => ["event", "schema", "at", "host_id", "tier"].includes(key) ? text : HOSTILE + text),
  disturbed: { path: render("disturbed", join(source, "data/calibration/disturbed.json")), files: [join(source, "data/calibration/disturbed.json")] },
  odd: odd(),
  virtual: { path: render("virtual", join(source, "data/calibration/vm.json")), files: [join(source, "data/calibration/vm.json")] },
};

const browser = await playwright.chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

/* A page with the network off; what it says and asks for is kept. */
async function open(path, { whole = true, before = null, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.setOffline(true);
  const tab = await context.newPage();
  tab.said = [];
  tab.on("console", (message) => tab.said.push(`${message.type()}: ${message.text()}`));
  tab.on("pageerror", (error) => tab.said.push(`error: ${error.message}`));
  tab.on("request", (request) => {
    if (request.url() !== "file://" + path && !request.url().startsWith("data:")) tab.said.push("request: " + request.url());
  });
  if (before) await before(tab);
  await tab.goto("file://" + path);
  if (options.javaScriptEnabled !== false)
    await tab.waitForFunction((all) => document.querySelector("nav") && (!all || document.documentElement.dataset.charts === "drawn"), whole);
  return tab;
}

async function close(tab) {
  const said = tab.said;
  await tab.context().close();
  check(said.length === 0, "the page said: " + said.slice(0, 3).join("; "));
}

/* Charts with the number of marks that can be seen, and their values in drawing order. */
function charts(tab) {
  return tab.evaluate(() => Array.from(document.querySelectorAll("figure[data-chart]")).map((figure) => ({
    name: figure.dataset.chart,
    marks: Array.from(figure.querySelectorAll("svg .mark")).filter((mark) => {
      const box = mark.getBoundingClientRect();
      return box.width > 0 && box.height > 0;
    }).length,
  })));
}

async function drawn(name) {
  const tab = await open(pages[name].path), all = await charts(tab);
  check(all.length > 0, "no chart");
  for (const one of all) check(one.marks > 0, `${one.name} is empty`);
  await close(tab);
  return all.map((one) => one.name);
}

/* Half a unit of the last digit shown, and a little for the binary form. */
function rounds(text, value) {
  const shown = Number(text), digits = (text.split("e")[0].split(".")[1] || "").length;
  const exponent = text.includes("e") ? Number(text.split("e")[1]) : 0;
  const zeros = digits ? 0 : Math.min(text.match(/0*$/)[0].length, Math.max(0, text.length - 3)); /* 1870: three digits */
  const unit = Math.abs(value) >= 1e6 || Math.abs(value) < 0.01 && digits !== 2 ? Math.abs(value) * 0.01 : 10 ** (exponent - digits + zeros);
  return Math.abs(shown - value) <= unit * 0.5001;
}

async function numbers(name) {
  const items = pages[name].document || pages[name].files.map(itemOf), tab = await open(pages[name].path);
  await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  await tab.waitForTimeout(300);
  const found = await tab.evaluate(() => Array.from(document.querySelectorAll("[data-path]")).map((node) => ({
    path: node.dataset.path, text: node.dataset.value || node.textContent, mark: Boolean(node.dataset.value) })));
  let compared = 0;
  for (const one of found) {
    const value = at(items, one.path);
    check(value !== undefined, `${one.path} is not in the file`);
    if (value === null) {
      check(one.text.startsWith("–"), `${one.path}: ${one.text} where the file knows nothing`);
      continue;
    }
    const text = one.text.match(/^[-+]?[0-9.]+(e[-+]?[0-9]+)?/)?.[0];
    check(text && (one.mark ? Math.abs(Number(text) - value) <= 1e-8 * Math.abs(value) : rounds(text, value)),
      `${one.path}: shown ${one.text}, in the file ${value}`);
    compared++;
  }
  await close(tab);
  return compared;
}

/* Marks of one line: a higher value stands higher, a later x further to the right. */
async function positions() {
  const tab = await open(pages.small.path);
  const lines = await tab.evaluate(() => Array.from(document.querySelectorAll("figure[data-chart^=curve] svg g"))
    .map((group) => Array.from(group.querySelectorAll(".mark")).map((mark) => {
      const box = mark.getBoundingClientRect();
      return { value: Number(mark.dataset.value), x: box.x + box.width / 2, y: box.y + box.height / 2 };
    })).filter((marks) => marks.length > 3));
  check(lines.length >= 5, "lines are missing");
  for (const marks of lines)
    for (let i = 1; i < marks.length; i++) {
      check(marks[i].x > marks[i - 1].x, "not from left to right");
      check((marks[i].value - marks[0].value) * (marks[i].y - marks[0].y) <= 1, `value ${marks[i].value} stands wrong`);
    }
  const bars = await tab.evaluate(() => Array.from(document.querySelectorAll("figure[data-chart=efficiency] rect.mark"))
    .map((bar) => bar.getBoundingClientRect().width / Number(bar.dataset.value)));
  check(bars.length >= 4 && Math.max(...bars) - Math.min(...bars) < 0.01 * bars[0], "bars are not in proportion");
  await close(tab);
}

/* Tables whose rows become cards on a phone have nothing to scroll to. */
async function cards(tab, name) {
  await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  await tab.waitForTimeout(200);
  const wide = await tab.evaluate(() => Array.from(document.querySelectorAll("div.scroll")).filter((box) => box.querySelector("table.stack") && box.scrollWidth > box.clientWidth)
    .map((box) => box.getAttribute("aria-label") + " " + box.scrollWidth));
  check(wide.length === 0, "scrolls in its box: " + wide.join(", "));
  check(await tab.locator("table.stack").count() > 0 || name === "hosts", "no table of cards");
  const plain = await tab.evaluate(() => Array.from(document.querySelectorAll("table.stack td:not(:first-child)")).filter((cell) => cell.getClientRects().length && !cell.dataset.label).length);
  check(plain === 0, `${plain} cells without the name of their column`);
  await tab.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = false; }));
}

/* What is printed stays in its cell: heads of many columns would run into each other. */
async function cells(tab) {
  const outside = await tab.evaluate(() => Array.from(document.querySelectorAll("th, td")).filter((cell) => cell.getClientRects().length).map((cell) => {
    const box = cell.getBoundingClientRect(), range = document.createRange();
    range.selectNodeContents(cell);
    const over = Array.from(range.getClientRects()).some((one) => one.width > 0 && (one.left < box.left - 1 || one.right > box.right + 1));
    return over ? cell.textContent : null;
  }).filter((text) => text !== null));
  check(outside.length === 0, `printed: ${outside.length} cells are too narrow: ${outside.slice(0, 4).join(" | ")}`);
  const broken = await tab.evaluate(() => Array.from(document.querySelectorAll("th, .badge, td.n")).filter((cell) => cell.getClientRects().length).filter((cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      for (const word of node.data.matchAll(/[A-Za-z0-9.]+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (word[0].length < 13 && new Set(Array.from(range.getClientRects()).map((one) => Math.round(one.top))).size > 1) return true;
      }
    return false;
  }).map((cell) => cell.textContent));
  check(broken.length === 0, `printed: words are broken: ${broken.slice(0, 4).join(" | ")}`);
}

async function fits(name, width, scheme) {
  const tab = await open(pages[name].path, { viewport: { width, height: 800 }, colorScheme: scheme });
  const sizes = () => tab.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  const [whole, seen] = await sizes();
  check(whole <= seen, `${whole} pixels in ${seen}`);
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  check(found.violations.length === 0, found.violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 120)} ${v.nodes[0].failureSummary}`).join("\n"));
  check(found.passes.some((pass) => pass.id === "color-contrast"), "contrast was not looked at");
  if (width === 400) await cards(tab, name);
  await tab.setViewportSize({ width: 718, height: 1000 }); /* A4 without its margins */
  await tab.emulateMedia({ media: "print" });
  const [scroll, client] = await sizes();
  check(scroll <= client, `printed: ${scroll} pixels in ${client}`);
  await cells(tab);
  await close(tab);
}

async function keyboard() {
  const tab = await open(pages.small.path), total = await tab.locator("figure svg[tabindex]").count();
  const reached = new Set();
  for (let i = 0; i < 400 && reached.size < total; i++) {
    await tab.keyboard.press("Tab");
    const name = await tab.evaluate(() => document.activeElement.closest?.("figure")?.dataset.chart &&
      document.activeElement.tagName === "svg" ? document.activeElement.closest("figure").dataset.chart : null);
    if (!name || reached.has(name)) continue;
    reached.add(name);
    await tab.keyboard.press("ArrowRight");
    const tip = tab.locator("#tip");
    check(await tip.isVisible() && (await tip.textContent()).length > 10, `${name}: nothing is said of a figure`);
    const before = await tip.textContent();
    await tab.keyboard.press("ArrowRight");
    check(before !== await tip.textContent() || await tab.locator(`figure[data-chart="${name}"] .mark`).count() === 1, `${name}: the arrow key does not move`);
    await tab.keyboard.press("Escape");
    check(!await tip.isVisible(), `${name}: Escape does not close the box`);
  }
  check(total >= CHARTS.length && reached.size === total, `${reached.size} of ${total} charts reached`);
  await close(tab);
}

async function hover() {
  const tab = await open(pages.small.path), mark = tab.locator("figure[data-chart=efficiency] .mark").first();
  await mark.scrollIntoViewIfNeeded();
  await mark.hover();
  const text = await tab.locator("#tip").textContent();
  for (const word of ["median", "95 %", "repeats", "threads", "working set", "code", "limit"])
    check(text.includes(word), `'${word}' is not told: ${text}`);
  await close(tab);
}

async function theme() {
  const tab = await open(pages.small.path, { colorScheme: "light" });
  const colour = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await colour(), button = tab.getByRole("button", { name: /colours/ });
  await button.click();
  await button.click();
  check(await colour() !== light, "the button does not change the colours");
  await close(tab);
}

async function sorting() {
  const tab = await open(pages.small.path), table = tab.getByRole("region", { name: "Table: All figures" });
  if (!await table.isVisible()) await tab.locator("summary", { hasText: "figures" }).click();
  const column = () => table.locator("tbody tr td:nth-child(8)").allTextContents();
  await table.getByRole("button", { name: "median" }).click();
  const values = (await column()).map(Number);
  check(values.length > 20 && values.every((value, i) => i === 0 || value >= 0.99 * values[i - 1]), "not sorted") /* three digits are shown of some */;
  check(await table.locator("th[aria-sort=ascending]").count() === 1, "the order is not told");
  await close(tab);
}

async function outliers() {
  const tab = await open(pages.hosts.path), table = tab.getByRole("region", { name: "Table: Machines" });
  const marked = await table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [row.cells[0].textContent, row.querySelectorAll(".badge.bad").length]));
  check(marked.length === 5 && marked.every(([name, n]) => (name === "host3") === n > 5), JSON.stringify(marked));
  check((await tab.locator(".lead").textContent()).includes("1 of 5"), "the head does not say so");
  await table.getByRole("button", { name: /^read/ }).click();
  check((await table.locator("tbody tr td").first().textContent()) === "host3", "the slowest does not come first");
  await close(tab);
}

/* Dots of the figure that decides: at their values, told apart, none for what was not measured. */
async function tuned() {
  const tab = await open(pages.tuning.path), document = pages.tuning.document, table = tab.getByRole("region", { name: "Table: Verdicts" });
  const rows = await table.locator("tbody tr").evaluateAll((all) => all.map((row) => Array.from(row.cells).map((cell) => cell.textContent.trim())));
  const seen = Object.fromEntries(rows.map((row) => [row[0], row]));
  for (const [name, verdict, soak, state] of [["baseline", "baseline", "pass", "measured"], ["fast", "better", "fail", "measured"], ["same", "no difference", "warn", "measured"],
    ["6600, FCLK 2200", "one boot only", "not soaked", "crashed"], ["halted", "one boot only", "not soaked", "interrupted"], ["next", "not measured", "not soaked", "tried"]])
    check(seen[name]?.[1] === verdict && seen[name][7] === soak && seen[name][8] === state, `${name}: ${JSON.stringify(seen[name])}`);
  check(seen.next.slice(-3).join() === "1.030,1.020,1.000", "what the clocks allow is not told");
  const dots = await tab.evaluate(() => Array.from(window.document.querySelectorAll("figure[data-chart=tuning-read] .mark")).map((mark) => ({
    value: Number(mark.dataset.value), x: mark.getBoundingClientRect().x, filled: mark.style.fill.includes("good") ? "better" : mark.style.fill.includes("bad") ? "worse" : "" })));
  const measured = document.results.filter((row) => row.figures.length);
  check(dots.length === measured.length && dots.length === 6, `${dots.length} dots`);
  dots.forEach((dot, i) => {
    check((measured[i].verdict === "better" || measured[i].verdict === "worse" ? measured[i].verdict : "") === dot.filled, `${measured[i].name}: filled as ${dot.filled}`);
    const other = dots[(i + 1) % dots.length], scale = (dots[3].x - dots[1].x) / (dots[3].value - dots[1].value);
    check(Math.abs(other.x - dot.x - scale * (other.value - dot.value)) < 1, `${measured[i].name} stands wrong`);
  });
  const chart = await tab.locator("figure[data-chart=tuning-read] svg").textContent();
  for (const word of ["✕ crashed", "interrupted", "✕ soak: fail", "soak: pass", "not measured"]) check(chart.includes(word), `'${word}' is not in the chart`);
  check((await tab.locator(".lead").textContent()).includes(document.best), "the head does not name the best");
  await close(tab);
}

/* No mark on the frame of a chart with logarithms, where half of it would be lost among the axes. */
async function padding() {
  const tab = await open(pages.small.path);
  const found = await tab.evaluate(() => ["tg_tok_s", "pp_tok_s", "roofline", "curve-latency-latency"].map((name) => {
    const figure = document.querySelector(`figure[data-chart=${name}]`), axes = Array.from(figure.querySelectorAll(".axis path.domain")).map((path) => path.getBoundingClientRect());
    const bottom = Math.min(...axes.map((box) => box.bottom)), top = Math.min(...axes.map((box) => box.top)), left = Math.min(...axes.map((box) => box.left));
    const middles = Array.from(figure.querySelectorAll(".mark")).map((mark) => mark.getBoundingClientRect()).map((box) => [box.x + box.width / 2, box.y + box.height / 2]);
    return { name, marks: middles.length, above: Math.min(...middles.map((at) => at[1])) - top, below: bottom - Math.max(...middles.map((at) => at[1])), beside: Math.min(...middles.map((at) => at[0])) - left };
  }));
  for (const one of found) check(one.marks > 5 && one.above >= 4 && one.below >= 4 && one.beside >= 4, JSON.stringify(one));
  await close(tab);
}

/* Charts are drawn for the paper and for the window again; classes and use cases are told in words. */
async function printed() {
  const tab = await open(pages.small.path, { viewport: { width: 1280, height: 900 } });
  const widths = () => tab.evaluate(() => Array.from(document.querySelectorAll("figure > svg")).map((svg) => svg.viewBox.baseVal.width));
  const before = await widths();
  await tab.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  check((await widths()).every((width) => width === 300 || width === 640), (await widths()).join());
  await tab.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  check((await widths()).join() === before.join(), "not as before");
  const matrix = tab.getByRole("region", { name: "Table: Models and use cases" });
  const badges = await matrix.locator("td .badge").allTextContents();
  check(badges.length > 10 && badges.every((text) => /^([IBON] [0-9]|non-viable)/.test(text)), badges.join());
  const text = await tab.locator("main").textContent();
  for (const word of ["I interactive", "N non-viable", "UC1 classification", "tokens of the prompt + tokens generated"]) check(text.includes(word), `'${word}' is not told`);
  await close(tab);
}

/* A narrower instruction set never stands for a wider one in silence. */
async function widest() {
  const tab = await open(pages.disturbed.path), items = pages.disturbed.files.map(itemOf), tile = tab.locator(".tile", { hasText: "FMA f32" });
  check(at(items, (await tile.locator(".value").getAttribute("data-path")).replace("median", "isa")) === "avx512", "the tile is of a narrower set");
  check((await tile.textContent()).includes("disturbed"), "the tile does not say that it was disturbed");
  check((await tab.locator(".tile", { hasText: "memory, read" }).textContent()).includes("avx512 in doubt, avx2 stands"), "the tile of reading is silent");
  const notes = await tab.locator("#content ul.warnings").first().textContent();
  for (const word of ["fma f64: avx512 is in doubt (1120 GFLOP/s, disturbed), so avx2 stands", "read: avx512 is in doubt (231 GB/s, disturbed), so avx2 stands"])
    check(notes.includes(word), `'${word}' is not told: ${notes}`);
  check(!notes.includes("fma f32"), notes);
  await close(tab);
}

async function noEffect(name) {
  const tab = await open(pages[name].path);
  const seen = await tab.evaluate(() => ({ hostile: window.hostile, scripts: document.scripts.length, images: document.images.length,
    text: document.body.innerText.includes("</script><script>window.hostile=1"), links: document.querySelectorAll("a:not([href^='#'])").length }));
  check(seen.hostile === undefined, "a script of the file ran");
  check(seen.scripts === 3 && seen.images === 0 && seen.links === 0, JSON.stringify(seen));
  check(seen.text, "the text is not shown as text");
  await tab.setViewportSize({ width: 400, height: 800 });
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
    Array.from(document.querySelectorAll("body *")).filter((node) => !node.closest(".scroll, svg") && node.getBoundingClientRect().right > 401)
      .map((node) => node.outerHTML.slice(0, 80)));
  check(wide.length === 0, "long words widen the page: " + wide.slice(-3).join("\n"));
  await close(tab);
}

/* Bytes, and the page's own time until it is shown and answers, with the charts in view drawn, and until
 * all are drawn: processor time of its main thread, which other work on the machine hardly changes. */
async function quick(name, megabytes) {
  const bytes = statSync(pages[name].path).size;
  check(bytes <= megabytes * 1e6, `${bytes} bytes`);
  let session;
  const used = async () => 1000 * (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  const tab = await open(pages[name].path, { whole: false, before: async (fresh) => {
    session = await fresh.context().newCDPSession(fresh);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
  } });
  await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const usable = await used();
  await tab.waitForFunction(() => document.documentElement.dataset.charts === "drawn");
  const all = await used();
  await close(tab);
  console.log(`# ${name}: ${bytes} bytes, usable after ${usable.toFixed(0)} ms, all charts after ${all.toFixed(0)} ms of processor time`);
  check(usable > 0 && usable < 2000 && all < 5000, `${usable.toFixed(0)} ms, ${all.toFixed(0)} ms`);
}

async function withoutScripts() {
  const tab = await open(pages.small.path, { javaScriptEnabled: false });
  check((await tab.locator("noscript pre").innerText()).includes("## Measured"), "no text without scripts");
  await close(tab);
}

async function withoutLibrary() {
  const whole = readFileSync(pages.small.path, "utf8"), path = join(folder, "tables.html");
  const start = whole.indexOf("<script>/*\nD3"), end = whole.indexOf("</script>", start);
  if (start < 0) return "this build has no D3";
  writeFileSync(path, whole.slice(0, start) + "<script>" + whole.slice(end));
  const tab = await open(path);
  check(await tab.locator("figure svg").count() === 0 && await tab.locator("figure table").count() >= 6, "no tables in place of charts");
  await close(tab);
  return null;
}

async function oddities() {
  let tab = await open(pages.odd.path);
  const facts = await tab.locator("dl.facts").first().textContent();
  check(facts.includes(" NPS4") && !facts.includes("NPSNPS"), facts);
  const bar = await tab.evaluate(() => ["rect.track", "rect.mark"].map((name) => document.querySelector("figure[data-chart^=curve-barrier] " + name).getBoundingClientRect().x));
  check(bar[0] === bar[1], "a bar does not begin at the left: " + bar.join());
  const axis = (name, side) => tab.evaluate(([chart, k]) => Array.from(document.querySelectorAll(`figure[data-chart=${chart}] svg .axis`)[k].querySelectorAll("text")).map((text) => text.textContent), [name, side]);
  const threads = await axis("curve-scaling-bandwidth", 0), rates = await axis("curve-scaling-bandwidth", 1);
  check(threads.length > 2 && threads.every((text) => text && Number.isInteger(Number(text)) && Number(text) <= 16), "threads: " + threads.join());
  check(rates.every((text) => Number(text) >= 0), "rates: " + rates.join());
  await close(tab);
  tab = await open(pages.odd.compared);
  const widest = await tab.evaluate(() => Math.max(...Array.from(document.querySelectorAll("figure[data-chart^=difference] rect.mark")).map((bar) => bar.getBoundingClientRect().width / bar.closest("svg").getBoundingClientRect().width)));
  check(widest > 0 && widest < 0.1, `a change of 0.2 % takes ${widest} of the width`);
  await close(tab);
  tab = await open(pages.virtual.path);
  check((await tab.locator("figure[data-chart=roofline] .legend").textContent()).includes("kernels: triad"), "what the dot is remains open");
  check((await tab.locator("figure[data-chart=roofline] .note").textContent()).includes("19.8 GB/s and 168.0 GFLOP/s"), "more digits than the interval supports");
  await close(tab);
  tab = await open(pages.large.path);
  const ids = await tab.evaluate(() => Array.from(document.querySelectorAll("figure[data-chart=matrix-core_to_core] text")).filter((text) => /^[0-9]+$/.test(text.textContent)).map((text) => Number(text.textContent)));
  const keys = await tab.evaluate(() => ["core_to_core", "node_read"].map((name) => Array.from(document.querySelectorAll(`figure[data-chart=matrix-${name}] text`)).map((text) => text.textContent).find((text) => / (ns|GB\/s)$/.test(text))));
  check(keys[0].startsWith("≥ ") && !keys[1].startsWith("≥"), "where the scale of shades ends: " + keys.join());
  const steps = new Set(ids.slice(1).map((id, i) => id - ids[i]).filter((step) => step > 0));
  check(steps.size > 0 && Array.from(steps).every((step) => Number.isInteger(Math.log2(step))), "steps of the cores: " + Array.from(steps).join());
  await close(tab);
}

/* As many digits as the interval supports, as in the terminal. */
async function digits() {
  const tab = await open(pages.small.path), tile = tab.locator(".tile", { hasText: "llama-3.1-8b" });
  check((await tile.textContent()).includes("65.3 tok/s57.5 to 71.8"), await tile.textContent());
  const row = tab.getByRole("region", { name: "Table: Models and use cases" }).locator("tr", { hasText: "llama-3.1-8b" });
  check((await row.textContent()).includes("65.3 (57.5–71.8)"), await row.textContent());
  await close(tab);
}

const tests = {
  "every chart of a full report is drawn": async () => {
    const names = await drawn("small");
    for (const name of CHARTS) check(names.includes(name), `${name} is missing`);
    check(names.some((name) => name.startsWith("places-core")) && names.some((name) => name.startsWith("places-node")), "places are missing");
  },
  "charts of a large machine": () => drawn("large"),
  "charts of a comparison": async () => check((await drawn("comparison")).includes("difference-1"), "no differences"),
  "charts of many hosts": async () => check((await drawn("hosts")).includes("hosts"), "no chart of hosts"),
  "numbers of many hosts": async () => check(await numbers("hosts") > 80, "too few numbers"),
  "the slow host is marked, the others are not": outliers,
  "charts of a tuning session": async () => check((await drawn("tuning")).length === 7, "figures are missing"),
  "numbers of a tuning session": async () => check(await numbers("tuning") > 150, "too few numbers"),
  "verdicts, soaks and crashes of a tuning session": tuned,
  "no mark touches the frame of a chart": padding,
  "charts on paper, and what letters mean": printed,
  "a doubtful wider instruction set is named": widest,
  "charts of a virtual machine": () => drawn("virtual"),
  "numbers are those of the file": async () => check(await numbers("small") > 400, "too few numbers"),
  "numbers of a comparison": async () => check(await numbers("comparison") > 100, "too few numbers"),
  "marks stand where their values are": positions,
  ...Object.fromEntries(["small", "comparison", "hosts", "tuning"].flatMap((name) => [400, 1600].flatMap((width) => ["light", "dark"].map((scheme) =>
    [`${name} fits ${width} pixels, ${scheme}, axe finds nothing`, () => fits(name, width, scheme)])))),
  "what only real machines have": oddities,
  "digits of predictions": digits,
  "keyboard": keyboard,
  "how a figure was measured, on hover": hover,
  "colours can be chosen": theme,
  "tables sort": sorting,
  "hostile text stays text": () => noEffect("hostile"),
  "hostile text of a tuning session stays text": () => noEffect("hostileTuning"),
  "a usual page is at most 1.5 MB": () => quick("small", 1.5),
  "192 cores: at most 5 MB, within 2 s": () => quick("large", 5),
  "without scripts": withoutScripts,
  "without the charting library": withoutLibrary,
};

let failed = 0, number = 0;
console.log(`1..${Object.keys(tests).length}`);
for (const [name, test] of Object.entries(tests)) {
  number++;
  try {
    const reason = await test();
    console.log(`ok ${number} - ${name}${typeof reason === "string" ? " # SKIP " + reason : ""}`);
  } catch (problem) {
    failed++;
    console.log(`not ok ${number} - ${name}`);
    console.error(`${name}: ${problem.message}`);
  }
}
await browser.close();
rmSync(folder, { recursive: true });
process.exit(failed ? 1 : 0);

// The page: it reads what it holds, shows it, and does what people ask of it.

const page = { colours: null, history: null, filters: null, shown: null, range: null, selected: -1 };

const byId = (id) => document.getElementById(id);

function start(read) {
  const history = (page.history = historyOf(read));
  byId("trouble").hidden = true;
  byId("main").hidden = false;
  setTheme(remembered());
  fillHead(history);
  fillFilters(history);
  page.hint = createHint(history);
  page.timeline = createTimeline(history, () => page.colours, act);
  page.overview = createOverview(byId("overview"), history, () => page.colours, () => page.timeline.labelWidth, act.zoom);
  page.table = createTable(history, act);
  page.detail = createDetail(history, act);
  listen();
  readState();
  const sizes = new ResizeObserver(() => later(resize));
  for (const element of [document.body, byId("timeline")]) sizes.observe(element);
  document.documentElement.dataset.ready = "yes";
}

// What people do

const act = {
  zoom(range) {
    page.range = bounded(page.history, range);
    later(showRange);
  },
  // Zoom by a factor, around a moment that stays where it is.
  zoomBy(factor, at = (page.range.from + page.range.to) / 2) {
    const { from, to } = page.range;
    act.zoom({ from: at - (at - from) * factor, to: at + (to - at) * factor });
  },
  // Move by a part of what is seen.
  moveBy(part) {
    const by = (page.range.to - page.range.from) * part;
    act.zoom({ from: page.range.from + by, to: page.range.to + by });
  },
  select(number) {
    page.selected = number;
    if (number >= 0) {
      const time = page.history.alerts.time[number];
      const { from, to } = page.range;
      if (time < from || time > to) act.zoom({ from: time - (to - from) / 2, to: time + (to - from) / 2 });
      page.timeline.reveal(number);
    }
    later(showRange);
  },
  // The alert that comes after the selected one, or before it; without one, the first of what is seen.
  step(by) {
    const { numbers, times } = page.shown;
    if (!numbers.length) return;
    const place = numbers.indexOf(page.selected);
    const start = after(times, page.range.from);
    const to = place >= 0 ? place + by : by > 0 ? start : start - 1;
    act.select(numbers[Math.max(0, Math.min(numbers.length - 1, to))]);
  },
  zoomToSelected() {
    if (page.selected < 0) return;
    const time = page.history.alerts.time[page.selected];
    const half = Math.min(5 * MINUTE, (page.range.to - page.range.from) / 8);
    act.zoom({ from: time - half, to: time + half });
  },
  filter(filters) {
    page.filters = filters;
    later(showFilters);
  },
  setUtc(utc) {
    clock.utc = utc;
    byId("zone").value = utc ? "utc" : "";
    page.overview.plot.redraw(false, true);
    later(showRange);
  },
  hint: (...what) => page.hint(...what),
};

// One drawing for all that happens before the next one is due.
const due = new Set();

function later(show) {
  if (!due.size) requestAnimationFrame(showDue);
  due.add(show);
}

function showDue() {
  for (const show of [showFilters, resize, showRange]) if (due.delete(show) || show === showRange) show();
}

function showFilters() {
  page.shown = chosen(page.history, page.filters);
  page.timeline.showRows(page.shown);
  page.overview.showAlerts(page.shown.times);
  byId("no-rows").hidden = page.shown.rows.length > 0;
  writeFilters(page.filters);
}

function showRange() {
  const { range, selected } = page;
  const { numbers, times } = page.shown;
  const seen = numbers.subarray(after(times, range.from), after(times, range.to));
  page.timeline.show({ range, selected });
  page.overview.show(range);
  page.table.show(seen);
  page.table.select(selected);
  page.detail.show(selected);
  byId("range").textContent = `${showTime(range.from)} to ${showTime(range.to)} (${showDuration(range.to - range.from)})`;
  byId("count").textContent = seen.length === numbers.length ? counted(seen.length, "alert") : `${counted(seen.length, "alert")} of ${numbers.length.toLocaleString("en")}`;
  writeAddress();
}

function resize() {
  page.timeline.resize();
  page.overview.plot.setSize({ width: page.timeline.plot.width + 1, height: OVERVIEW_PX }); // and its border
}

// The address

function writeAddress() {
  const address = addressOf(page.history, page.range, page.filters, page.selected);
  if (address !== location.hash.slice(1)) window.history.replaceState(null, "", `#${address}`);
}

function readState() {
  const { range, filters, utc, selected } = readAddress(page.history, location.hash.slice(1));
  page.range = range;
  page.selected = selected;
  page.filters = filters;
  act.setUtc(utc);
  showFilters();
  resize();
  if (selected >= 0) page.timeline.reveal(selected);
  later(showRange);
}

// Head and filters

function fillHead({ head, from, to, alerts }) {
  const held = alerts.held.reduce((sum, one) => sum + one, 0);
  const processes = head.processes.length - 1;
  document.title = `${head.subject}: replay`;
  byId("subject").textContent = head.subject;
  byId("summary").textContent = [
    `${counted(head.events, "event")} of ${counted(processes, "process")} in ${showDuration(to - from)}`,
    `${counted(head.alerts, "alert")} by ${counted(head.rules.length, "rule")}`,
    held ? `${held.toLocaleString("en")} held back` : "none held back",
  ].join(" · ");
}

function fillFilters({ head, alerts, rows, looks }) {
  const counts = head.rules.map(() => 0);
  for (const rule of alerts.rule) counts[rule]++;
  const rules = head.rules.map((name, i) => make("option", { value: name }, `${name} (${counts[i]})`));
  rules.sort((a, b) => (a.value < b.value ? -1 : 1));
  byId("filter-rule").append(make("option", { value: "" }, "all"), ...rules);
  byId("processes").append(...rows.slice(0, 1000).map((row) => make("option", { value: row.name })));
  for (const look of [...LOOKS].reverse()) {
    const count = looks.reduce((sum, one) => sum + (LOOKS[one] === look), 0);
    const box = make("input", { type: "checkbox", value: look, checked: true, disabled: !count });
    byId("filter-look").append(make("label", {}, box, swatch({ look, phase: "firing", held: null }), ` ${look} (${count})`));
  }
  fillLegend();
}

function fillLegend() {
  const states = STATES.map((name, state) => name && make("li", {}, band(state), ` ${name}`)).filter(Boolean);
  const marks = [
    [{ look: "error", phase: "firing", held: null }, "alert"],
    [{ look: "error", phase: "firing", held: "" }, "held back"],
    [{ look: "info", phase: "recovery", held: null }, "recovery"],
  ];
  const others = [make("li", {}, line("density"), " other events"), make("li", {}, line("span"), " an alert is open")];
  byId("legend").replaceChildren(...states, ...others, ...marks.map(([mark, name]) => make("li", {}, swatch(mark), ` ${name}`)));
}

function line(name) {
  return make("span", { className: `line ${name}` });
}

function band(state) {
  const ratio = uPlot.pxRatio;
  const canvas = make("canvas", { width: 24 * ratio, height: 18 * ratio, className: "band", ariaHidden: "true" });
  const pen = canvas.getContext("2d");
  const height = STATE_LOOKS[state].height * BAND_PX * ratio;
  pen.fillStyle = page.colours.states[state];
  pen.fillRect(0, 9 * ratio - height / 2, 24 * ratio, height);
  return canvas;
}

function readFilters() {
  const looks = document.querySelectorAll("#filter-look input:checked, #filter-look input:disabled");
  return {
    rule: byId("filter-rule").value,
    process: byId("filter-process").value,
    looks: new Set(Array.from(looks, (box) => box.value)),
    held: byId("filter-held").value,
    text: byId("filter-text").value,
    withAlerts: byId("filter-with-alerts").checked,
  };
}

function writeFilters({ rule, process, looks, held, text, withAlerts }) {
  const put = (id, value) => byId(id).value === value || (byId(id).value = value);
  put("filter-rule", rule);
  put("filter-process", process);
  put("filter-held", held);
  put("filter-text", text);
  byId("filter-with-alerts").checked = withAlerts;
  for (const box of document.querySelectorAll("#filter-look input")) box.checked = looks.has(box.value);
}

// Light and dark

const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
  document.documentElement.dataset.theme = theme || (dark.matches ? "dark" : "light");
  byId("theme").value = theme;
  page.colours = readColours();
}

function repaint() {
  setTheme(byId("theme").value);
  byId("filter-look").querySelectorAll("canvas").forEach((canvas) => {
    const look = canvas.parentElement.querySelector("input").value;
    canvas.replaceWith(swatch({ look, phase: "firing", held: null }));
  });
  fillLegend();
  page.overview.plot.redraw();
  later(showRange);
}

// A browser may keep nothing for a page that is a file.
function remembered() {
  try {
    return localStorage.getItem("rules-listener-theme") ?? "";
  } catch {
    return "";
  }
}

function remember(theme) {
  try {
    localStorage.setItem("rules-listener-theme", theme);
  } catch {
    // then it is as the system has it, next time
  }
}

// Buttons and keys

function listen() {
  const buttons = {
    earlier: () => act.moveBy(-0.25),
    later: () => act.moveBy(0.25),
    "zoom-in": () => act.zoomBy(0.5),
    "zoom-out": () => act.zoomBy(2),
    "zoom-all": () => act.zoom(everything(page.history)),
    previous: () => act.step(-1),
    next: () => act.step(1),
    reset: () => act.filter(nothingLeftOut()),
    "show-keys": () => byId("keys").showModal(),
  };
  for (const [id, does] of Object.entries(buttons)) byId(id).addEventListener("click", does);
  byId("filters").addEventListener("input", () => act.filter(readFilters()));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("zone").addEventListener("change", (event) => act.setUtc(event.target.value === "utc"));
  byId("theme").addEventListener("change", (event) => {
    remember(event.target.value);
    repaint();
  });
  dark.addEventListener("change", repaint);
  addEventListener("hashchange", readState);
  document.addEventListener("keydown", onKey);
}

const KEYS = {
  "+": () => act.zoomBy(0.5),
  "=": () => act.zoomBy(0.5),
  "-": () => act.zoomBy(2),
  0: () => act.zoom(everything(page.history)),
  n: () => act.step(1),
  p: () => act.step(-1),
  z: () => act.zoomToSelected(),
  u: () => act.setUtc(!clock.utc),
  "/": () => byId("filter-text").focus(),
  "?": () => byId("keys").showModal(),
  ArrowLeft: () => act.moveBy(-0.25),
  ArrowRight: () => act.moveBy(0.25),
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || byId("keys").open) return;
  if (event.key === "Escape") {
    if (event.target.matches("input, select") && event.target.value) return;
    act.select(-1);
    return;
  }
  if (event.target.matches("input, select, textarea")) return;
  const does = KEYS[event.key];
  if (!does) return;
  event.preventDefault();
  does();
}

readPage().then(start).catch((error) => {
  byId("trouble").textContent = `This page can't be shown: ${error.message}. It needs a browser of 2023 or later.`;
  throw error;
});

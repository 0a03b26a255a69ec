// What is around the time line: the head, the filters, the legend, light and dark, buttons and keys.

// Head and filters

function fillHead({ head, events, alerts, looks, from, to }) {
  const held = alerts.held.reduce((sum, one) => sum + one, 0);
  const sent = alerts.time.length - held;
  const actions = looks.reduce((sum, look, i) => sum + (LOOKS[look] === "action" && !alerts.held[i]), 0);
  const few = (number, text) => (number ? [text] : []);
  const said = [
    `${counted(events.time.length, "event")} of ${counted(head.processes.length - 1, "process")} in ${showDuration(to - from)}`,
    ...few(head.missing, `${counted(head.missing, "event")} discarded by supervisord`),
    ...few(head.unreadable, `${head.unreadable.toLocaleString("en")} that can't be read`),
    `${counted(sent - actions, "alert")} sent by ${counted(head.rules.length, "rule")}`,
    ...few(actions, counted(actions, "action")),
    `${held.toLocaleString("en")} held back`,
  ];
  document.title = `${head.subject}: replay`;
  byId("subject").textContent = head.subject;
  byId("summary").textContent = events.time.length || alerts.time.length ? said.join(" · ") : "no events";
}

function fillFilters({ head, alerts, rows, looks }) {
  const counts = head.rules.map(() => 0);
  for (const rule of alerts.rule) counts[rule]++;
  const rules = head.rules.map((name, i) => make("option", { value: name }, `${name} (${counts[i]})`));
  rules.sort((a, b) => compareNames(a.value, b.value));
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
    [{ look: "error", phase: "firing", held: null }, "alert, or reminder of one"],
    [{ look: "error", phase: "firing", held: "" }, "held back"],
    [{ look: "info", phase: "recovery", held: null }, "recovery"],
  ];
  const others = [make("li", {}, line("density"), " other events"), make("li", {}, line("span"), " an alert is open")];
  const note = make("li", { className: "quiet" }, "Where more happens than fits, the gravest is shown.");
  byId("legend").replaceChildren(...states, ...others, ...marks.map(([mark, name]) => make("li", {}, swatch(mark), ` ${name}`)), note);
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
  for (const changed of ["input", "change"]) byId("filters").addEventListener(changed, () => act.filter(readFilters()));
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

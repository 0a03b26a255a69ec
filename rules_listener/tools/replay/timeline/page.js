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
  const colours = () => page.colours;
  page.hint = new Hint(history);
  page.timeline = new Timeline(history, colours, act);
  page.overview = new Overview(byId("overview"), history, colours, () => page.timeline.labelWidth, act.zoom);
  page.table = new Table(history, act);
  page.detail = new Detail(history, act);
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
    later(showRange);
  },
  hint: (...what) => page.hint.show(...what),
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
  page.timeline.show(range, selected);
  page.overview.show(range);
  page.table.show(seen);
  page.table.select(selected);
  page.detail.show(selected);
  byId("range").textContent = `${showTime(range.from)} to ${showTime(range.to)} (${showDuration(range.to - range.from)})`;
  byId("no-alerts").hidden = seen.length > 0;
  byId("no-alerts").textContent = noneText(page.history, numbers.length);
  byId("count").textContent = countText(seen.length, numbers.length);
  clearTimeout(page.writing);
  page.writing = setTimeout(writeAddress, PAUSE_MS);
}

function noneText({ alerts }, chosen) {
  if (!alerts.time.length) return "The rules say nothing about these events.";
  return chosen ? "There is no alert in this range: 0 shows all of it." : "No alert passes these filters.";
}

function countText(seen, all) {
  const listed = seen > MOST_LINES ? `; listed are the first ${MOST_LINES.toLocaleString("en")}` : "";
  return `${counted(seen, "alert")}${seen < all ? ` of ${all.toLocaleString("en")}` : ""}${listed}`;
}

function resize() {
  page.timeline.resize();
  page.overview.resize(page.timeline.plot.width + 1); // and its border
}

// The address

const PAUSE_MS = 200; // browsers refuse an address that changes too often

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

readPage().then(start).catch((error) => {
  byId("trouble").textContent = `This page can't be shown: ${error.message}. It needs a browser of 2023 or later.`;
  throw error;
});

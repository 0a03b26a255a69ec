// The time line: the plotting library has the axes, the cursor and the zoom; `paint` fills the rows.

const AXIS_PX = 42;
const RIGHT_PX = 34; // half of a date
const LABEL_MOST_PX = 240;
const LABEL_GAP_PX = 8;
const NEAR_PX = 10;
const FONT = "12px system-ui, sans-serif";
const NEW_DAY = "\n{YYYY}-{MM}-{DD}";

// From which step on, how a time is written, and what is added where the year, the month or the day is another.
const TIME_LABELS = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [DAY, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [MINUTE, "{HH}:{mm}", NEW_DAY, null, NEW_DAY, null, null, null, 1],
  [SECOND, "{HH}:{mm}:{ss}", NEW_DAY, null, NEW_DAY, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}.{fff}", NEW_DAY, null, NEW_DAY, null, null, null, 1],
];

// Rows may be more than fit: `box` scrolls, and the plot, which stays where it is, shows those that are in sight.
class Timeline {
  constructor(history, colours, act) {
    Object.assign(this, { history, colours, act });
    this.box = document.getElementById("timeline");
    this.space = document.getElementById("all-rows");
    this.chart = document.getElementById("chart");
    this.shown = { rows: [], alerts: new Uint8Array() };
    this.range = everything(history);
    this.selected = -1;
    this.marks = [];
    this.labelWidth = 80;
    this.plot = new uPlot(this.options(), [[history.from, history.to], [0, 0]], this.chart);
    this.listen();
  }

  options() {
    return {
      width: 600,
      height: 200,
      ms: 1,
      tzDate: zoned,
      legend: { show: false },
      padding: [0, RIGHT_PX, 0, 0],
      scales: {
        x: { time: true, range: () => [this.range.from, this.range.to] },
        y: { dir: -1, range: () => [this.first, this.first + this.inSight] },
      },
      series: [{}, { show: false, scale: "y" }],
      axes: [this.timeAxis(), this.nameAxis()],
      cursor: this.cursor(),
      hooks: {
        setSelect: [() => this.zoomToSelection()],
        setCursor: [() => this.hint()],
        drawAxes: [() => this.stripe()],
        draw: [() => this.paint()],
      },
    };
  }

  timeAxis() {
    const line = { stroke: () => this.colours().line, width: 1 };
    return { side: 0, size: AXIS_PX, font: FONT, stroke: () => this.colours().ink, values: TIME_LABELS, space: 70, ticks: line, grid: line };
  }

  nameAxis() {
    return {
      side: 3,
      size: () => this.labelWidth,
      gap: LABEL_GAP_PX,
      font: FONT,
      stroke: () => this.colours().ink,
      splits: () => this.middles(),
      values: (_, places) => places.map((place) => this.label(this.shown.rows[Math.floor(place)])),
      ticks: { show: false },
      grid: { show: false },
    };
  }

  cursor() {
    return {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      bind: {
        dblclick: () => () => this.act.zoom(everything(this.history)),
        mousedown: (_, __, begin) => (event) => (event.shiftKey ? this.drag(event) : begin(event)),
      },
    };
  }

  // Where things are

  // The place of the first row in sight, and how many are; both may have a fraction.
  get first() {
    return this.box.scrollTop / ROW_PX;
  }

  get inSight() {
    return Math.max(0.01, (this.box.clientHeight - AXIS_PX) / ROW_PX);
  }

  get visible() {
    return this.shown.rows.slice(Math.floor(this.first), Math.ceil(this.first + this.inSight));
  }

  middles() {
    const [from, to] = [Math.ceil(this.first - 0.5), Math.min(this.shown.rows.length, this.first + this.inSight - 0.5)];
    return Array.from({ length: Math.max(0, Math.ceil(to - from)) }, (_, i) => from + i + 0.5);
  }

  label(row) {
    return shortened(row.name, this.labelWidth - 2 * LABEL_GAP_PX);
  }

  yOf(row) {
    return this.plot.bbox.top + Math.round((row.place - this.first) * ROW_PX * uPlot.pxRatio);
  }

  rowOf(alert) {
    return this.shown.rows.find((row) => row.number === this.history.alerts.row[alert]);
  }

  markAt(x, y) {
    let [nearest, distance] = [null, NEAR_PX];
    for (const mark of this.marks) {
      const away = Math.hypot(mark.x - x, mark.y - y);
      if (away < distance) [nearest, distance] = [mark, away];
    }
    return nearest;
  }

  // Painting

  clipped(draw) {
    const { ctx, bbox } = this.plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx, bbox);
    ctx.restore();
  }

  stripe() {
    this.clipped((pen, { left, width }) => {
      pen.fillStyle = this.colours().stripe;
      for (const row of this.visible) if (row.place % 2) pen.fillRect(left, this.yOf(row), width, ROW_PX * uPlot.pxRatio);
    });
  }

  paint() {
    const began = performance.now();
    this.clipped((pen, bbox) => {
      const { history, range, shown } = this;
      const what = { history, range, rows: this.visible, passing: shown.alerts, yOf: (row) => this.yOf(row) };
      this.marks = paintRows(pen, this.colours(), what, bbox, uPlot.pxRatio);
      this.ring(pen, bbox);
    });
    document.documentElement.dataset.drawnMs = (performance.now() - began).toFixed(1);
  }

  // The selected alert stands out.
  ring(pen, { left, width }) {
    const row = this.rowOf(this.selected);
    if (!row) return;
    const { from, to } = this.range;
    const x = left + ((this.history.alerts.time[this.selected] - from) / (to - from)) * width;
    pen.beginPath();
    pen.arc(x, this.yOf(row) + MARK_MIDDLE_PX * uPlot.pxRatio, 8.5 * uPlot.pxRatio, 0, 2 * Math.PI);
    pen.lineWidth = 2 * uPlot.pxRatio;
    pen.strokeStyle = this.colours().ink;
    pen.stroke();
  }

  redraw() {
    this.plot.batch(() => {
      this.plot.setScale("x", { min: this.range.from, max: this.range.to });
      this.plot.setScale("y", { min: this.first, max: this.first + this.inSight });
    });
  }

  // What people do with it

  listen() {
    this.box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.box.addEventListener("scroll", () => this.redraw());
    this.plot.over.addEventListener("mouseleave", () => this.act.hint(null));
    this.plot.over.addEventListener("click", ({ offsetX, offsetY }) => {
      const mark = this.markAt(offsetX, offsetY);
      if (mark) this.act.select(mark.alert);
    });
  }

  // Ctrl and wheel (or two fingers on a pad) zoom, Shift and wheel move; without them, rows scroll.
  wheel(event) {
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
    if (event.ctrlKey) {
      const at = this.plot.posToVal(event.clientX - this.plot.over.getBoundingClientRect().left, "x");
      this.act.zoomBy(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.01))), at);
    } else if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) {
      this.act.moveBy(sideways / this.plot.over.clientWidth);
    } else return;
    event.preventDefault();
  }

  drag(event) {
    const { from, to } = this.range;
    const perPixel = (to - from) / this.plot.over.clientWidth;
    const move = ({ clientX }) => {
      const by = (event.clientX - clientX) * perPixel;
      this.act.zoom({ from: from + by, to: to + by });
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", () => document.removeEventListener("mousemove", move), { once: true });
  }

  zoomToSelection() {
    const { left, width } = this.plot.select;
    if (width === 0) return;
    const range = { from: this.plot.posToVal(left, "x"), to: this.plot.posToVal(left + width, "x") };
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.act.zoom(range);
  }

  hint() {
    const { left, top } = this.plot.cursor;
    const row = left >= 0 ? this.shown.rows[Math.floor(this.first + top / ROW_PX)] : null;
    const mark = row ? this.markAt(left, top) : null;
    this.plot.over.classList.toggle("on-mark", Boolean(mark));
    if (!row) return this.act.hint(null);
    const time = this.plot.posToVal(left, "x");
    const cellMs = this.plot.posToVal(left + CELL_PX, "x") - time;
    this.act.hint({ row, mark, time, cellMs }, this.plot.rect.left + left, this.plot.rect.top + top);
  }

  // What is to be shown

  show(range, selected) {
    Object.assign(this, { range, selected });
    this.redraw();
  }

  showRows(shown) {
    this.shown = shown;
    shown.rows.forEach((row, place) => (row.place = place));
    this.resize();
  }

  // Bring the row of an alert into sight.
  reveal(alert) {
    const row = this.rowOf(alert);
    if (row) scrollTo(this.box, row.place * ROW_PX, ROW_PX, this.box.clientHeight - AXIS_PX);
  }

  resize() {
    const widths = this.shown.rows.slice(0, 2000).map((row) => widthOf(row.name.slice(0, 100)));
    const most = Math.min(LABEL_MOST_PX, this.box.clientWidth * 0.3);
    this.labelWidth = Math.min(most, Math.max(80, ...widths) + 2 * LABEL_GAP_PX);
    this.space.style.height = `${AXIS_PX + this.shown.rows.length * ROW_PX}px`;
    this.plot.setSize({ width: this.chart.clientWidth, height: Math.max(AXIS_PX + 1, this.box.clientHeight) });
    this.redraw();
  }
}

// Scroll as little as makes what begins at `top` visible in the `height` that a box has for it.
function scrollTo(box, top, itsHeight, height) {
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + itsHeight > box.scrollTop + height) box.scrollTop = top + itsHeight - height;
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(text) {
  ruler.font = FONT;
  return ruler.measureText(text).width;
}

// A text that fits, with … in place of its end.
function shortened(text, width) {
  if (text.length < 500 && widthOf(text) <= width) return text;
  let length = Math.min(text.length - 1, 200);
  while (length > 1 && widthOf(`${text.slice(0, length)}…`) > width) length--;
  return `${text.slice(0, length)}…`;
}

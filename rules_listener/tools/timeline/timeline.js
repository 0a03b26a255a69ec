// The time line: the plotting library has the axes, the cursor and the zoom; `paint` fills the rows.

const AXIS_PX = 42;
const LABEL_MOST_PX = 240;
const FONT = "12px system-ui, sans-serif";
const DAY_BELOW = "\n{YYYY}-{MM}-{DD}";

// From which step on, how a time is written, and what is added where the year, the month or the day is another.
const TIME_LABELS = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [DAY, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [MINUTE, "{HH}:{mm}", DAY_BELOW, null, DAY_BELOW, null, null, null, 1],
  [SECOND, "{HH}:{mm}:{ss}", DAY_BELOW, null, DAY_BELOW, null, null, null, 1],
  [1, "{HH}:{mm}:{ss}.{fff}", DAY_BELOW, null, DAY_BELOW, null, null, null, 1],
];

function createTimeline(history, colours, act) {
  const box = document.getElementById("timeline");
  const space = document.getElementById("all-rows");
  const chart = document.getElementById("chart");
  let shown = { rows: [], alerts: new Uint8Array() };
  let range = everything(history);
  let selected = -1;
  let marks = [];
  let labelWidth = 80;
  const ratio = () => uPlot.pxRatio;

  const first = () => box.scrollTop / ROW_PX;
  const inSight = () => Math.max(0.01, (box.clientHeight - AXIS_PX) / ROW_PX);
  const visible = () => shown.rows.slice(Math.max(0, Math.floor(first())), Math.ceil(first() + inSight()));

  const plot = new uPlot(
    {
      width: 600,
      height: 200,
      ms: 1,
      tzDate: zoned,
      legend: { show: false },
      padding: [0, 12, 0, 0],
      scales: { x: { time: true, range: () => [range.from, range.to] }, y: { dir: -1, range: () => [first(), first() + inSight()] } },
      series: [{}, { show: false, scale: "y" }],
      axes: [
        { side: 0, size: AXIS_PX, font: FONT, stroke: () => colours().ink, values: TIME_LABELS, space: 70, ticks: { stroke: () => colours().line }, grid: { stroke: () => colours().line, width: 1 } },
        { side: 3, size: () => labelWidth, font: FONT, stroke: () => colours().ink, splits: middles, values: names, ticks: { show: false }, grid: { show: false }, gap: 8 },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { dblclick: () => () => act.zoom(everything(history)), mousedown: (_, __, begin) => (event) => (event.shiftKey ? drag(event) : begin(event)) },
      },
      hooks: {
        setSelect: [(u) => zoomToSelection(u)],
        setCursor: [(u) => hint(u)],
        drawAxes: [(u) => stripes(u)],
        draw: [(u) => paint(u)],
      },
    },
    [[history.from, history.to], [0, 0]],
    chart,
  );

  function middles() {
    const [from, to] = [first(), first() + inSight()];
    const found = [];
    for (let i = Math.ceil(from - 0.5); i + 0.5 < to && i < shown.rows.length; i++) found.push(i + 0.5);
    return found;
  }

  function names(_, places) {
    return places.map((place) => shortened(shown.rows[Math.floor(place)].name, labelWidth - 14));
  }

  function stripes(u) {
    const { left, width } = u.bbox;
    clipped(u, () => {
      u.ctx.fillStyle = colours().stripe;
      for (const row of visible()) if (row.place % 2) u.ctx.fillRect(left, yOf(row), width, ROW_PX * ratio());
    });
  }

  function clipped(u, draw) {
    const { left, top, width, height } = u.bbox;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(left, top, width, height);
    u.ctx.clip();
    draw();
    u.ctx.restore();
  }

  function yOf(row) {
    return plot.bbox.top + Math.round((row.place - first()) * ROW_PX * ratio());
  }

  function paint(u) {
    const began = performance.now();
    clipped(u, () => {
      const what = { history, rows: visible(), passing: shown.alerts, range, yOf };
      marks = paintRows(u.ctx, colours(), what, u.bbox, ratio());
      ring(u);
    });
    document.documentElement.dataset.drawnMs = (performance.now() - began).toFixed(1);
  }

  // The selected alert stands out.
  function ring(u) {
    const time = history.alerts.time[selected];
    const row = shown.rows.find((one) => one.number === history.alerts.row[selected]);
    if (selected < 0 || !row) return;
    const x = u.bbox.left + ((time - range.from) / (range.to - range.from)) * u.bbox.width;
    const y = yOf(row) + MARK_MIDDLE_PX * ratio();
    u.ctx.beginPath();
    u.ctx.arc(x, y, 8.5 * ratio(), 0, 2 * Math.PI);
    u.ctx.lineWidth = 2 * ratio();
    u.ctx.strokeStyle = colours().ink;
    u.ctx.stroke();
  }

  function zoomToSelection(u) {
    const { left, width } = u.select;
    if (width === 0) return;
    const to = { from: u.posToVal(left, "x"), to: u.posToVal(left + width, "x") };
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    act.zoom(to);
  }

  function drag(event) {
    const start = { x: event.clientX, ...range };
    const perPixel = (start.to - start.from) / plot.over.clientWidth;
    const move = ({ clientX }) => {
      const by = (start.x - clientX) * perPixel;
      act.zoom({ from: start.from + by, to: start.to + by });
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", () => document.removeEventListener("mousemove", move), { once: true });
  }

  box.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (event.ctrlKey) {
        const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
        act.zoomBy(Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.01))), at);
      } else if (Math.abs(sideways) > (event.shiftKey ? 0 : Math.abs(event.deltaY))) act.moveBy(sideways / plot.over.clientWidth);
      else return;
      event.preventDefault();
    },
    { passive: false },
  );
  box.addEventListener("scroll", () => redraw());
  plot.over.addEventListener("click", (event) => {
    const mark = markAt(event.offsetX, event.offsetY);
    if (mark) act.select(mark.first);
  });
  plot.over.addEventListener("mouseleave", () => act.hint(null));

  function markAt(x, y) {
    let [nearest, distance] = [null, 10];
    for (const mark of marks) {
      const away = Math.hypot(mark.x - x, mark.y - y);
      if (away < distance) [nearest, distance] = [mark, away];
    }
    return nearest;
  }

  function hint(u) {
    const { left, top } = u.cursor;
    const row = left >= 0 ? shown.rows[Math.floor(first() + top / ROW_PX)] : null;
    const mark = row ? markAt(left, top) : null;
    u.over.classList.toggle("on-mark", Boolean(mark));
    if (!row) act.hint(null);
    else act.hint({ row, mark, time: u.posToVal(left, "x"), cell_ms: (u.posToVal(left + CELL_PX, "x") - u.posToVal(left, "x")) }, u.rect.left + left, u.rect.top + top);
  }

  function redraw() {
    plot.batch(() => {
      plot.setScale("x", { min: range.from, max: range.to });
      plot.setScale("y", { min: first(), max: first() + inSight() });
    });
  }

  return {
    plot,
    get labelWidth() {
      return labelWidth;
    },
    get pixelsWide() {
      return plot.over.clientWidth;
    },
    show(what) {
      ({ range, selected } = what);
      redraw();
    },
    showRows(chosen) {
      shown = chosen;
      shown.rows.forEach((row, place) => (row.place = place));
      this.resize();
    },
    // Bring the row of an alert into sight.
    reveal(alert) {
      const row = shown.rows.find((one) => one.number === history.alerts.row[alert]);
      if (!row) return;
      const top = row.place * ROW_PX;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + ROW_PX > box.scrollTop + inSight() * ROW_PX) box.scrollTop = top + ROW_PX - inSight() * ROW_PX;
    },
    resize() {
      const widest = Math.max(60, ...shown.rows.slice(0, 2000).map((row) => widthOf(row.name.slice(0, 100))));
      labelWidth = Math.min(LABEL_MOST_PX, box.clientWidth * 0.3, widest + 16);
      space.style.height = `${AXIS_PX + shown.rows.length * ROW_PX}px`;
      plot.setSize({ width: chart.clientWidth, height: Math.max(AXIS_PX + 1, box.clientHeight) });
      redraw();
    },
  };
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

// The time line's picture. Where more happens than there are pixels, each spot shows the gravest of it.

const ROW_PX = 28;
const CELL_PX = 2;
const MARK_PX = 14;
const MARK_MIDDLE_PX = 8;
const BAND_MIDDLE_PX = 19;
const BAND_PX = 9;
const DENSITY_TOP_PX = 24;
const DENSITY_PX = 3;
const DENSITIES = [0.4, 0.6, 0.8, 1];

// How a state looks: its colour in the style sheet, its height from the middle of the band, and whether it is hatched.
const STATE_LOOKS = [
  null,
  { colour: "--running", height: 1 },
  { colour: "--stopped", height: 0.25 },
  { colour: "--exited", height: 0.4 },
  { colour: "--starting", height: 0.7 },
  { colour: "--stopping", height: 0.7 },
  { colour: "--crashed", height: 1 },
  { colour: "--backoff", height: 1, hatched: true },
  { colour: "--unknown", height: 1, hatched: true },
  { colour: "--fatal", height: 1 },
];

// What the style sheet says, for the theme that is on.
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    states: STATE_LOOKS.map((look) => look && (look.hatched ? hatched(colour(look.colour), colour("--paper"), uPlot.pxRatio) : colour(look.colour))),
    looks: LOOKS.map((look) => colour(`--${look}`)),
    recovery: colour("--recovery"),
    density: colour("--density"),
    paper: colour("--paper"),
    ink: colour("--ink"),
    quiet: colour("--quiet"),
    line: colour("--line"),
    stripe: colour("--stripe"),
    overview: colour("--overview"),
  };
}

function hatched(colour, paper, ratio) {
  const tile = document.createElement("canvas");
  const size = (tile.width = tile.height = Math.round(6 * ratio));
  const pen = tile.getContext("2d");
  pen.fillStyle = colour;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = paper;
  pen.lineWidth = ratio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

// Runs of cells that show one state: `draw(from, to, state)`, from left to right.
function stateRuns(row, range, cells, end, draw) {
  const { times, states } = row;
  if (end < range.from) return;
  const scale = cells / (range.to - range.from);
  const cellOf = (time) => Math.max(0, Math.min(cells, Math.floor((time - range.from) * scale)));
  const stop = Math.min(cells, cellOf(end) + 1);
  let [from, shown, cell, worst] = [0, NOTHING, 0, NOTHING];
  const show = (at, state) => {
    if (state === shown) return;
    if (at > from && shown) draw(from, at, shown);
    [from, shown] = [at, state];
  };
  for (let i = Math.max(0, after(times, range.from) - 1); i < times.length && times[i] < range.to; i++) {
    cell = Math.max(cell, cellOf(times[i]));
    worst = Math.max(worst, states[i]);
    const next = i + 1 < times.length ? cellOf(times[i + 1]) : stop;
    if (next > cell) {
      show(cell, worst);
      if (next > cell + 1) show(cell + 1, states[i]);
      [cell, worst] = [next, NOTHING];
    }
  }
  if (worst) show(cell++, worst);
  show(Math.min(cell, cells), NOTHING);
}

// How many of a row's other events are in each cell: `draw(cell, count)`.
function density(times, range, cells, draw) {
  const scale = cells / (range.to - range.from);
  const stop = after(times, range.to);
  let cell = -1;
  let count = 0;
  for (let i = after(times, range.from); i < stop; i++) {
    const here = Math.min(cells - 1, Math.floor((times[i] - range.from) * scale));
    if (here !== cell) {
      if (count) draw(cell, count);
      cell = here;
      count = 0;
    }
    count++;
  }
  if (count) draw(cell, count);
}

// The marks of a row: alerts that lie close together are one, which looks like the gravest of them that would be sent.
function marksOf(row, history, passing, range, width) {
  const scale = width / (range.to - range.from);
  const marks = [];
  const stop = after(row.alertTimes, range.to);
  let mark = null;
  for (let place = after(row.alertTimes, range.from - SHORTEST_MS); place < stop; place++) {
    const i = row.alerts[place];
    if (!passing[i]) continue;
    const x = (row.alertTimes[place] - range.from) * scale;
    if (!mark || x - mark.from > MARK_PX) {
      mark = { first: i, from: x, x, count: 0, look: -1, held: true, recovery: true };
      marks.push(mark);
    }
    mark.x = (mark.from + x) / 2;
    mark.count++;
    addTo(mark, history, i);
  }
  return marks;
}

function addTo(mark, { alerts, looks, recovery }, i) {
  const held = alerts.held[i] === 1;
  const isRecovery = alerts.phase[i] === recovery;
  const graver = held === mark.held ? looks[i] > mark.look : mark.held;
  const leads = mark.recovery === isRecovery ? graver : mark.recovery;
  if (leads) Object.assign(mark, { alert: i, recovery: isRecovery, look: looks[i], held });
}

// The outline of a mark: each look has its own, so that colours are not all that tells them apart.
function outline(pen, look, x, y, r) {
  const corners = {
    action: [[-0.8, -1], [1, 0], [-0.8, 1]],
    warning: [[0, -1], [1.05, 0.85], [-1.05, 0.85]],
    error: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
    critical: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  }[look];
  pen.beginPath();
  if (!corners) pen.arc(x, y, r, 0, 2 * Math.PI);
  else for (const [dx, dy] of corners) pen.lineTo(x + dx * r, y + dy * r);
  pen.closePath();
}

function paintMark(pen, colours, mark, x, y, ratio) {
  const r = (mark.count > 9 ? 6.5 : mark.count > 1 ? 5.5 : 4.5) * ratio;
  const colour = mark.recovery ? colours.recovery : colours.looks[mark.look];
  outline(pen, mark.recovery ? "recovery" : LOOKS[mark.look], x, y, r);
  pen.lineWidth = 3.5 * ratio;
  pen.strokeStyle = colours.paper;
  pen.stroke();
  pen.fillStyle = mark.held ? colours.paper : colour;
  pen.fill();
  pen.lineWidth = 1.5 * ratio;
  pen.strokeStyle = colour;
  pen.stroke();
  if (mark.recovery) paintTick(pen, mark.held ? colour : colours.paper, x, y, r);
}

function paintTick(pen, colour, x, y, r) {
  pen.beginPath();
  pen.moveTo(x - r * 0.5, y);
  pen.lineTo(x - r * 0.1, y + r * 0.45);
  pen.lineTo(x + r * 0.55, y - r * 0.45);
  pen.strokeStyle = colour;
  pen.stroke();
}

// Rectangles by how they are filled: a canvas is slow at changing its colour, not at filling.
class Rectangles {
  constructor(kinds) {
    this.kinds = Array.from({ length: kinds }, () => []);
  }

  add(kind, x, y, width, height) {
    this.kinds[kind].push(x, y, width, height);
  }

  fill(pen, dip) {
    this.kinds.forEach((places, kind) => {
      if (places.length) dip(kind);
      for (let i = 0; i < places.length; i += 4) pen.fillRect(places[i], places[i + 1], places[i + 2], places[i + 3]);
    });
  }
}

// All rows that are in sight, in the box of the plot; `yOf` says where a row begins. Gives the marks, with their places.
function paintRows(pen, colours, shown, box, ratio) {
  const { history, rows, passing, range, yOf } = shown;
  const bands = new Rectangles(STATES.length);
  const dots = new Rectangles(DENSITIES.length);
  const spans = new Rectangles(LOOKS.length);
  const marks = [];
  for (const row of rows) {
    const y = yOf(row);
    addBands(bands, row, shown, box, y, ratio);
    addDots(dots, row, shown, box, y, ratio);
    addSpans(spans, row, shown, box, y, ratio);
    for (const mark of marksOf(row, history, passing, range, box.width / ratio)) {
      marks.push(Object.assign(mark, { y: (y - box.top) / ratio + MARK_MIDDLE_PX }));
    }
  }
  bands.fill(pen, (state) => (pen.fillStyle = colours.states[state]));
  pen.fillStyle = colours.density;
  dots.fill(pen, (level) => (pen.globalAlpha = DENSITIES[level]));
  pen.globalAlpha = 1;
  spans.fill(pen, (look) => (pen.fillStyle = colours.looks[look]));
  for (const mark of marks) paintMark(pen, colours, mark, box.left + mark.x * ratio, box.top + mark.y * ratio, ratio);
  return marks;
}

// Cells of the plot, and where each begins, in pixels of the canvas.
function cellsOf(box, ratio) {
  const cells = Math.max(1, Math.ceil(box.width / (CELL_PX * ratio)));
  return [cells, (cell) => box.left + Math.round((cell * box.width) / cells)];
}

function addBands(bands, row, { history, range }, box, y, ratio) {
  const [cells, edge] = cellsOf(box, ratio);
  stateRuns(row, range, cells, history.to, (from, to, state) => {
    const height = STATE_LOOKS[state].height * BAND_PX * ratio;
    const top = y + BAND_MIDDLE_PX * ratio - height / 2;
    bands.add(state, edge(from), Math.round(top), edge(to) - edge(from), Math.round(height));
  });
}

// A line below the band, the darker the more other events there are.
function addDots(dots, row, { range }, box, y, ratio) {
  const [cells, edge] = cellsOf(box, ratio);
  const top = y + DENSITY_TOP_PX * ratio;
  density(row.otherTimes, range, cells, (cell, count) => {
    const level = Math.min(DENSITIES.length - 1, Math.floor(Math.log10(count) * 1.5));
    dots.add(level, edge(cell), top, edge(cell + 1) - edge(cell), DENSITY_PX * ratio);
  });
}

// A line on which the marks are, for as long as an alert is open.
function addSpans(spans, row, { history, passing, range }, box, y, ratio) {
  const scale = box.width / (range.to - range.from);
  for (const { alert, from, to } of row.spans) {
    if (from > range.to) break;
    if (to < range.from || !passing[alert]) continue;
    const left = Math.max(0, (from - range.from) * scale);
    const right = Math.min(box.width, (Math.min(to, history.to) - range.from) * scale);
    spans.add(history.looks[alert], box.left + left, y + (MARK_MIDDLE_PX - 1) * ratio, Math.max(1, right - left), 2 * ratio);
  }
}

// The table of alerts: of a hundred thousand lines, only those in sight are there.

const LINE_PX = 28;
const MOST_LINES = 500_000; // a browser can't scroll further
const SPARE_LINES = 10;

// `by` compares two alerts by their numbers, which have the order of time.
const COLUMNS = [
  { title: "Time", name: "time", by: () => (a, b) => a - b },
  { title: "Alert", name: "look", by: ({ looks }) => (a, b) => looks[b] - looks[a] },
  { title: "Rule", name: "rule", by: ({ head, alerts }) => byName(head.rules, alerts.rule) },
  { title: "Process", name: "process", by: ({ head, alerts }) => byName(head.processes, alerts.row) },
  { title: "Channels", name: "channels" },
  { title: "Text", name: "text" },
];
const BY_TIME = COLUMNS[0];

function byName(names, column) {
  const rank = new Uint32Array(names.length);
  const inOrder = Array.from(names.keys()).sort((a, b) => compareNames(names[a], names[b]));
  inOrder.forEach((number, place) => (rank[number] = place));
  return (a, b) => rank[column[a]] - rank[column[b]];
}

class Table {
  constructor(history, act) {
    Object.assign(this, { history, act });
    this.box = document.getElementById("table");
    this.grid = this.box.firstElementChild;
    this.body = document.getElementById("lines");
    this.sorting = { column: BY_TIME, down: false };
    this.byTime = this.numbers = new Uint32Array();
    this.selected = -1;
    this.drawTitles();
    this.box.addEventListener("scroll", () => this.draw());
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  // Sorting

  drawTitles() {
    document.getElementById("columns").replaceChildren(...COLUMNS.map((column) => this.title(column)));
  }

  title(column) {
    const cell = make("th", { scope: "col", className: column.name });
    if (!column.by) return cell.append(column.title), cell;
    const { column: sorted, down } = this.sorting;
    cell.ariaSort = sorted !== column ? "none" : down ? "descending" : "ascending";
    const button = make("button", { type: "button" }, column.title, sorted !== column ? "" : down ? " ↓" : " ↑");
    button.addEventListener("click", () => this.sortBy(column));
    cell.append(button);
    return cell;
  }

  sortBy(column) {
    this.sorting = { column, down: this.sorting.column === column && !this.sorting.down };
    this.drawTitles();
    document.querySelector(`#columns .${column.name} button`).focus();
    this.sort();
    this.draw();
  }

  sort() {
    const { column, down } = this.sorting;
    this.numbers = this.byTime;
    if (column === BY_TIME && !down) return;
    const compare = column.by(this.history);
    this.numbers = this.byTime.slice().sort((a, b) => (down ? compare(b, a) || b - a : compare(a, b) || a - b));
  }

  // Drawing

  draw() {
    const lines = Math.min(this.numbers.length, MOST_LINES);
    const first = Math.max(0, Math.floor(this.box.scrollTop / LINE_PX) - SPARE_LINES);
    const last = Math.min(lines, first + Math.ceil(this.box.clientHeight / LINE_PX) + 2 * SPARE_LINES);
    document.querySelector("#above td").style.height = `${first * LINE_PX}px`;
    document.querySelector("#below td").style.height = `${(lines - last) * LINE_PX}px`;
    this.body.replaceChildren(...Array.from(this.numbers.subarray(first, last), (number, i) => this.line(number, first + i)));
    this.grid.ariaRowCount = lines + 1;
    if (this.selected >= 0) this.box.setAttribute("aria-activedescendant", `alert-${this.selected}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  line(number, place) {
    const alert = alertOf(this.history, number);
    const row = make("tr", { id: `alert-${number}`, ariaRowIndex: place + 2, ariaSelected: number === this.selected });
    row.classList.toggle("held", alert.held !== null);
    const cells = {
      time: [showTime(alert.time)],
      look: [swatch(alert), lookText(alert)],
      rule: [alert.rule],
      process: [alert.process || alert.key],
      channels: [alert.channels.join(", ")],
      text: [alert.text, alert.held === null ? "" : ` (held back: ${alert.held})`],
    };
    row.append(...COLUMNS.map(({ name }) => make("td", { className: name }, ...cells[name])));
    row.addEventListener("click", () => this.act.select(number));
    return row;
  }

  // The keys of a list: the selection goes up and down.
  key(event) {
    const page = Math.floor(this.box.clientHeight / LINE_PX) - 2;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.target !== this.box || !this.numbers.length) return;
    event.preventDefault();
    const place = this.numbers.indexOf(this.selected);
    const to = place < 0 && by < Infinity ? 0 : place + by;
    this.select(this.numbers[Math.max(0, Math.min(this.numbers.length - 1, to))]);
    this.act.select(this.selected);
  }

  show(numbers) {
    this.byTime = numbers;
    this.sort();
    this.draw();
  }

  select(number) {
    this.selected = number;
    const place = this.numbers.indexOf(number);
    if (place >= 0) scrollTo(this.box, place * LINE_PX, LINE_PX, this.box.clientHeight - LINE_PX); // below the titles
    this.draw();
  }
}

function lookText({ action, severity, phase, held }) {
  const said = action === "alert" ? severity : action;
  return ` ${said}${phase === "firing" ? "" : ` ${phase}`}${held === null ? "" : " (held)"}`;
}

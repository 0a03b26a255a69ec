// The table of alerts: of a hundred thousand rows, only those in sight are there.

const LINE_PX = 28;
const MOST_LINES = 500_000; // a browser can't scroll further
const SPARE_LINES = 10;

const COLUMNS = [
  { title: "Time", name: "time", by: (history) => (a, b) => a - b },
  { title: "Alert", name: "look", by: ({ looks }) => (a, b) => looks[b] - looks[a] },
  { title: "Rule", name: "rule", by: (history) => byName(history.head.rules, history.alerts.rule) },
  { title: "Process", name: "process", by: (history) => byName(history.head.processes, history.alerts.row) },
  { title: "Channels", name: "channels" },
  { title: "Text", name: "text" },
];

function byName(names, column) {
  const order = names.map((_, i) => i).sort((a, b) => (names[a] < names[b] ? -1 : 1));
  const rank = new Uint32Array(names.length);
  order.forEach((number, place) => (rank[number] = place));
  return (a, b) => rank[column[a]] - rank[column[b]];
}

function createTable(history, act) {
  const box = document.getElementById("table");
  const [above, body, below] = ["above", "lines", "below"].map((id) => document.getElementById(id));
  let sorting = { column: COLUMNS[0], down: false };
  let byTime = new Uint32Array();
  let numbers = byTime;
  let selected = -1;
  headers();

  function headers() {
    document.getElementById("columns").replaceChildren(
      ...COLUMNS.map((column) => {
        const isSorted = sorting.column === column;
        const cell = make("th", { scope: "col", className: column.name });
        if (!column.by) return cell.append(column.title), cell;
        cell.ariaSort = isSorted ? (sorting.down ? "descending" : "ascending") : "none";
        const button = make("button", { type: "button" }, column.title, isSorted ? (sorting.down ? " ↓" : " ↑") : "");
        button.addEventListener("click", () => sortBy(column));
        cell.append(button);
        return cell;
      }),
    );
  }

  function sortBy(column) {
    sorting = { column, down: sorting.column === column && !sorting.down };
    headers();
    document.querySelector(`#columns .${column.name} button`).focus();
    sort();
    draw();
  }

  function sort() {
    const { column, down } = sorting;
    numbers = byTime;
    if (column === COLUMNS[0] && !down) return;
    const compare = column.by(history);
    numbers = byTime.slice().sort(down ? (a, b) => compare(b, a) || b - a : (a, b) => compare(a, b) || a - b);
  }

  function draw() {
    const lines = Math.min(numbers.length, MOST_LINES);
    const first = Math.max(0, Math.floor(box.scrollTop / LINE_PX) - SPARE_LINES);
    const last = Math.min(lines, first + Math.ceil(box.clientHeight / LINE_PX) + 2 * SPARE_LINES);
    above.firstElementChild.style.height = `${first * LINE_PX}px`;
    below.firstElementChild.style.height = `${(lines - last) * LINE_PX}px`;
    body.replaceChildren(...Array.from(numbers.subarray(first, last), (number, i) => line(number, first + i)));
    box.firstElementChild.ariaRowCount = lines + 1;
    box.firstElementChild.setAttribute("aria-activedescendant", selected >= 0 ? `alert-${selected}` : "");
  }

  function line(number, place) {
    const alert = alertOf(history, number);
    const row = make("tr", { id: `alert-${number}`, ariaRowIndex: place + 2, ariaSelected: number === selected });
    row.classList.toggle("held", alert.held !== null);
    row.append(
      make("td", { className: "time" }, showTime(alert.time)),
      make("td", { className: "look" }, swatch(alert), lookText(alert)),
      make("td", { className: "rule" }, alert.rule),
      make("td", { className: "process" }, alert.process || alert.key),
      make("td", { className: "channels" }, alert.deliveries.map(({ channel }) => channel).join(", ")),
      make("td", { className: "text" }, alert.held === null ? "" : `held back (${alert.held}): `, alert.text),
    );
    row.addEventListener("click", () => act.select(number));
    return row;
  }

  box.addEventListener("scroll", draw);
  box.addEventListener("keydown", (event) => {
    const lines = Math.floor(box.clientHeight / LINE_PX) - 2;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: lines, PageUp: -lines, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.target !== box || !numbers.length) return;
    event.preventDefault();
    const place = numbers.indexOf(selected);
    const to = place < 0 && by > 0 && by < Infinity ? 0 : Math.max(0, Math.min(numbers.length - 1, Math.max(place, 0) + by));
    act.select(numbers[to]);
  });

  function reveal() {
    const place = numbers.indexOf(selected);
    if (place < 0) return;
    const top = place * LINE_PX;
    const height = box.clientHeight - LINE_PX; // the line of titles stays
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + LINE_PX > box.scrollTop + height) box.scrollTop = top + LINE_PX - height;
  }

  return {
    draw,
    show(shown) {
      byTime = shown;
      sort();
      box.scrollTop = Math.min(box.scrollTop, numbers.length * LINE_PX);
      draw();
    },
    select(number) {
      selected = number;
      reveal();
      draw();
    },
  };
}

function lookText({ action, severity, phase, held }) {
  const said = action === "alert" ? severity : action;
  return ` ${said}${phase === "firing" ? "" : ` ${phase}`}${held === null ? "" : " (held)"}`;
}

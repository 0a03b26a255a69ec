// What is shown: the range of time, and which processes and alerts. All of it is in the address behind `#`.

const SHORTEST_MS = 50;

function everything(history) {
  const margin = (history.to - history.from) * 0.01;
  return { from: history.from - margin, to: history.to + margin };
}

function nothingLeftOut() {
  return { rule: "", process: "", looks: new Set(LOOKS), held: "", text: "", withAlerts: false };
}

// A range that lies within what there is, and is not too short for a screen.
function bounded(history, { from, to }) {
  const all = everything(history);
  const length = Math.min(Math.max(to - from, SHORTEST_MS), all.to - all.from);
  const middle = (from + to) / 2;
  const start = Math.min(Math.max(middle - length / 2, all.from), all.to - length);
  return { from: start, to: start + length };
}

// The rows and alerts that pass: `alerts` has a 1 for each that does, `numbers` and `times` have those alone, by time.
function chosen(history, filters) {
  const name = filters.process.toLowerCase();
  const named = history.rows.filter((row) => row.name.toLowerCase().includes(name));
  const alerts = new Uint8Array(history.looks.length);
  const passes = passing(history, filters);
  for (const row of named) for (const i of row.alerts) alerts[i] = passes(i) ? 1 : 0;
  const rows = filters.withAlerts ? named.filter((row) => row.alerts.some((i) => alerts[i])) : named;
  rows.sort((a, b) => (b.number === 0) - (a.number === 0) || compareNames(a.name, b.name));
  const numbers = Uint32Array.from(ones(alerts));
  return { rows, alerts, numbers, times: Float64Array.from(numbers, (number) => history.alerts.time[number]) };
}

function* ones(alerts) {
  for (let i = 0; i < alerts.length; i++) if (alerts[i]) yield i;
}

function passing(history, { rule, looks, held, text }) {
  const { alerts, head } = history;
  const ruleNumber = rule ? head.rules.indexOf(rule) : -1;
  const words = text.toLowerCase();
  const searched = words ? searchable(history) : null;
  return (i) =>
    (!rule || alerts.rule[i] === ruleNumber) &&
    looks.has(LOOKS[history.looks[i]]) &&
    (!held || (alerts.held[i] === 1) === (held === "held")) &&
    (!words || searched[i].includes(words));
}

// All that an alert says, in lower case; made when it is first searched.
function searchable(history) {
  history.searched ??= Array.from(history.looks, (_, i) => {
    const { rule, key, held, event, said } = alertOf(history, i);
    return [rule, key, held ?? "", event, ...said.flat(2)].join("\n").toLowerCase();
  });
  return history.searched;
}

function addressOf(history, range, filters, selected) {
  const said = new URLSearchParams();
  const all = everything(history);
  if (range.from > all.from + 1 || range.to < all.to - 1) {
    said.set("from", stamp(range.from));
    said.set("to", stamp(range.to));
  }
  for (const name of ["rule", "process", "held", "text"]) if (filters[name]) said.set(name, filters[name]);
  if (filters.looks.size < LOOKS.length) said.set("alerts", [...filters.looks].join(" "));
  if (filters.withAlerts) said.set("only", "alerts");
  if (clock.utc) said.set("zone", "utc");
  if (selected >= 0) said.set("alert", selected);
  return said.toString();
}

function readAddress(history, address) {
  const said = new URLSearchParams(address);
  const range = { from: moment(said.get("from")), to: moment(said.get("to")) };
  const filters = nothingLeftOut();
  for (const name of ["rule", "process", "held", "text"]) filters[name] = said.get(name) ?? "";
  if (!history.head.rules.includes(filters.rule)) filters.rule = "";
  if (said.has("alerts")) filters.looks = new Set(said.get("alerts").split(" ").filter((look) => LOOKS.includes(look)));
  filters.withAlerts = said.get("only") === "alerts";
  const selected = Number.parseInt(said.get("alert") ?? "", 10);
  return {
    range: range.to > range.from ? bounded(history, range) : everything(history),
    filters,
    utc: said.get("zone") === "utc",
    selected: selected >= 0 && selected < history.looks.length ? selected : -1,
  };
}

function stamp(ms) {
  const date = new Date(Math.round(ms));
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

function moment(text) {
  return text && /^-?[\d.]+$/.test(text) ? Number(text) : Date.parse(text ?? "");
}

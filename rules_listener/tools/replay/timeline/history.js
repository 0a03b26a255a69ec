// What happened, by process: the states that it was in, its other events, its alerts, and what was open when.

// The states of a process, by how grave they are: where several fall into one spot, the last of these is shown.
const STATES = ["", "RUNNING", "STOPPED", "EXITED", "STARTING", "STOPPING", "EXITED unexpectedly", "BACKOFF", "UNKNOWN", "FATAL"];
const NOTHING = 0;
const STATE_PREFIX = "PROCESS_STATE_";
const SUPERVISOR_PREFIX = "SUPERVISOR_STATE_CHANGE_";

// How alerts look: by severity, and what is done instead of being said. Again the last is the gravest.
const LOOKS = ["action", "info", "warning", "error", "critical"];

function stateOfKind(kind) {
  if (kind === `${STATE_PREFIX}EXITED unexpected`) return STATES.indexOf("EXITED unexpectedly");
  for (const prefix of [STATE_PREFIX, SUPERVISOR_PREFIX]) {
    if (kind.startsWith(prefix)) return STATES.indexOf(kind.slice(prefix.length));
  }
  return -1;
}

// web:9 comes before web:10.
const compareNames = new Intl.Collator("en", { numeric: true }).compare;

// The first place in `times` that is after `time`.
function after(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function historyOf({ head, events, alerts, texts }) {
  const bounds = boundsOf(events.time, alerts.time);
  const rows = head.processes.map((name, number) => ({
    number,
    name: number === 0 ? "supervisord" : name,
    times: [bounds.from],
    states: [Math.max(NOTHING, STATES.indexOf(head.cameFrom[number]))],
    otherTimes: [],
    otherKinds: [],
    alerts: [],
    alertTimes: [],
    spans: [],
  }));
  addEvents(rows, head.kinds, events);
  const recovery = head.phases.indexOf("recovery");
  addAlerts(rows, alerts, recovery);
  return { head, events, alerts, texts, rows: rows.filter(isShown), ...bounds, looks: looksOf(head, alerts), recovery };
}

// The row of what is about no process is there only if there is such a thing.
function isShown(row) {
  return row.number > 0 || row.times.length > 1 || row.otherTimes.length > 0 || row.alerts.length > 0;
}

// From the first to the last moment; a little more where that is one and the same.
function boundsOf(...tables) {
  const ends = tables.filter((times) => times.length).flatMap((times) => [times[0], times[times.length - 1]]);
  const from = ends.length ? Math.min(...ends) : 0;
  const to = ends.length ? Math.max(...ends) : 0;
  return to > from ? { from, to } : { from, to: from + MINUTE };
}

function addEvents(rows, kinds, { time, row, kind }) {
  const states = kinds.map(stateOfKind);
  const began = kinds.indexOf(`${SUPERVISOR_PREFIX}RUNNING`);
  let anew = -Infinity;
  for (let i = 0; i < time.length; i++) {
    const { times, states: went, otherTimes, otherKinds } = rows[row[i]];
    const state = states[kind[i]];
    if (state < 0) {
      otherTimes.push(time[i]);
      otherKinds.push(kind[i]);
      continue;
    }
    endAt(rows[row[i]], anew);
    times.push(time[i]);
    went.push(state);
    if (kind[i] === began) anew = time[i];
  }
  for (const one of rows) if (one.number > 0) endAt(one, anew);
}

// A supervisord that starts knows nothing of the processes of another: what they were ends there.
function endAt(row, anew) {
  const { times, states } = row;
  if (row.number === 0 || times[times.length - 1] >= anew || states[states.length - 1] === NOTHING) return;
  times.push(anew);
  states.push(NOTHING);
}

function addAlerts(rows, { time, row, phase, incident, held }, recovery) {
  const open = new Map();
  for (let i = 0; i < time.length; i++) {
    const one = rows[row[i]];
    one.alerts.push(i);
    one.alertTimes.push(time[i]);
    if (!incident[i] || held[i]) continue;
    const span = open.get(incident[i]);
    if (phase[i] === recovery) {
      if (span) span.to = time[i];
      open.delete(incident[i]);
    } else if (!span) {
      open.set(incident[i], { alert: i, from: time[i], to: Infinity });
      one.spans.push(open.get(incident[i]));
    }
  }
}

function looksOf(head, { action, severity }) {
  const actions = head.actions.map((name) => name !== "alert");
  const severities = head.severities.map((name) => Math.max(1, LOOKS.indexOf(name)));
  return Uint8Array.from(action, (number, i) => (actions[number] ? 0 : severities[severity[i]]));
}

// Where a row was at a moment: the state, since when, and until when.
function stateAt(row, time, end) {
  const i = after(row.times, time) - 1;
  if (i < 0 || time > end) return null;
  return { state: row.states[i], from: row.times[i], to: i + 1 < row.times.length ? row.times[i + 1] : Infinity, first: i === 0 };
}

// Alerts are kept as [key, why it is held back, when what stays open was opened, the event, [[text, channels]…]].
function alertOf(history, i) {
  const { head, alerts, texts, looks } = history;
  const [key, held, opened, event, said] = JSON.parse(texts[alerts.place[i]]);
  return {
    number: i,
    key,
    held,
    opened,
    event,
    said,
    channels: said.flatMap(([, channels]) => channels),
    time: alerts.time[i],
    rule: head.rules[alerts.rule[i]],
    process: alerts.row[i] === 0 ? "" : head.processes[alerts.row[i]],
    action: head.actions[alerts.action[i]],
    severity: head.severities[alerts.severity[i]],
    phase: head.phases[alerts.phase[i]],
    look: LOOKS[looks[i]],
    text: said[0][0],
  };
}

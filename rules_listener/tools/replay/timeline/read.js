// What the page holds: blocks of BASE64, each of them deflated numbers or lines of JSON.

async function inflated(name) {
  const element = document.getElementById(name);
  const packed = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(packed.length);
  for (let i = 0; i < packed.length; i++) bytes[i] = packed.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function numbers(name) {
  return new Uint32Array(await inflated(name));
}

// Milliseconds since 1970; kept as differences.
async function moments(name) {
  const times = new Float64Array(await inflated(name));
  for (let i = 1; i < times.length; i++) times[i] += times[i - 1];
  return times;
}

// Lines of JSON. They are parsed when they are asked for.
async function lines(name) {
  const text = new TextDecoder().decode(await inflated(name));
  return text.split("\n").slice(0, -1);
}

async function columns(table, names) {
  const read = await Promise.all([moments(`${table}-time`), ...names.map((name) => numbers(`${table}-${name}`))]);
  return inOrder(Object.fromEntries(["time", ...names].map((name, i) => [name, read[i]])));
}

// A clock that was set back: rows in the order of their times, and otherwise as they came. `place` is where a row was.
function inOrder(table) {
  const { time } = table;
  const place = Uint32Array.from(time, (_, i) => i);
  if (time.every((moment, i) => i === 0 || time[i - 1] <= moment)) return { ...table, place };
  place.sort((a, b) => time[a] - time[b] || a - b);
  const sorted = Object.entries(table).map(([name, column]) => [name, column.map((_, i) => column[place[i]])]);
  return { ...Object.fromEntries(sorted), place };
}

async function readPage() {
  const head = JSON.parse((await lines("head"))[0]);
  const events = await columns("event", ["row", "kind"]);
  const alerts = await columns("alert", ["row", "rule", "action", "severity", "phase", "held", "incident"]);
  const texts = await lines("alert-text");
  return { head, events, alerts, texts };
}

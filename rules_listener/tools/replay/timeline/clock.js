// Times as text, in the zone of whoever looks at the page, or in UTC.

const clock = { utc: false };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function twoDigits(number) {
  return String(number).padStart(2, "0");
}

// 2025-11-24 16:00:00.250
function showTime(ms) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${ms} ms`;
  if (clock.utc) return date.toISOString().replace("T", " ").replace("Z", "");
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

// What the plotting library takes for the axes: a date whose local parts are those to be shown.
function zoned(ms) {
  return clock.utc ? uPlot.tzDate(new Date(ms), "UTC") : new Date(ms);
}

function zoneName() {
  return clock.utc ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// 1h 5m: the two greatest units
function showDuration(ms) {
  if (ms < SECOND) return `${Math.round(ms)}ms`;
  if (ms < MINUTE) return `${+(ms / SECOND).toFixed(1)}s`;
  const parts = [["d", DAY], ["h", HOUR], ["m", MINUTE], ["s", SECOND]];
  const first = parts.findIndex(([, unit]) => ms >= unit);
  let left = ms;
  const shown = parts.slice(first, first + 2).map(([sign, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count ? `${count}${sign}` : "";
  });
  return shown.filter(Boolean).join(" ");
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

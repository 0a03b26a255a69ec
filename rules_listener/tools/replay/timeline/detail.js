// What is said about one thing: the selected alert beside the table, and what is under the pointer.

const HINT_TEXT = 200;

function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

// A mark as it is in the time line.
function swatch({ look, phase, held }) {
  const size = 18 * uPlot.pxRatio;
  const canvas = make("canvas", { width: size, height: size, className: "swatch", ariaHidden: "true" });
  const mark = { count: 1, look: LOOKS.indexOf(look), held: held !== null, recovery: phase === "recovery" };
  paintMark(canvas.getContext("2d"), page.colours, mark, size / 2, size / 2, uPlot.pxRatio);
  return canvas;
}

class Detail {
  constructor(history, act) {
    Object.assign(this, { history, act });
    this.panel = document.getElementById("detail");
  }

  show(number) {
    const focused = this.panel.contains(document.activeElement);
    this.panel.hidden = number < 0;
    if (number < 0) {
      if (focused) document.getElementById("table").focus();
      return;
    }
    const alert = alertOf(this.history, number);
    const facts = this.facts(alert).filter(([, value]) => value);
    const list = make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
    this.panel.replaceChildren(this.head(alert), ...deliveriesOf(alert), list, make("p", { className: "quiet" }, this.place(number)));
    if (focused) this.panel.querySelector("button").focus();
  }

  head(alert) {
    const close = make("button", { type: "button", title: "Close (Esc)", ariaLabel: "Close" }, "×");
    close.addEventListener("click", () => this.act.select(-1));
    return make("div", { className: "head" }, swatch(alert), make("strong", {}, lookText(alert)), close);
  }

  facts({ held, rule, process, key, time, opened, event }) {
    return [
      ["held back", held],
      ["rule", rule],
      ["process", process],
      ["key", key === process ? "" : key],
      ["time", `${showTime(time)} ${zoneName()}`],
      ["open since", opened === null || opened === time ? "" : `${showTime(opened)} (${showDuration(time - opened)})`],
      ["event", event],
    ];
  }

  place(number) {
    const { numbers } = page.shown;
    const place = numbers.indexOf(number);
    return place < 0 ? "left out by the filters" : `${(place + 1).toLocaleString("en")} of ${counted(numbers.length, "alert")}`;
  }
}

// What goes to whom.
function deliveriesOf({ said, held }) {
  return said.map(([text, channels]) => {
    const whom = channels.length ? [held === null ? "to " : "not to ", make("b", {}, channels.join(", "))] : [];
    return make("div", {}, make("h3", {}, ...whom), make("pre", {}, text));
  });
}

// What is under the pointer: the state of the process, the other events of that spot, the alerts of a mark.
class Hint {
  constructor(history) {
    this.history = history;
    this.element = document.getElementById("hint");
  }

  show(what, x = 0, y = 0) {
    this.element.hidden = what === null;
    if (what === null) return;
    const said = [what.row.name, showTime(what.time), this.state(what), ...this.alerts(what), ...this.others(what)].filter(Boolean);
    this.element.replaceChildren(...said.map((text, i) => make(i ? "div" : "strong", {}, text)));
    const { offsetWidth, offsetHeight } = this.element;
    this.element.style.left = `${Math.max(0, Math.min(x + 14, innerWidth - offsetWidth - 8))}px`;
    this.element.style.top = `${y + 18 + offsetHeight > innerHeight ? y - offsetHeight - 12 : y + 18}px`;
  }

  state({ row, time }) {
    const at = stateAt(row, time, this.history.to);
    if (!at || at.state === NOTHING) return "";
    if (at.first) return `${STATES[at.state]} since before`;
    const length = Math.min(at.to, this.history.to) - at.from;
    return `${STATES[at.state]} since ${showTime(at.from)}, for ${showDuration(length)}`;
  }

  alerts({ mark }) {
    if (!mark) return [];
    const alert = alertOf(this.history, mark.alert);
    const said = [`${alert.rule}:${lookText(alert)}`, alert.text.slice(0, HINT_TEXT)];
    if (mark.count === 1) return said;
    return [`${counted(mark.count, "alert")} from ${showTime(this.history.alerts.time[mark.first])} on, the gravest:`, ...said];
  }

  others({ row, time, cellMs }) {
    const counts = new Map();
    const stop = after(row.otherTimes, time + cellMs);
    for (let i = after(row.otherTimes, time - cellMs); i < stop; i++) {
      const kind = this.history.head.kinds[row.otherKinds[i]];
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return Array.from(counts, ([kind, count]) => `${count} ${kind}`);
  }
}

// What is said about one thing: the selected alert beside the table, and what is under the pointer.

function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

// A mark as it is in the time line.
function swatch({ look, phase, held }) {
  const ratio = uPlot.pxRatio;
  const canvas = make("canvas", { width: 18 * ratio, height: 18 * ratio, className: "swatch", ariaHidden: "true" });
  const mark = { count: 1, look: LOOKS.indexOf(look), held: held !== null, recovery: phase === "recovery" };
  paintMark(canvas.getContext("2d"), page.colours, mark, 9 * ratio, 9 * ratio, ratio);
  return canvas;
}

function createDetail(history, act) {
  const panel = document.getElementById("detail");

  function fill(alert) {
    const place = page.shown.numbers.indexOf(alert.number);
    const close = make("button", { type: "button", title: "Close (Esc)", ariaLabel: "Close" }, "×");
    close.addEventListener("click", () => act.select(-1));
    const head = make("div", { className: "head" }, swatch(alert), make("strong", {}, lookText(alert)), close);
    const facts = make("dl");
    for (const [name, value] of factsOf(alert)) if (value) facts.append(make("dt", {}, name), make("dd", {}, value));
    const texts = alert.deliveries.map((delivery) =>
      make("div", { className: "delivery" }, make("h3", {}, alert.held === null ? "to " : "not to ", make("b", {}, delivery.channel)), make("pre", {}, delivery.text), ...delivery.given.map((given) => make("pre", { className: "given" }, given))),
    );
    const number = place < 0 ? "" : `${(place + 1).toLocaleString("en")} of ${counted(page.shown.numbers.length, "alert")}`;
    panel.replaceChildren(head, ...sameTexts(alert) ? together(alert) : texts, facts, make("p", { className: "quiet" }, number));
  }

  function sameTexts({ deliveries }) {
    return deliveries.length > 1 && deliveries.every(({ text, given }) => text === deliveries[0].text && !given.length);
  }

  function together({ deliveries, held }) {
    const channels = deliveries.map(({ channel }) => channel).join(", ");
    return [make("div", { className: "delivery" }, make("h3", {}, held === null ? "to " : "not to ", make("b", {}, channels)), make("pre", {}, deliveries[0].text))];
  }

  function factsOf(alert) {
    return [
      ["held back", alert.held],
      ["rule", alert.rule],
      ["process", alert.process],
      ["key", alert.key === alert.process ? "" : alert.key],
      ["time", `${showTime(alert.time)} ${zoneName()}`],
      ["open since", alert.opened === null || alert.opened === alert.time ? "" : `${showTime(alert.opened)} (${showDuration(alert.time - alert.opened)})`],
      ["event", alert.event],
    ];
  }

  return {
    show(number) {
      panel.hidden = number < 0;
      if (number >= 0) fill(alertOf(history, number));
    },
  };
}

// What is under the pointer: the state of the process, the other events of that spot, the alerts of a mark.
function createHint(history) {
  const element = document.getElementById("hint");

  function stateLine({ row, time }) {
    const at = stateAt(row, time, history.to);
    if (!at || at.state === NOTHING) return "";
    const since = at.first ? "since before" : `since ${showTime(at.from)}`;
    const length = Math.min(at.to, history.to) - at.from;
    return `${STATES[at.state]} ${since}${at.first ? "" : `, for ${showDuration(length)}`}`;
  }

  function otherLines({ row, time, cell_ms }) {
    const counts = new Map();
    const stop = after(row.otherTimes, time + cell_ms);
    for (let i = after(row.otherTimes, time - cell_ms); i < stop; i++) {
      const kind = history.head.kinds[row.otherKinds[i]];
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].map(([kind, count]) => `${count} ${kind}`);
  }

  function markLines({ mark }) {
    if (!mark) return [];
    const alert = alertOf(history, mark.first);
    if (mark.count === 1) return [`${alert.rule}:${lookText(alert)}`, alert.text.slice(0, 200)];
    return [`${counted(mark.count, "alert")} from ${showTime(alert.time)} on; a click opens the first`, alert.text.slice(0, 200)];
  }

  return (what, x = 0, y = 0) => {
    element.hidden = what === null;
    if (what === null) return;
    const said = [what.row.name, showTime(what.time), stateLine(what), ...markLines(what), ...otherLines(what)].filter(Boolean);
    element.replaceChildren(...said.map((text, i) => make(i ? "div" : "strong", {}, text)));
    const { offsetWidth, offsetHeight } = element;
    element.style.left = `${Math.max(0, Math.min(x + 14, innerWidth - offsetWidth - 8))}px`;
    element.style.top = `${y + 18 + offsetHeight > innerHeight ? y - offsetHeight - 12 : y + 18}px`;
  };
}

// The whole time at a glance, above the time line: how many events and alerts there are, and which part is shown below.

const OVERVIEW_PX = 64;
const BINS = 400;

// How many of `times` lie in each of the bins.
function binned(times, { from, to }, bins) {
  const found = new Array(bins).fill(0);
  const scale = bins / (to - from);
  for (let i = 0; i < times.length; i++) found[Math.min(bins - 1, Math.floor((times[i] - from) * scale))] ++;
  return found;
}

function createOverview(element, history, colours, labelWidth, choose) {
  const all = everything(history);
  const middles = Array.from({ length: BINS }, (_, i) => all.from + ((i + 0.5) * (all.to - all.from)) / BINS);
  const events = binned(history.events.time, all, BINS).map(Math.sqrt);
  const noAlerts = new Array(BINS).fill(null);
  const fromZero = (_, __, most) => [0, Math.max(1, most) * 1.1];
  const plot = new uPlot(
    {
      width: 600,
      height: OVERVIEW_PX,
      ms: 1,
      tzDate: zoned,
      legend: { show: false },
      padding: [2, 12, 0, 0],
      scales: { x: { time: true, range: () => [all.from, all.to] }, events: { range: fromZero }, alerts: { range: fromZero } },
      series: [
        {},
        { scale: "events", width: 0, fill: () => colours().overview, points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) },
        { scale: "alerts", width: 0, fill: () => colours().looks[4], points: { show: false }, paths: uPlot.paths.bars({ size: [0.9, 4, 2], align: 0 }) },
      ],
      axes: [{ show: false }, { show: true, scale: "events", size: labelWidth, values: () => [], ticks: { show: false }, grid: { show: false } }],
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => choose(all) } },
      hooks: { setSelect: [(u) => chosenBy(u)] },
    },
    [middles, events, noAlerts],
    element,
  );
  plot.over.addEventListener("click", (event) => centre(event.offsetX));

  let told = false;
  function chosenBy(u) {
    if (told) return;
    const { left, width } = u.select;
    if (width > 0) choose({ from: u.posToVal(left, "x"), to: u.posToVal(left + width, "x") });
  }

  let range = all;
  function centre(x) {
    const middle = plot.posToVal(x, "x");
    const half = (range.to - range.from) / 2;
    choose({ from: middle - half, to: middle + half });
  }

  return {
    plot,
    show(to) {
      range = to;
      const left = plot.valToPos(range.from, "x");
      told = true;
      plot.setSelect({ left, top: 0, width: Math.max(2, plot.valToPos(range.to, "x") - left), height: plot.over.clientHeight }, false);
      told = false;
    },
    showAlerts(times) {
      plot.setData([middles, events, binned(times, all, BINS).map((count) => (count ? Math.sqrt(count) : null))]);
    },
  };
}

// The whole time at a glance, above the time line: how many events and alerts there are, and which part is shown below.

const OVERVIEW_PX = 64;
const BINS = 400;

// How many of `times` lie in each of the bins.
function binned(times, { from, to }, bins) {
  const found = new Array(bins).fill(0);
  const scale = bins / (to - from);
  for (const time of times) found[Math.min(bins - 1, Math.floor((time - from) * scale))]++;
  return found;
}

class Overview {
  constructor(element, history, colours, labelWidth, choose) {
    this.all = everything(history);
    this.range = this.all;
    this.choose = choose;
    this.middles = Array.from({ length: BINS }, (_, i) => this.all.from + ((i + 0.5) * (this.all.to - this.all.from)) / BINS);
    this.events = binned(history.events.time, this.all, BINS).map(Math.sqrt);
    this.plot = new uPlot(this.options(colours, labelWidth), [this.middles, this.events, this.events.map(() => null)], element);
    this.plot.over.addEventListener("click", (event) => this.centre(event.offsetX));
  }

  // Heights are square roots: one alert can be seen beside thousands.
  options(colours, labelWidth) {
    const fromZero = { range: (_, __, most) => [0, Math.max(1, most) * 1.1] };
    const series = { width: 0, points: { show: false } };
    const { stepped, bars } = uPlot.paths;
    return {
      width: 600,
      height: OVERVIEW_PX,
      ms: 1,
      legend: { show: false },
      padding: [2, RIGHT_PX, 0, 0],
      scales: { x: { range: () => [this.all.from, this.all.to] }, events: fromZero, alerts: fromZero },
      series: [
        {},
        { ...series, scale: "events", fill: () => colours().overview, paths: stepped({ align: 1 }) },
        { ...series, scale: "alerts", fill: () => colours().looks[LOOKS.length - 1], paths: bars({ size: [0.9, 4, 2] }) },
      ],
      axes: [{ show: false }, { scale: "events", size: labelWidth, values: () => [], ticks: { show: false }, grid: { show: false } }],
      cursor: {
        x: false,
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => this.choose(this.all) },
      },
      hooks: { setSelect: [({ select }) => select.width > 0 && this.choose(this.between(select.left, select.left + select.width))] },
    };
  }

  between(left, right) {
    return { from: this.plot.posToVal(left, "x"), to: this.plot.posToVal(right, "x") };
  }

  // Show a range of the same length around a place.
  centre(x) {
    const middle = this.plot.posToVal(x, "x");
    const half = (this.range.to - this.range.from) / 2;
    this.choose({ from: middle - half, to: middle + half });
  }

  show(range) {
    this.range = range;
    const left = this.plot.valToPos(range.from, "x");
    const width = Math.max(2, this.plot.valToPos(range.to, "x") - left);
    this.plot.setSelect({ left, top: 0, width, height: this.plot.over.clientHeight }, false);
  }

  showAlerts(times) {
    const counts = binned(times, this.all, BINS);
    this.plot.setData([this.middles, this.events, counts.map((count) => (count ? Math.sqrt(count) : null))]);
  }

  resize(width) {
    this.plot.setSize({ width, height: OVERVIEW_PX });
  }
}

// The four plots of one run.
(() => {
  const { data, element, count, duration, clock, percentile, linear, logarithmic, nines, draw, drawn } = plots;
  const time = data.time; // the ends of the intervals, in seconds

  const over = (values) => time.map((at, i) => [at, values[i]]).filter((point) => point[1] !== null);
  const overTime = () => linear(0, time.at(-1) ?? 1, 6, clock);
  const rates = (name, rows, isFilled, nothing) => {
    const series = Object.entries(rows).map(([name, values], i) => ({ name, colour: `--c${i % 6}`, points: over(values) }));
    const highest = Math.max(0, ...series.flatMap((one) => one.points.map((point) => point[1])));
    draw(name, { series, x: overTime(), y: linear(0, highest || 1, 5, count), showX: clock, isFilled, nothing });
  };
  const latencyOverTime = (phase) => {
    const series = Object.entries(data.latency[phase] ?? {})
      .map(([name, values], i) => ({ name, colour: `--q${i}`, points: over(values) }))
      .filter((one) => one.points.length);
    const values = series.flatMap((one) => one.points.map((point) => point[1]));
    draw("over-time", { series, x: overTime(), y: logarithmic(values, duration), showX: clock });
  };
  const latencyByPercentile = (phase) => {
    const colours = { "from when it was due": "--due", "service time": "--service", latency: "--due" };
    const series = Object.entries(data.curves[phase] ?? {}).map(([name, points]) => ({ name, colour: colours[name], points }));
    const all = series.flatMap((one) => one.points);
    const smallest = Math.min(0.1, ...all.map((point) => point[0]));
    const y = logarithmic(all.map((point) => point[1]), duration);
    draw("by-percentile", { series, x: nines(smallest), y, showX: percentile });
  };

  let phase = data.main;
  const drawAll = () => {
    rates("throughput", data.throughput, true);
    rates("errors", data.errors, false, "No errors");
    latencyOverTime(phase);
    latencyByPercentile(phase);
  };
  const nav = document.querySelector("nav[data-phases]");
  for (const name of data.phases) {
    const button = element("button", name, nav);
    button.setAttribute("aria-pressed", String(name === phase));
    button.addEventListener("click", () => {
      phase = name;
      for (const other of nav.children) other.setAttribute("aria-pressed", String(other === button));
      drawAll();
    });
  }
  drawn(drawAll);
})();

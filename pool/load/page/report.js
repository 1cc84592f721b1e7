// The four plots of one run.
(() => {
  const { data, along, rates, latencyOverTime, latencyByPercentile, byPhase } = plots;
  const end = data.time.at(-1);
  const lines = (rows = {}, colour) =>
    Object.entries(rows).map(([name, values], i) => ({ name, colour: colour(i), points: along(data.time, values) }));
  const curveColours = { "from when it was due": "--due", "service time": "--service", latency: "--due" };

  byPhase((phase) => {
    const curves = Object.entries(data.curves[phase] ?? {});
    rates("throughput", lines(data.throughput, (i) => `--c${i % 6}`), end, { isFilled: true });
    rates("errors", lines(data.errors, (i) => `--c${i % 6}`), end, { nothing: "No errors" });
    latencyOverTime("over-time", lines(data.latency[phase], (i) => `--q${i}`), end);
    latencyByPercentile("by-percentile", curves.map(([name, points]) => ({ name, colour: curveColours[name], points })));
  });
})();

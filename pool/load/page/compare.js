// The four plots of several runs, each a line in all of them.
(() => {
  const { data, along, rates, latencyOverTime, latencyByPercentile, byPhase } = plots;
  const end = Math.max(0, ...data.runs.map((run) => run.time.at(-1) ?? 0));
  const beside = (pointsOf) => data.runs.map((run, i) => ({ name: run.name, colour: `--c${i % 6}`, points: pointsOf(run) }));

  byPhase((phase) => {
    rates("throughput", beside((run) => along(run.time, run.throughput[phase])), end);
    latencyByPercentile("by-percentile", beside((run) => run.curves[phase] ?? []));
    latencyOverTime("over-time", beside((run) => along(run.time, run.latency[phase])), end);
    rates("errors", beside((run) => along(run.time, run.errors)), end);
  });
})();

// The plots of a benchmark: a row's latencies side by side, and rates by the number of associations.
(() => {
  const { data, count, duration, percentile, linear, logarithmic, nines, draw, drawn } = plots;
  const coloured = (rows) => Object.entries(rows).map(([name, points]) => ({ name, colour: data.colours[name], points }));
  const all = (series) => series.flatMap((one) => one.points);

  const byPercentile = (name, rows) => {
    const series = coloured(rows);
    const smallest = Math.min(0.1, ...all(series).map((point) => point[0]));
    const y = logarithmic(all(series).map((point) => point[1]), duration);
    draw(name, { series, x: nines(smallest), y, showX: percentile });
  };
  const byAssociations = (name, rows) => {
    const series = coloured(rows);
    const numbers = [...new Set(all(series).map((point) => point[0]))].sort((a, b) => a - b);
    const x = { ...logarithmic(numbers, String), ticks: numbers };
    draw(name, { series, x, y: linear(0, Math.max(...all(series).map((point) => point[1])), 5, count), showX: (at) => `${at} associations` });
  };

  drawn(() => {
    for (const [name, rows] of Object.entries(data.associations)) byAssociations(`associations ${name}`, rows);
    for (const [name, rows] of Object.entries(data.latencies)) byPercentile(`latencies ${name}`, rows);
  });
})();

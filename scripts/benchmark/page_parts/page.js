// The plots of a benchmark: a row's latencies side by side, and rates by the number of associations.
(() => {
  const { data, count, linear, logarithmic, draw, drawn, latencyByPercentile, valuesOf } = plots;
  const coloured = (rows) => Object.entries(rows).map(([name, points]) => ({ name, colour: data.colours[name], points }));

  const byAssociations = (name, rows) => {
    const series = coloured(rows);
    const numbers = [...new Set(valuesOf(series, 0))].sort((a, b) => a - b);
    const x = { ...logarithmic(numbers, String), ticks: numbers };
    draw(name, { series, x, y: linear(0, Math.max(...valuesOf(series, 1)), 5, count), showX: (at) => `${at} associations` });
  };

  drawn(() => {
    for (const [name, rows] of Object.entries(data.associations)) byAssociations(`associations ${name}`, rows);
    for (const [name, rows] of Object.entries(data.latencies)) latencyByPercentile(`latencies ${name}`, coloured(rows));
  });
})();

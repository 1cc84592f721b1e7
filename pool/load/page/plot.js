"use strict";
// Draws plots into the figures of a page. Text enters as text nodes only. What is drawn is the page's own script's to say.
const plots = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MARGIN = { top: 10, right: 14, bottom: 24, left: 58 };

  // Elements

  const element = (name, text = "", parent = null) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const shape = (name, attributes, parent, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  // Numbers for people

  const short = (value) => (value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
  const count = (value) => {
    for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]])
      if (value >= size) return short(value / (unit === "k" ? 1e3 : size)) + unit;
    return short(value);
  };
  const duration = (seconds) => {
    if (seconds >= 1) return `${short(seconds)} s`;
    return seconds >= 1e-3 ? `${short(seconds * 1e3)} ms` : `${short(seconds * 1e6)} µs`;
  };
  const clock = (seconds) => {
    const whole = Math.round(seconds * 10) / 10;
    if (whole < 120) return `${whole} s`;
    const two = (value) => String(Math.floor(value)).padStart(2, "0");
    return whole < 3600 ? `${two(whole / 60)}:${two(whole % 60)}` : `${two(whole / 3600)}:${two((whole / 60) % 60)}:${two(whole % 60)}`;
  };
  const percentile = (beyond) => {
    const digits = Math.max(Math.ceil(-Math.log10(beyond)), 0); // one more than there are nines
    return `p${Number((100 * (1 - beyond)).toFixed(digits))}`;
  };

  // Scales: where a value lies between 0 and 1, and which values are marked

  const linear = (low, high, marks, show) => {
    const rough = (high - low || 1) / marks;
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * decade).find((candidate) => candidate >= rough);
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(tick);
    return { at: (value) => (value - low) / (high - low || 1), ticks, show };
  };
  const logarithmic = (values, show) => {
    const seen = values.filter((value) => value > 0);
    const low = Math.log10(Math.min(...seen)), high = Math.log10(Math.max(...seen));
    const from = Math.min(Math.floor(low * 3) / 3, high - 0.35), to = Math.max(Math.ceil(high * 3) / 3, from + 0.5);
    const factors = to - from > 2.5 ? [1] : to - from > 1.4 ? [1, 3] : [1, 2, 5];
    const ticks = [];
    for (let decade = Math.floor(from); decade <= to; decade++)
      for (const factor of factors) {
        const tick = factor * 10 ** decade;
        if (Math.log10(tick) >= from - 1e-9 && Math.log10(tick) <= to + 1e-9) ticks.push(tick);
      }
    return { at: (value) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from), ticks, show };
  };
  // Of 1 - p: each nine is as wide as the one before.
  const nines = (smallest) => {
    const end = Math.max(-Math.log10(smallest), 1), ticks = [0.5];
    for (let nine = 1; nine <= end + 1e-9; nine++) ticks.push(10 ** -nine);
    return { at: (beyond) => -Math.log10(Math.max(beyond, smallest)) / end, ticks, show: percentile };
  };

  // A plot: series of {name, colour, points: [[x, y], ...]} over two scales

  const draw = (name, { series: all, x, y, showX, isFilled, nothing = "Nothing was measured" }) => {
    const series = all.filter((one) => one.points.length);
    const figure = document.querySelector(`figure[data-plot="${name}"]`);
    for (const old of figure.querySelectorAll("svg, .legend, .nothing, .tip")) old.remove();
    const points = series.reduce((sum, one) => sum + one.points.length, 0);
    figure.dataset.series = series.map((one) => one.name).join(",");
    figure.dataset.points = String(points);
    if (!points) {
      element("p", nothing, figure).className = "nothing";
      return;
    }
    legend(figure, series);
    const svg = shape("svg", { role: "img", "aria-label": `${figure.querySelector("h2").textContent} of ${figure.dataset.series}` }, figure);
    const width = svg.clientWidth, height = svg.clientHeight;
    const across = width - MARGIN.left - MARGIN.right, down = height - MARGIN.top - MARGIN.bottom;
    const px = (value) => MARGIN.left + x.at(value) * across, py = (value) => MARGIN.top + (1 - y.at(value)) * down;
    axes(svg, x, y, px, py, width, height);
    for (const { colour, points } of series) {
      const line = points.map(([a, b], i) => `${i ? "L" : "M"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join("");
      if (isFilled) {
        const floor = height - MARGIN.bottom;
        const area = `${line}L${px(points.at(-1)[0]).toFixed(1)} ${floor}L${px(points[0][0]).toFixed(1)} ${floor}Z`;
        shape("path", { d: area, class: "area" }, svg).style.fill = `var(${colour})`;
      }
      // A single point is a line of no length; its round ends make it a dot.
      const path = shape("path", { d: points.length > 1 ? line : line + "h0.01" }, svg);
      path.style.stroke = `var(${colour})`;
      if (points.length === 1) path.style.strokeWidth = "6";
    }
    pointing(figure, svg, series, px, y, showX);
  };

  const legend = (figure, series) => {
    const row = element("div", "", figure);
    row.className = "legend";
    for (const { name, colour } of series) {
      const entry = element("span", "", row);
      element("i", "", entry).style.background = `var(${colour})`;
      entry.append(name);
    }
  };

  const axes = (svg, x, y, px, py, width, height) => {
    const floor = height - MARGIN.bottom;
    for (const tick of y.ticks) {
      shape("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: py(tick), y2: py(tick) }, svg);
      shape("text", { x: MARGIN.left - 8, y: py(tick) + 4, "text-anchor": "end" }, svg, y.show(tick));
    }
    shape("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: floor, y2: floor }, svg);
    let free = -Infinity; // the end of the last label: the next must not touch it
    for (const tick of x.ticks) {
      const label = shape("text", { x: px(tick), y: height - 6, "text-anchor": "middle" }, svg, x.show(tick));
      const half = label.getComputedTextLength() / 2;
      label.setAttribute("x", Math.min(px(tick), width - half));
      if (px(tick) - half < free + 8) label.remove();
      else free = px(tick) + half;
    }
  };

  // What the values are where the pointer is

  const pointing = (figure, svg, series, px, y, showX) => {
    const tip = element("div", "", figure);
    tip.className = "tip";
    tip.hidden = true;
    const line = shape("line", { class: "at", y1: MARGIN.top, y2: svg.clientHeight - MARGIN.bottom, visibility: "hidden" }, svg);
    const longest = series.reduce((best, one) => (one.points.length > best.points.length ? one : best));
    const xs = longest.points.map((point) => point[0]);
    const leave = () => {
      tip.hidden = true;
      line.setAttribute("visibility", "hidden");
    };
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("pointermove", (event) => {
      const at = event.clientX - svg.getBoundingClientRect().left;
      const nearest = (values) => values.reduce((best, value) => (Math.abs(px(value) - at) < Math.abs(px(best) - at) ? value : best));
      const where = nearest(xs);
      tip.replaceChildren();
      element("b", showX(where), tip);
      for (const { name, points } of series) {
        const found = points.find((point) => point[0] === nearest(points.map((point) => point[0])));
        element("div", `${name}  ${y.show(found[1])}`, tip);
      }
      for (const [key, value] of [["x1", px(where)], ["x2", px(where)], ["visibility", "visible"]]) line.setAttribute(key, value);
      tip.hidden = false;
      const here = svg.getBoundingClientRect().left - figure.getBoundingClientRect().left + px(where);
      const isRoom = here + 12 + tip.offsetWidth < figure.clientWidth;
      tip.style.left = `${Math.max(4, isRoom ? here + 12 : here - 12 - tip.offsetWidth)}px`;
      tip.style.top = "3.6rem";
    });
  };

  // The plots that pages have in common, of such series

  const valuesOf = (series, axis) => series.flatMap((one) => one.points.map((point) => point[axis]));
  const along = (time, values = []) => time.map((at, i) => [at, values[i] ?? null]).filter((point) => point[1] !== null);
  const overTime = (end) => linear(0, end || 1, 6, clock);
  const rates = (name, series, end, more) => {
    const highest = Math.max(0, ...valuesOf(series, 1));
    draw(name, { series, x: overTime(end), y: linear(0, highest || 1, 5, count), showX: clock, ...more });
  };
  const latencyOverTime = (name, series, end) =>
    draw(name, { series, x: overTime(end), y: logarithmic(valuesOf(series, 1), duration), showX: clock });
  const latencyByPercentile = (name, series) => {
    const smallest = Math.min(0.1, ...valuesOf(series, 0));
    draw(name, { series, x: nines(smallest), y: logarithmic(valuesOf(series, 1), duration), showX: percentile });
  };

  // A button for each phase; `drawAll(phase)` now, and whenever another is chosen
  const byPhase = (drawAll) => {
    let chosen = data.main;
    const nav = document.querySelector("nav[data-phases]");
    for (const name of data.phases) {
      const button = element("button", name, nav);
      button.setAttribute("aria-pressed", String(name === chosen));
      button.addEventListener("click", () => {
        chosen = name;
        for (const other of nav.children) other.setAttribute("aria-pressed", String(other === button));
        drawAll(chosen);
      });
    }
    drawn(() => drawAll(chosen));
  };

  // Now, and again whenever the page has another width
  const drawn = (drawAll) => {
    let width = 0;
    new ResizeObserver(() => {
      if (document.body.clientWidth === width) return;
      width = document.body.clientWidth;
      drawAll();
    }).observe(document.body);
    drawAll();
  };

  return { data, count, linear, logarithmic, draw, drawn, along, rates, latencyOverTime, latencyByPercentile, valuesOf, byPhase };
})();

"use strict";
// Draws the plots of the page. Colours come from the style sheet; text and grid lines are coloured
// there too, so that they follow the colour scheme and print.
(() => {
  const plots = JSON.parse(document.getElementById("plot-data").textContent);
  const styles = getComputedStyle(document.documentElement);
  const colour = (name) => styles.getPropertyValue(`--${name}`).trim();
  const wash = (name, alpha) => {
    const hex = colour(name).replace("#", "");
    const parts = [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
    return `rgba(${parts.join(",")},${alpha})`;
  };
  const font = { family: colour("sans"), size: 12 };
  const coarse = matchMedia("(pointer: coarse)").matches;

  const axis = (title, more) => ({
    title: { text: title, standoff: 10 }, automargin: true, zeroline: false, fixedrange: coarse,
    showline: true, linecolor: colour("rule"), gridcolor: colour("grid"), nticks: 6, ...more,
  });
  const layout = (more) => ({
    font, autosize: true, showlegend: false, dragmode: coarse ? false : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 8, r: 8, t: 6, b: 8 }, hovermode: "closest",
    hoverlabel: { bgcolor: "#2a3238", bordercolor: "#2a3238", font: { ...font, color: "#fff" } },
    ...more,
  });
  const config = { displayModeBar: false, displaylogo: false, responsive: true, doubleClick: "reset" };

  // A histogram as one stepped outline that begins and ends at 0.
  const outline = (edges, shares) => ({
    x: [edges[0], ...edges],
    y: [0, ...shares, 0],
    line: { shape: "hv" }, mode: "lines",
  });

  const histogram = (p) => {
    const filled = p.baseline ?? p.shares;
    const text = filled.map((share, i) =>
      `KPE ${p.edges[i].toPrecision(4)} to ${p.edges[i + 1].toPrecision(4)}<br>` +
      (p.baseline ? `this gain ${p.shares[i].toFixed(1)} %<br>baseline ${share.toFixed(1)} %`
                  : `${share.toFixed(1)} % of samples`));
    const centres = filled.map((_, i) => (p.edges[i] + p.edges[i + 1]) / 2);
    const traces = [
      { type: "bar", x: centres, y: filled, width: p.edges.slice(1).map((e, i) => e - p.edges[i]),
        marker: { color: wash("series-0", 0.38), line: { width: 0 } }, text, textposition: "none",
        hovertemplate: "%{text}<extra></extra>" },
    ];
    const own = outline(p.edges, p.shares);
    traces.push({ type: "scatter", ...own, hoverinfo: "skip",
      line: { ...own.line, color: colour(`series-${p.series}`), width: 2 } });
    return [traces, layout({
      bargap: 0, hovermode: "x",
      xaxis: axis("KPE"), yaxis: axis("% of samples", { range: [0, p.top] }),
    })];
  };

  // The area between two lines.
  const band = (x, low, high, series) => {
    const edge = { type: "scatter", x, mode: "lines", hoverinfo: "skip",
      line: { width: 0, color: colour(`series-${series}`) } };
    return [{ ...edge, y: low },
            { ...edge, y: high, fill: "tonexty", fillcolor: wash(`series-${series}`, 0.2) }];
  };

  const profile = (p) => {
    const line = colour(`series-${p.series}`);
    const traces = band(p.t, p.low, p.high, p.series);
    if (p.baseline) {
      traces.push({ type: "scatter", x: p.baseline[0], y: p.baseline[1], mode: "lines", hoverinfo: "skip",
        line: { color: colour("series-0"), width: 1.5 } });
    }
    traces.push({ type: "scatter", x: p.t, y: p.median, mode: "lines", line: { color: line, width: 2 },
      customdata: p.eta.map((eta, i) => [eta, p.low[i], p.high[i]]),
      hovertemplate: "t = %{x:.3f}, η = %{customdata[0]:.4f}<br>median %{y:.4~g}<br>" +
        "10–90 %: %{customdata[1]:.4~g} to %{customdata[2]:.4~g}<extra></extra>" });
    const range = p.log ? p.range.map(Math.log10) : p.range;
    return [traces, layout({
      hovermode: "x",
      xaxis: axis("t", { range: [0, 1] }),
      yaxis: axis("‖dx/dt‖²", { range, type: p.log ? "log" : "linear" }),
    })];
  };

  const scatter = (p) => {
    const group = (memorized, name, symbol, size) => {
      const rows = p.kpe.map((_, i) => i).filter((i) => p.memorized[i] === memorized);
      return { type: "scatter", mode: "markers", cliponaxis: false, name, customdata: rows,
        x: rows.map((i) => p.kpe[i]), y: rows.map((i) => p.y[i]),
        marker: { symbol, size, color: wash(memorized ? "memorized" : "other", 0.55), line: { width: 0 } },
        hovertemplate: `sample %{customdata}, ${name}<br>KPE %{x:.4~g}<br>${p.label} %{y:.3~g}<extra></extra>` };
    };
    const shapes = p.threshold === null ? [] : [{
      type: "line", xref: "paper", x0: 0, x1: 1, y0: p.threshold, y1: p.threshold,
      line: { color: colour("soft"), width: 1, dash: "dash" },
    }];
    return [
      [group(false, "not memorized", "circle", 6), group(true, "memorized", "triangle-up", 8)],
      layout({ xaxis: axis("KPE"), yaxis: axis(p.label), shapes }),
    ];
  };

  const goldilocks = (p) => {
    const x = p.bins.map((bin) => (bin.kpe[0] + bin.kpe[1]) / 2);
    const half = p.bins.map((bin) => (bin.kpe[1] - bin.kpe[0]) / 2);
    const curve = (key, name, unit, line, symbol, more) => ({
      type: "scatter", mode: "lines+markers", cliponaxis: false, x, y: p.bins.map((bin) => bin[key][1]),
      line: { color: wash(line, 0.45), width: 1.5 }, marker: { color: colour(line), symbol, size: 9 },
      error_x: { type: "data", array: half, color: wash(line, 0.4), thickness: 1.2, width: 0 },
      error_y: { type: "data", symmetric: false, color: colour(line), thickness: 1.6, width: 4,
        array: p.bins.map((bin) => bin[key][2] - bin[key][1]),
        arrayminus: p.bins.map((bin) => bin[key][1] - bin[key][0]) },
      customdata: p.bins.map((bin) => [bin.n, ...bin.kpe, bin[key][0], bin[key][2]]),
      hovertemplate: `${name} %{y:.3~g}${unit} [%{customdata[3]:.3~g}, %{customdata[4]:.3~g}]<br>` +
        "KPE %{customdata[1]:.4~g} to %{customdata[2]:.4~g}, n = %{customdata[0]}<extra></extra>",
      ...more,
    });
    const shapes = p.band === null ? [] : [{
      type: "rect", layer: "below", xref: "x", yref: "paper", x0: p.band[0], x1: p.band[1], y0: 0, y1: 1,
      fillcolor: wash("band", 0.13), line: { width: 0 },
    }];
    return [
      [curve("f_mem", "F_mem", " %", "memorized", "triangle-up", { yaxis: "y2" }),
       curve("fidelity", "margin", "", "other", "circle", {})],
      layout({
        shapes,
        xaxis: axis("KPE", { anchor: "y" }),
        yaxis: axis("margin", { domain: [0, 0.46] }),
        yaxis2: axis("F_mem, %", { domain: [0.54, 1], anchor: "x", rangemode: "tozero" }),
      }),
    ];
  };

  const memorization = (p) => {
    const curve = ({ x, y, series }, more) => ({ type: "scatter", mode: "lines", x, y,
      line: { color: colour(`series-${series}`), width: 2, ...more },
      hovertemplate: "%{y:.1f} % below %{x:.3f}<extra></extra>" });
    const traces = p.curves.map((line) => curve(line, {}));
    // The baseline is drawn last, so that it is seen where gains do not differ from it.
    traces.reverse();
    if (p.false_alarms) {
      traces.push(curve(p.false_alarms, { color: colour("ink"), width: 1.5, dash: "dot" }));
    }
    return [traces, layout({
      xaxis: axis("threshold of the gap ratio d1/d2", { range: [0, 1] }),
      yaxis: axis("% of samples", { range: [0, 104] }),
      shapes: [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: p.threshold, x1: p.threshold,
        line: { color: colour("soft"), width: 1, dash: "dash" } }],
    })];
  };

  const course = (p) => {
    const { x, y, series } = p.line;
    const traces = p.band ? band(x, ...p.band, series) : [];
    traces.push({ type: "scatter", mode: "lines", x, y,
      line: { color: colour(`series-${series}`), width: 2, shape: p.steps ? "hv" : "linear" },
      customdata: p.band && x.map((_, i) => p.band.map((edge) => edge[i])),
      hovertemplate: `t = %{x:.3f}<br>${p.label} %{y:.4~g}` +
        (p.band ? "<br>10–90 %: %{customdata[0]:.4~g} to %{customdata[1]:.4~g}" : "") +
        "<extra></extra>" });
    return [traces, layout({
      hovermode: "x",
      xaxis: axis("t", { range: [0, 1] }),
      yaxis: axis(p.label, p.range ? { range: p.range } : { rangemode: "tozero" }),
    })];
  };

  const tradeoff = (p) => {
    const last = p.rungs.length - 1;
    const marks = (gains, fill, size, symbol, more) => {
      const bars = (key) => ({ type: "data", symmetric: false, color: fill, thickness: 1.3, width: 0,
        array: gains.map((gain) => gain[key][2] - gain[key][1]),
        arrayminus: gains.map((gain) => gain[key][1] - gain[key][0]) });
      return { type: "scatter", mode: "markers", x: gains.map((gain) => gain.x[1]),
        y: gains.map((gain) => gain.y[1]), marker: { color: fill, size, symbol, line: { width: 0 } },
        error_x: bars("x"), error_y: bars("y"),
        customdata: gains.map((gain) => [gain.candidate, gain.n, gain.x[0], gain.x[2], gain.y[0], gain.y[2]]),
        hovertemplate: "#%{customdata[0]}, %{customdata[1]} samples<br>" +
          `${p.labels[0]}: %{x:.3~g} [%{customdata[2]:.3~g}, %{customdata[3]:.3~g}]<br>` +
          `${p.labels[1]}: %{y:.3~g} [%{customdata[4]:.3~g}, %{customdata[5]:.3~g}]<extra></extra>`, ...more };
    };
    const traces = p.rungs.map((gains, rung) => rung === last
      ? marks(gains, colour("other"), 8, "circle")
      // Close up, their long intervals would look like grid lines.
      : marks(gains, wash("series-0", 0.35 / (last - rung)), 5, "circle",
        p.close ? { error_x: {}, error_y: {} } : {}));
    traces.push({ type: "scatter", mode: "lines", hoverinfo: "skip", x: p.front.map((c) => c[0]),
      y: p.front.map((c) => c[1]), line: { color: wash("other", 0.6), width: 1 } });
    if (p.knee) {
      traces.push({ type: "scatter", mode: "markers", hoverinfo: "skip", x: [p.knee[0]], y: [p.knee[1]],
        marker: { symbol: "diamond-open", size: 15, color: colour("ink"), line: { width: 1.5 } } });
    }
    traces.push(marks(p.finalists.map((pair) => pair[1]), colour("memorized"), 9, "square",
      { mode: p.close ? "markers+text" : "markers", text: p.finalists.map((pair) => `#${pair[1].candidate}`),
        textposition: "top right", textfont: { ...font, size: 11 } }));
    const arrows = p.finalists.map(([search, fresh]) => ({ text: "", showarrow: true, arrowhead: 2, arrowwidth: 1.4,
      arrowcolor: colour("memorized"), axref: "x", ayref: "y", standoff: 4,
      ax: search.x[1], ay: search.y[1], x: fresh.x[1], y: fresh.y[1] }));
    const zero = { type: "line", line: { color: colour("soft"), width: 1, dash: "dash" } };
    const far = (axis) => p.better[axis] * 1e6;
    return [traces, layout({
      annotations: arrows,
      shapes: [
        { type: "rect", layer: "below", x0: 0, x1: far(0), y0: 0, y1: far(1), fillcolor: wash("band", 0.1), line: { width: 0 } },
        { ...zero, yref: "paper", y0: 0, y1: 1, x0: 0, x1: 0 },
        { ...zero, xref: "paper", x0: 0, x1: 1, y0: 0, y1: 0 },
      ],
      xaxis: axis(p.labels[0], { range: p.window[0] }),
      yaxis: axis(p.labels[1], { range: p.window[1] }),
    })];
  };

  const kinds = { histogram, profile, scatter, memorization, course, goldilocks, tradeoff };

  // Gives the drawing a view box, so that it scales with the paper when printed.
  const scalable = (element) => {
    const { width, height } = element._fullLayout;
    element.style.setProperty("--ratio", `${width} / ${height}`);
    for (const svg of element.querySelectorAll(".main-svg")) {
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    }
  };

  const draw = async (element) => {
    const plot = plots[Number(element.dataset.plot)];
    try {
      await Plotly.react(element, ...kinds[plot.kind](plot), config);
      if (!element.dataset.drawn) {
        element.dataset.drawn = "yes";
        element.on("plotly_afterplot", () => scalable(element));
      }
      scalable(element);
    } catch (error) {
      element.classList.add("failed");
      element.textContent = `This plot could not be drawn: ${error.message}`;
    }
  };

  const frames = [...document.querySelectorAll("[data-plot]")];
  const drawAll = async () => {
    for (const frame of frames) {
      await draw(frame);
      await new Promise((resume) => setTimeout(resume));
    }
  };
  drawAll();

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const frame of frames) if (!frame.dataset.drawn) draw(frame);
  });
})();

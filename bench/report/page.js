(() => {
  "use strict";
  const { exit_code: code, broken, result, comparison } = JSON.parse(document.getElementById("figures").textContent);
  const colours = ["#2f6fed", "#e0762f", "#1f9d6b", "#b14cc9", "#d64545", "#8a6d3b", "#2a9db5", "#c2a000", "#e377c2"];
  const colourOf = (name, at) => (name === "others" ? "#9aa5b1" : colours[at % colours.length]);
  const byId = (id) => document.getElementById(id);
  const number = (value, digits = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const short = (value) => number(value, value === 0 ? 0 : Math.abs(value) < 1 ? 3 : Math.abs(value) < 100 ? 1 : 0);
  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const verdict = byId("verdict");
  const audited = result.audit ? "audit clean" : "not audited";
  [verdict.textContent, verdict.className] = {
    0: [result.verdicts.length ? `✓ every target met, ${audited}` : `✓ ${audited}`, "good"],
    1: [`✗ a target was missed, ${audited}`, "fair"],
    3: ["✗ these figures do not count", "bad"],
  }[code];
  const asked = Object.entries(result.asked).map(([name, value]) => `${name} ${value}`).join(" · ");
  byId("about").textContent = `${asked} · took ${number(result.took_s)} s · version ${result.machine.commit || "unknown"}`;
  for (const [value, label] of result.facts) {
    const tile = make("div");
    tile.append(make("b", value), make("span", label));
    byId("tiles").append(tile);
  }
  for (const text of result.problems) byId("messages").append(make("p", text, "bad"));
  if (result.notes.length) {
    const list = make("ul");
    for (const text of result.notes) list.append(make("li", text));
    byId("messages").append(list);
  }

  const fill = (target, heads, rows) => {
    const add = (parent, cells, kind, name) => {
      const line = make("tr", undefined, name);
      for (const cell of cells) {
        const [text, style] = Array.isArray(cell) ? cell : [cell, ""];
        line.append(make(kind, text, style));
      }
      parent.append(line);
    };
    add(target.createTHead(), heads, "th");
    const body = target.createTBody();
    for (const [cells, name] of rows) add(body, cells, "td", name);
  };
  const table = (id, heads, rows) => {
    if (rows.length) fill(byId(id), heads, rows);
    else document.querySelector(`[data-for=${id}]`).remove();
  };
  const mark = (good) => [good ? "✓" : "✗", `mark ${good ? "good" : "bad"}`];

  table("levels", ["", ["Target", "text"], ["What", "text"], "measured", "bound", ""], result.verdicts.map((v) =>
    [[mark(v.ok), [v.name, "text"], [v.what, "text"], `${v.unit || v.value % 1 === 0 ? short(v.value) : number(v.value, 3)} ${v.unit}`, v.bound,
      [v.ok ? "met" : "missed", v.ok ? "good" : "bad"]]]));
  const order = ["bare", "serve", "postgres", "gate"];
  const rank = (role) => (order.includes(role) ? order.indexOf(role) : order.length);
  const roles = [...new Set(result.rows.flatMap((row) => Object.keys(row.cpu_us).filter((role) => row.cpu_us[role] >= 1)))]
    .sort((a, b) => rank(a) - rank(b));
  const has = (test) => result.rows.some(test);
  const columns = [
    ["per s", (r) => short(r.per_s), true],
    ["÷ bare", (r) => (r.ratio == null ? "" : number(r.ratio, 3)), has((r) => r.ratio != null)],
    ["windows", (r) => (r.between ? `${number(r.between[0], 2)}–${number(r.between[1], 2)}` : ""), has((r) => r.between)],
    ["requests", (r) => number(r.requests), true],
    ["shed", (r) => number(r.shed), has((r) => r.shed)],
    ["failed", (r) => [number(r.failed), r.failed ? "bad" : ""], true],
    ["p50", (r) => number(r.p50_ms, 1), has((r) => r.max_ms)],
    ["p90", (r) => number(r.p90_ms, 1), has((r) => r.max_ms)],
    ["p99", (r) => number(r.p99_ms, 1), has((r) => r.max_ms)],
    ["p99.9", (r) => number(r.p999_ms, 1), has((r) => r.p999_ms)],
    ["max", (r) => number(r.max_ms, 1), has((r) => r.max_ms)],
  ].filter(([, , shown]) => shown);
  byId("ratios").hidden = !has((r) => r.ratio != null);
  table("rows", [["Request", "text"], ...columns.map(([head]) => head)], result.rows.map((r) =>
    [[[r.what, "text"], ...columns.map(([, cell]) => cell(r))], r.strong ? "strong" : r.name.startsWith("bare") ? "soft" : ""]));
  table("cpu", [["Request", "text"], ...roles.map((role) => `${role} µs`)], result.rows.filter((r) => Object.keys(r.cpu_us).length)
    .map((r) => [[[r.what, "text"], ...roles.map((role) => (role in r.cpu_us ? number(r.cpu_us[role], 1) : ""))],
      r.name.startsWith("bare") ? "soft" : ""]));
  for (const one of result.tables) {
    const card = make("section", undefined, "card");
    const inner = make("table");
    card.append(make("h2", one.title), inner);
    fill(inner, one.heads.map((head, i) => (i ? head : [head, "text"])), one.rows.map((cells) =>
      [cells.map((cell, i) => (i ? cell : [cell, "text"]))]));
    byId("tables").append(card);
  }
  table("usage", [["Process kind", "text"], "processes", "cores used", "CPU s", "private MiB"], result.usage.map((u) =>
    [[[u.role, "text"], u.processes || "", number(u.cores, 2), number(u.cpu_s, 1), u.memory_mib ? number(u.memory_mib) : ""],
      u.role === "others" ? "soft" : ""]));
  if (comparison)
    byId("before").textContent = `Against ${comparison.before} (version ${comparison.commit || "unknown"}). ` +
      (comparison.machine ? `The bare server did × ${number(comparison.machine, 2)} of then; that is taken out of rates and times.`
        : "The bare server was not measured in both: times and rates are as they are.");
  table("changes", [["Figure", "text"], "before", "now", "now ÷ before", ""], (comparison ? comparison.changes : []).map((c) =>
    [[[c.what, "text"], short(c.before), short(c.now), `× ${number(c.factor, 2)}${c.corrected ? "" : " (raw)"}`,
      c.better == null ? ["same", ""] : c.better ? ["better", "good"] : ["worse", "bad"]]]));
  if (result.audit) {
    const scale = result.audit.scale;
    byId("audited").textContent = `${number(scale.orders)} orders, ${number(scale.lines)} lines, ${number(scale.charges)} charges, ` +
      `${number(scale.acknowledged)} acknowledged to clients; ${number(result.audit.elapsed_s, 1)} s.`;
  }
  table("audit", ["", ["Invariant", "text"], ["What it proves", "text"], "wrong", "ms"], (result.audit ? result.audit.findings : [])
    .map((f) => [[!f.ok && !broken.includes(f.name) ? ["–", "mark"] : mark(f.ok), [f.name, "text"],
      [f.proves + (f.detail ? ` (${f.detail})` : ""), "text"], `${number(f.figure)} ${f.unit}`, number(f.elapsed_ms)]]));
  const machine = result.machine;
  table("machine", [["", "text"], ["", "text"]], [["Processor", `${machine.cores} × ${machine.processor}`],
    ["Memory", `${number(machine.memory_gib, 1)} GiB`], ["System", machine.system], ["Python", machine.python],
    ["Load before", number(machine.load_before, 2)],
    ...(result.bare_per_s ? [["Bare POST", `${number(result.bare_per_s)} a second, same run`]] : []),
  ].map(([name, value]) => [[[name, "text"], [value, "text"]]]));

  const style = getComputedStyle(document.documentElement);
  const soft = style.getPropertyValue("--soft").trim();
  const lineColour = style.getPropertyValue("--line").trim();
  const grid = { stroke: lineColour, width: 1 };
  const axis = (more) => ({ stroke: soft, grid, ticks: grid, font: "11px system-ui", ...more });
  const figure = (chart) => {
    const element = make("figure");
    const caption = make("figcaption", chart.title);
    if (chart.unit) caption.append(make("span", `, ${chart.unit}`, "unit"));
    const space = make("div");
    element.append(caption, space);
    byId("plots").append(element);
    return space;
  };
  const draw = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Bars lie, so that their names can be read; more lines than one are stacked, a mark is a level to be reached.
  const bars = (chart) => {
    const space = figure(chart);
    const [width, left, right, row] = [560, 100, 54, 26];
    const sums = chart.labels.map((_, i) => chart.lines.reduce((sum, line) => sum + (line.values[i] || 0), 0));
    const most = Math.max(...sums, ...chart.marks.map((m) => m || 0), 1e-9);
    const at = (value) => left + (value / most) * (width - left - right);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${chart.labels.length * row + 4}`, role: "img", "aria-label": chart.title });
    chart.labels.forEach((label, i) => {
      const y = i * row + 4;
      svg.append(draw("text", { x: left - 8, y: y + 13, "text-anchor": "end", class: "soft" }, label));
      let from = 0;
      chart.lines.forEach((line, j) => {
        const value = line.values[i] || 0;
        const mark = chart.marks[i];
        const lone = chart.lines.length === 1 && mark != null;
        const colour = lone ? `var(--${value >= mark ? "good" : "bad"})` : colours[j % colours.length];
        const bar = draw("rect", { x: at(from), y, height: 18, width: Math.max(0, at(from + value) - at(from)), rx: 2 });
        bar.style.fill = colour;
        bar.append(draw("title", {}, `${label}, ${line.name}: ${short(value)} ${chart.unit}`));
        svg.append(bar);
        from += value;
      });
      const x = chart.marks[i] == null ? 0 : at(chart.marks[i]);
      const end = at(sums[i]);
      const besideMark = x > end - 6 && x < end + right; // the number would stand across the mark
      svg.append(draw("text", { x: (besideMark ? Math.max(x, end) : end) + 6, y: y + 13 }, short(sums[i])));
      if (chart.marks[i] != null) {
        svg.append(draw("line", { x1: x, x2: x, y1: y - 3, y2: y + 21, stroke: "currentColor", "stroke-width": 2 }));
      }
    });
    space.append(svg);
    if (chart.lines.length < 2) return;
    const legend = make("div", undefined, "legend");
    chart.lines.forEach((line, j) => {
      const entry = make("span", undefined);
      const colour = make("i");
      colour.style.background = colours[j % colours.length];
      entry.append(colour, line.name);
      legend.append(entry);
    });
    space.append(legend);
  };

  const plots = [];
  const size = (element) => ({ width: element.clientWidth, height: 220 });
  const plot = (chart) => {
    const element = figure(chart);
    const logarithmic = chart.kind === "log" || chart.kind === "percentiles";
    // Percentiles by nines: 0, 90, 99, 99.9 … each as far from the last.
    const nines = (p) => -Math.log10(Math.max(1 - p / 100, 1e-5));
    const percent = (v) => (v >= 5 ? "max" : "p" + Number((100 - 100 * 10 ** -v).toFixed(3)));
    const xs = chart.kind === "percentiles" ? chart.xs.map(nines) : chart.xs;
    const x = {
      time: { label: "s", show: (v) => number(v), values: (_, ticks) => ticks.map((t) => t + " s") },
      percentiles: { label: "", show: percent, values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? percent(t) : "")) },
      log: { label: "", show: (v) => number(v), values: (_, ticks) => ticks.map((t) => (t == null ? "" : number(t))) },
    }[chart.kind];
    const y = logarithmic ? { distr: 3 } : { range: (_, low, high) => [Math.min(0, low), Math.max(high * 1.08, 1e-9)] };
    const options = {
      ...size(element), cursor: { points: { size: 6 } }, legend: { live: true },
      scales: { x: { time: false, ...(chart.kind === "log" ? { distr: 3 } : {}) }, y },
      axes: [axis({ values: x.values }),
        axis({ size: 62, values: (_, ticks) => ticks.map((t) => (t == null ? "" : t.toLocaleString("en-US"))) })],
      series: [{ label: x.label, value: (_, v) => (v == null ? "" : x.show(v)) },
        ...chart.lines.map((line, i) => ({
          label: line.name, stroke: colourOf(line.name, i), dash: line.name === "others" ? [4, 4] : undefined, width: 1.75,
          points: { show: xs.length < 20, size: 5 },
          fill: chart.filled && i === 0 ? colours[0] + "22" : undefined, spanGaps: true,
          value: (_, v) => (v == null ? "" : short(v)),
        }))],
    };
    const clean = (v) => (v == null ? null : logarithmic ? Math.max(v, 0.01) : v);
    plots.push([new uPlot(options, [xs, ...chart.lines.map((line) => line.values.map(clean))], element), element]);
  };
  for (const chart of result.charts)
    if (chart.lines.length && (chart.kind === "bars" ? chart.labels : chart.xs).length) (chart.kind === "bars" ? bars : plot)(chart);
  addEventListener("resize", () => {
    for (const [chart, element] of plots) chart.setSize(size(element));
  });
})();

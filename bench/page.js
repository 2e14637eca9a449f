(() => {
  "use strict";
  const { ok, report, changes } = JSON.parse(document.getElementById("figures").textContent);
  const colours = ["#2f6fed", "#e0762f", "#1f9d6b", "#b14cc9", "#d64545", "#8a6d3b", "#2a9db5", "#7a8794"];
  const byId = (id) => document.getElementById(id);
  const number = (value, digits = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  const verdict = byId("verdict");
  verdict.textContent = ok ? "✓ all service levels hold, audit clean" : "✗ see below";
  if (ok && !report.audit) verdict.textContent = "✓ all service levels hold (not audited)";
  verdict.className = ok ? "good" : "bad";
  const machine = report.machine;
  byId("about").textContent =
    `${number(report.steady_s)} s judged after a ramp of ${number(report.ramp_s)} s, on ${machine.cores} cores and ` +
    `${number(machine.memory_gib)} GiB, load included; ${machine.system}, Python ${machine.python}.`;

  const tiles = [
    [number(report.users), "shoppers at once"],
    [number(report.total.per_s), "requests a second"],
    [number(report.orders), "orders placed"],
    [number(report.total.p50_ms, 1) + " ms", "median"],
    [number(report.total.p99_ms, 1) + " ms", "p99"],
    [number(report.total.errors), "errors"],
    [report.audit ? number(report.audit.findings.filter((f) => f.ok).length) + " / " + report.audit.findings.length : "–",
      "invariants hold"],
  ];
  for (const [value, label] of tiles) {
    const tile = document.createElement("div");
    const strong = document.createElement("b");
    const span = document.createElement("span");
    strong.textContent = value;
    span.textContent = label;
    tile.append(strong, span);
    byId("tiles").append(tile);
  }

  const table = (id, heads, rows) => {
    const target = byId(id);
    const add = (parent, cells, kind, name) => {
      const line = document.createElement("tr");
      if (name) line.className = name;
      for (const cell of cells) {
        const element = document.createElement(kind);
        const [text, style] = Array.isArray(cell) ? cell : [cell, ""];
        element.textContent = text;
        if (style) element.className = style;
        line.append(element);
      }
      parent.append(line);
    };
    add(target.createTHead(), heads, "th");
    const body = target.createTBody();
    for (const [cells, name] of rows) add(body, cells, "td", name);
  };
  const mark = (good) => [good ? "✓" : "✗", good ? "good" : "bad"];

  table("levels", ["", ["Level", "text"], "measured", "bound"],
    report.verdicts.map((v) => [[mark(v.ok), [v.what, "text"], number(v.value, v.value % 1 ? 1 : 0), v.bound]]));
  const requestRow = (row) => [row.name, number(row.requests), number(row.errors), number(row.per_s, 1), number(row.p50_ms, 1),
    number(row.p95_ms, 1), number(row.p99_ms, 1), number(row.honest_p99_ms, 1), number(row.max_ms, 1)];
  table("rows", ["Request", "requests", "errors", "per s", "p50", "p95", "p99", "honest p99", "max ms"],
    [...report.rows.map((row) => [requestRow(row)]),
      ...[...report.groups, report.total].map((row) => [requestRow(row), "sum"])]);
  const errors = Object.entries(report.errors).flatMap(([name, texts]) =>
    Object.entries(texts).map(([text, count]) => [[name, [text, "text"], number(count)]]));
  if (errors.length) table("errors", ["Request", ["What", "text"], "times"], errors);
  else byId("errors-section").remove();
  if (changes.length)
    table("changes", ["Figure", "before", "now", "change"], changes.map((c) => [[c.what, number(c.before, 1), number(c.now, 1),
      c.before ? (c.now >= c.before ? "+" : "") + number(((c.now - c.before) / c.before) * 100) + " %" : "–"]]));
  else byId("changes-section").remove();
  if (report.audit)
    table("audit", ["", ["Invariant", "text"], ["What it proves", "text"], "wrong", "ms"], report.audit.findings.map((f) =>
      [[mark(f.ok), [f.name, "text"], [f.proves + (f.detail ? ` (${f.detail})` : ""), "text"], `${number(f.figure)} ${f.unit}`,
        number(f.elapsed_ms)]]));
  else byId("audit-section").remove();

  const style = getComputedStyle(document.documentElement);
  const soft = style.getPropertyValue("--soft").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const axis = (more) => ({ stroke: soft, grid, ticks: grid, font: "11px system-ui", ...more });
  const plots = [];
  const plot = (id, xs, lines, { x = {}, y = {}, scales = {} } = {}) => {
    const element = byId(id);
    const options = {
      width: element.clientWidth, height: 230, scales: { x: { time: false }, ...scales },
      cursor: { points: { size: 6 } }, legend: { live: true },
      axes: [axis(x), axis({ size: 56, ...y })],
      series: [{ label: x.label || "s", value: (_, v) => (v == null ? "–" : x.show ? x.show(v) : number(v)) },
        ...lines.map(([label, , fill], i) => ({
          label, stroke: colours[i % colours.length], width: 1.75, points: { show: lines[0][1].length < 20, size: 5 },
          fill: fill ? colours[i % colours.length] + "22" : undefined,
          value: (_, v) => (v == null ? "–" : number(v, v < 100 ? 2 : 0)),
        }))],
    };
    plots.push([new uPlot(options, [xs, ...lines.map(([, values]) => values)], element), element]);
  };
  const moments = report.moments;
  const seconds = moments.map((m) => m.at_s);
  const inSeconds = { x: { values: (_, ticks) => ticks.map((t) => t + " s") } };
  const fromZero = { scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(high * 1.08, 1e-9)] } } };
  plot("rate", seconds, [["requests", moments.map((m) => m.requests), true], ["orders", moments.map((m) => m.orders)],
    ["errors", moments.map((m) => m.errors)]], { ...inSeconds, ...fromZero });
  plot("latency", seconds, [["p50", moments.map((m) => m.p50_ms)], ["p99", moments.map((m) => m.p99_ms)]],
    { ...inSeconds, ...fromZero });
  const groups = Object.keys(report.distribution);
  if (groups.length) {
    const percents = report.distribution[groups[0]].map(([p]) => p);
    // Evenly by nines: 0, 90, 99, 99.9 … each as far from the last.
    const nines = percents.map((p) => -Math.log10(Math.max(1 - p / 100, 1e-5)));
    const name = (v) => (v >= 5 ? "max" : "p" + Number((100 - 100 * 10 ** -v).toFixed(3)));
    plot("distribution", nines, groups.map((group) => [group, report.distribution[group].map(([, ms]) => Math.max(ms, 0.01))]), {
      x: { label: "", show: name, values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? name(t) : "")) },
      scales: { x: { time: false }, y: { distr: 3 } },
      y: { values: (_, ticks) => ticks.map((t) => (t == null ? "" : t)) },
    });
  }
  const byRole = (field) => {
    const roles = [...new Set(moments.flatMap((m) => Object.keys(m[field])))];
    const most = (role) => Math.max(...moments.map((m) => m[field][role] || 0));
    return roles.filter((role) => most(role) > 0.01).sort((a, b) => most(b) - most(a))
      .map((role) => [role, moments.map((m) => (role in m[field] ? m[field][role] : null))]);
  };
  for (const [id, field] of [["cores", "cores"], ["memory", "memory_mib"]]) {
    const lines = byRole(field);
    if (lines.length) plot(id, seconds, lines, { ...inSeconds, ...fromZero });
    else byId(id).closest("figure").remove();
  }
  plot("users", seconds, [["shoppers", moments.map((m) => m.users), true]], { ...inSeconds, ...fromZero });
  addEventListener("resize", () => {
    for (const [chart, element] of plots) chart.setSize({ width: element.clientWidth, height: 230 });
  });
})();

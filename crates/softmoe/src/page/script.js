'use strict';
(() => {
  const data = JSON.parse(document.getElementById('report-data').textContent);

  // Colours of the page: those of the system, until the button says otherwise.
  const root = document.documentElement;
  const button = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const label = () => {
    button.textContent = isDark() ? 'Light colours' : 'Dark colours';
  };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* a page from a file may have no storage */ }
    label();
  });
  system.addEventListener('change', label);
  button.hidden = false;
  label();

  // Elements. Texts become text nodes, never markup.
  const SVG = 'http://www.w3.org/2000/svg';
  const put = (node, attributes, children) => {
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== null) node.setAttribute(key, value);
    }
    node.append(...(children || []).filter((child) => child !== null && child !== undefined));
    return node;
  };
  const element = (name, attributes, ...children) => put(document.createElement(name), attributes, children);
  const svg = (name, attributes, ...children) => put(document.createElementNS(SVG, name), attributes, children);

  // Numbers.
  const steps = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 3 });
  const number = (value) => {
    if (value === 0) return '0';
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
    return size >= 1000 ? steps(Math.round(value)) : String(Number(value.toPrecision(3)));
  };
  const ticks = (low, high, most) => {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((factor) => power * factor >= raw * 0.999);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const text = (value) => {
      const size = Math.abs(value);
      if (size >= 1e6) return `${Number((value / 1e6).toFixed(3))}M`;
      if (size >= 1e4 || (size >= 1e3 && high >= 1e4)) return `${Number((value / 1e3).toFixed(3))}k`;
      return decimals > 6 ? value.toExponential(0) : (value + 0).toFixed(decimals).replace(/^-(0(\.0*)?)$/, '$1');
    };
    return found.map((at) => [at, text(at)]);
  };

  // Marks.
  const DASHES = { solid: null, dashed: '9 5', dotted: '2 5', 'dash-dotted': '10 4 2 4' };
  const classes = (mark) => `m-${mark.family} s-${mark.shade}`;
  const dashes = (mark) => DASHES[mark.pattern];
  const sample = (mark) => svg('svg', { viewBox: '0 0 26 10', 'aria-hidden': 'true', class: mark ? classes(mark) : null },
    svg('line', { x1: 0, x2: 26, y1: 5, y2: 5, 'stroke-dasharray': mark ? dashes(mark) : '2 4' }));
  const legend = (lines, level) => element('ul', { class: 'legend' },
    ...lines.map((line) => element('li', {}, sample(line.mark), line.label)),
    level ? element('li', {}, sample(null), level) : null);

  // A table of a panel's values, made when it is opened.
  const values = (panel, across, places) => {
    const details = element('details', { class: 'values' }, element('summary', {}, 'Values', element('span', { class: 'quiet' }, ` of ${panel.title || 'this chart'}`)));
    details.addEventListener('toggle', () => {
      if (!details.open || details.children.length > 1) return;
      const head = element('tr', {}, ...[across, ...panel.lines.map((line) => line.label)].map((text) => element('th', { scope: 'col' }, text)));
      const rows = places.map((x) => element('tr', {}, element('th', { scope: 'row' }, steps(x)), ...panel.lines.map((line) => {
        const at = line.x.indexOf(x);
        return element('td', { class: 'number' }, at < 0 ? '–' : number(line.y[at]) + (band(line, at) || ''));
      })));
      details.append(element('div', { class: 'scroll', role: 'group', tabindex: 0, 'aria-label': `Values of ${panel.title || 'this chart'}` },
        element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows))));
    });
    return details;
  };
  const band = (line, at) => {
    const ends = [line.low, line.high].map((end) => (end && end.length ? end[at] : null));
    return ends[0] === null || ends[1] === null ? null : ` [${number(ends[0])}, ${number(ends[1])}]`;
  };

  // One chart. It is a slider over its places: arrow keys, the pointer and a finger move along the horizontal axis.
  const chart = (panel, across, up, fromZero) => {
    const places = [...new Set(panel.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    const figure = element('figure', { class: 'chart' });
    if (panel.title) figure.append(element('figcaption', {}, panel.title));
    if (!places.length) {
      figure.append(element('p', { class: 'quiet' }, 'Not available.'));
      return figure;
    }
    const plot = element('div', {
      class: 'plot', role: 'slider', tabindex: 0, 'aria-orientation': 'horizontal',
      'aria-label': `${panel.title ? `${panel.title}: ` : ''}${up}, by ${across}`, 'aria-valuemin': 0, 'aria-valuemax': places.length - 1,
    });
    figure.append(plot, values(panel, across, places));

    const all = panel.lines.flatMap((line) => [...line.y, ...(line.low || []), ...(line.high || [])]).filter((y) => y !== null);
    if (panel.level) all.push(panel.level[1]);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    if (fromZero || (low > 0 && low < high / 2)) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 10, high + Math.abs(high) / 10];
    const margin = 0.04 * (high - low);
    [low, high] = [low === 0 ? 0 : low - margin, high + margin];
    let [left, right] = [places[0], places.at(-1)];
    if (fromZero) left = Math.min(left, 0);
    if (left === right) [left, right] = [left - 1, right + 1];

    let chosen = places.length - 1;
    let shown = null;
    let place = null;
    const text = (x) => panel.lines.map((line) => {
      const at = line.x.indexOf(x);
      return at < 0 ? null : `${line.label} ${number(line.y[at])}${band(line, at) || ''}`;
    }).filter(Boolean).join('; ');
    const say = () => {
      plot.setAttribute('aria-valuenow', chosen);
      plot.setAttribute('aria-valuetext', `${steps(places[chosen])} ${across}: ${text(places[chosen])}`);
    };
    say();

    const draw = () => {
      const width = Math.max(240, Math.round(plot.clientWidth) || 400);
      const height = Math.round(Math.min(320, Math.max(190, width * 0.56)));
      const upTicks = ticks(low, high, 5);
      const edge = { left: 18 + 7.2 * Math.max(...upTicks.map(([, label]) => label.length)), right: 12, top: 10, bottom: 38 };
      const px = (x) => edge.left + (x - left) / (right - left) * (width - edge.left - edge.right);
      const py = (y) => height - edge.bottom - (y - low) / (high - low) * (height - edge.top - edge.bottom);
      const f = (value) => value.toFixed(1);
      const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' });
      for (const [y, label] of upTicks) {
        picture.append(svg('line', { class: 'mesh', x1: edge.left, x2: width - edge.right, y1: f(py(y)), y2: f(py(y)) }),
          svg('text', { x: edge.left - 6, y: f(py(y) + 4), 'text-anchor': 'end' }, label));
      }
      for (const [x, label] of ticks(left, right, width < 380 ? 4 : 6)) {
        picture.append(svg('line', { class: 'mesh', x1: f(px(x)), x2: f(px(x)), y1: edge.top, y2: height - edge.bottom }),
          svg('text', { x: f(px(x)), y: height - edge.bottom + 15, 'text-anchor': 'middle' }, label));
      }
      const bottom = low <= 0 && high >= 0 ? py(0) : height - edge.bottom;
      picture.append(svg('line', { class: 'base', x1: edge.left, x2: width - edge.right, y1: f(bottom), y2: f(bottom) }),
        svg('text', { x: f((edge.left + width - edge.right) / 2), y: height - 5, 'text-anchor': 'middle' }, across));
      for (const line of panel.lines.filter((of) => of.low && of.low.length)) {
        const inside = line.x.map((_, at) => at).filter((at) => line.low[at] !== null && line.high[at] !== null);
        const outline = [...inside.map((at) => [line.x[at], line.high[at]]), ...inside.reverse().map((at) => [line.x[at], line.low[at]])];
        picture.append(svg('polygon', { class: `band ${classes(line.mark)}`, points: outline.map(([x, y]) => `${f(px(x))},${f(py(y))}`).join(' ') }));
      }
      if (panel.level) {
        const y = f(py(panel.level[1]));
        picture.append(svg('line', { class: 'level', x1: edge.left, x2: width - edge.right, y1: y, y2: y }));
      }
      for (const line of panel.lines) {
        const points = line.x.map((x, at) => `${f(px(x))},${f(py(line.y[at]))}`);
        picture.append(points.length > 1
          ? svg('polyline', { class: `line ${classes(line.mark)}`, 'stroke-dasharray': dashes(line.mark), points: points.join(' ') })
          : svg('circle', { class: `dot ${classes(line.mark)}`, r: 4, cx: points[0].split(',')[0], cy: points[0].split(',')[1] }));
      }
      const over = svg('g');
      picture.append(over);
      plot.replaceChildren(picture);
      shown = { over, px, py, edge, width, height };
      place = (pointer) => {
        const box = picture.getBoundingClientRect();
        const x = left + ((pointer - box.left) / box.width * width - edge.left) / (width - edge.left - edge.right) * (right - left);
        return places.reduce((best, at, k) => (Math.abs(at - x) < Math.abs(places[best] - x) ? k : best), 0);
      };
    };

    const hide = () => {
      plot.querySelector('.tip')?.remove();
      shown.over.replaceChildren();
    };
    const show = (k) => {
      chosen = Math.min(places.length - 1, Math.max(0, k));
      say();
      hide();
      const x = places[chosen];
      const { over, px, py, edge, width, height } = shown;
      over.append(svg('line', { class: 'at', x1: px(x), x2: px(x), y1: edge.top, y2: height - edge.bottom }));
      const rows = [];
      for (const line of panel.lines) {
        const at = line.x.indexOf(x);
        if (at < 0) continue;
        over.append(svg('circle', { class: `dot ${classes(line.mark)}`, r: 4, cx: px(x), cy: py(line.y[at]) }));
        rows.push(element('tr', {}, element('td', {}, sample(line.mark)), element('td', {}, line.label), element('td', { class: 'number' }, number(line.y[at])),
          element('td', { class: 'number band-of' }, band(line, at) || '')));
      }
      const tip = element('div', { class: 'tip', 'aria-hidden': 'true' }, `${steps(x)} ${across}`, element('table', {}, element('tbody', {}, ...rows)));
      plot.append(tip);
      // On the side with more room, and within the plot.
      const scale = plot.clientWidth / width;
      const [at, room] = [px(x) * scale, plot.clientWidth - tip.offsetWidth];
      tip.style.left = `${Math.max(0, Math.min(room, at < plot.clientWidth / 2 ? at + 12 : at - tip.offsetWidth - 12))}px`;
    };
    const STEP = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    plot.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const to = { Home: 0, End: places.length - 1 }[event.key] ?? (STEP[event.key] ? chosen + STEP[event.key] : null);
      if (event.key === 'Escape') hide();
      if (to === null) return;
      event.preventDefault();
      show(to);
    });
    plot.addEventListener('focus', () => { if (plot.matches(':focus-visible')) show(chosen); });
    plot.addEventListener('blur', hide);
    for (const kind of ['pointermove', 'pointerdown']) plot.addEventListener(kind, (event) => show(place(event.clientX)));
    plot.addEventListener('pointerleave', () => { if (document.activeElement !== plot) hide(); });
    let drawnAt = 0;
    new ResizeObserver(() => {
      if (plot.clientWidth === drawnAt || !plot.clientWidth) return;
      drawnAt = plot.clientWidth;
      draw();
    }).observe(plot);
    draw();
    return figure;
  };

  const grid = (panels, kind) => element('div', { class: `panels ${panels.length === 1 ? 'one' : ''} ${kind || ''}` }, ...panels);

  // Curves, as `reproduce` draws them.
  const drawCurves = (holder) => {
    const picture = data.figures[holder.dataset.figure].results.pictures[holder.dataset.picture];
    const said = [picture.up, picture.caption.split(' · ').at(-1)];
    if (picture.thinned) said.push(`${picture.thinned} points of the longest line are left out here`);
    const sentence = said.join('; ');
    holder.append(element('p', { class: 'quiet drawn' }, `${sentence[0].toUpperCase()}${sentence.slice(1)}.`));
    for (const section of picture.sections) {
      if (section.title) holder.append(element('h4', {}, section.title));
      const lines = new Map(section.panels.flatMap((panel) => panel.lines).map((line) => [line.label, line]));
      const level = section.panels.find((panel) => panel.level)?.level[0];
      const shared = holder.dataset.picture === 'curves';
      if (shared) holder.append(legend([...lines.values()], level));
      holder.append(grid(section.panels.map((panel) => {
        const drawn = chart(panel, picture.across, picture.up, true);
        // Panels of groups have lines of their own.
        if (!shared) drawn.querySelector('.plot')?.before(legend(panel.lines, null));
        return drawn;
      })));
    }
  };

  // Diagnostics: the values of a game and some arms, under the first part of their names.
  const TITLES = {
    dormant: 'Dormant neurons (share)', features: 'Features: effective ranks and norm', mixture: 'Mixture: logits, entropies and slot similarity',
    usage: 'Expert usage (share)', q: 'Q values', learning: 'Learning', priority: 'Priorities', speed: 'Speed', time: 'Time (seconds since the last evaluation)',
  };
  const FAMILIES = ['soft-moe', 'expert-choice', 'tokenized', 'top-k', 'global-average-pooling', 'flat', 'simplicial', 'other'];
  const PATTERNS = ['solid', 'dashed', 'dotted', 'dash-dotted'];
  const indexed = (k) => ({ family: FAMILIES[k % FAMILIES.length], shade: 'full', pattern: PATTERNS[Math.floor(k / FAMILIES.length) % 4] });
  const select = (label, options, act) => {
    const list = element('select', {}, ...options.map((text, k) => element('option', { value: k }, text)));
    list.addEventListener('change', () => act(Number(list.value)));
    return element('label', {}, label, list);
  };
  const drawDiagnostics = (holder) => {
    const { results } = data.figures[holder.dataset.figure];
    const arms = new Map(results.arms.map((arm) => [arm.name, arm]));
    const games = [...new Set(results.diagnostics.map((diagnostic) => diagnostic.game))];
    const panels = results.pictures.curves.sections;
    const chosen = { game: 0, arms: 0 };
    const body = element('div');
    const choices = element('div', { class: 'choices' });
    if (games.length > 1) choices.append(select('Game', games, (k) => { chosen.game = k; draw(); }));
    if (panels.length > 1) choices.append(select('Arms', panels.map((section) => section.title || 'All'), (k) => { chosen.arms = k; draw(); }));
    const draw = () => {
      const labels = new Set(panels[chosen.arms].panels.flatMap((panel) => panel.lines).map((line) => line.label));
      const isShown = (line) => labels.has(arms.get(line.arm)?.label);
      const groups = new Map();
      for (const diagnostic of results.diagnostics.filter((of) => of.game === games[chosen.game])) {
        const lines = diagnostic.lines.filter(isShown);
        const [first] = diagnostic.name.split('/');
        if (lines.length) groups.set(first, [...(groups.get(first) || []), { name: diagnostic.name, lines }]);
      }
      const order = Object.keys(TITLES);
      const rank = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
      body.replaceChildren(legend([...arms.values()].filter((arm) => arm.mark && labels.has(arm.label)), null));
      for (const [first, found] of [...groups].sort(([a], [b]) => rank(a) - rank(b))) {
        body.append(element('h4', {}, TITLES[first] || first));
        const single = found.filter(({ name }) => !/\/\d+$/.test(name));
        // Values of numbered parts, such as experts, are one chart an arm.
        const numbered = new Map();
        for (const { name, lines } of found.filter((of) => !single.includes(of))) {
          const [, stem, part] = name.match(/^(.*)\/(\d+)$/);
          for (const line of lines) {
            const key = `${stem}, ${arms.get(line.arm).label}`;
            numbered.set(key, [...(numbered.get(key) || []), { label: part, part: Number(part), mark: indexed(Number(part)), x: line.x, y: line.y }]);
          }
        }
        const charts = single.map(({ name, lines }) => chart({
          title: name, lines: lines.map((line) => ({ label: arms.get(line.arm).label, mark: arms.get(line.arm).mark, x: line.x, y: line.y })),
        }, 'agent steps', name, false));
        for (const [title, lines] of numbered) {
          const drawn = chart({ title, lines: lines.sort((a, b) => a.part - b.part) }, 'agent steps', title, false);
          drawn.querySelector('.plot').before(legend(lines, null));
          charts.push(drawn);
        }
        body.append(element('div', { class: 'panels small' }, ...charts));
      }
    };
    holder.append(element('p', { class: 'quiet' }, 'What diagnostics.csv holds. Lines: mean over the runs of an arm.'), choices, body);
    draw();
  };

  // What is far below is drawn when it comes near, or before the page is printed.
  const waiting = new Map();
  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => now(entry.target)), { rootMargin: '1500px' });
  const now = (holder) => {
    const draw = waiting.get(holder);
    waiting.delete(holder);
    near.unobserve(holder);
    draw?.(holder);
  };
  let drawn = 0;
  const MOST_AT_ONCE = 24;
  const drawLater = (holder, draw) => {
    waiting.set(holder, draw);
    drawn += 1;
    if (drawn <= MOST_AT_ONCE) now(holder);
    else near.observe(holder);
  };
  document.querySelectorAll('.charts').forEach((holder) => drawLater(holder, drawCurves));
  document.querySelectorAll('.diagnostics').forEach((holder) => drawLater(holder, drawDiagnostics));
  let opened = [];
  addEventListener('beforeprint', () => {
    [...waiting.keys()].forEach(now);
    opened = [...document.querySelectorAll('details.settings:not([open])')];
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener('afterprint', () => opened.forEach((details) => { details.open = false; }));
})();

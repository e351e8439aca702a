// Draws a view: the game, the experts and the values. This file is the first part of a module; script.js is the rest.

// The colours of the films.
const EXPERTS = ['#56b4e9', '#e69f00', '#00be8c', '#f0e442', '#dd87b4', '#e8641e'];
const BACKGROUND = [16, 20, 26];
const GROUND = '#1a2028';
const MOST_EXPERTS = 16;
/** Opacity of an expert's colour at the largest weight. */
const MOST = 0.9;
/** The least weight drawn at full brightness, as a multiple of the mean: equal weights have at most half the full brightness. */
const LEAST_PEAK = 4;
/** Pixels of a map for each pixel of the game. */
const SCALE = 24;
/** A return has room on the axis if its probability is larger. */
const VISIBLE = 0.02;

/** The elements of the agent on display, and the scales of returns, weights and shares, which only grow. */
let shown = null;
const dimmed = document.createElement('canvas');

// Makes the elements for another agent.
const mount = () => {
  const { experts, actions, arm, body, game } = agent();
  const figures = Array.from({ length: Math.min(experts, MOST_EXPERTS) }, () => {
    const [name, usage] = [element('span', {}, element('span', { class: 'word' }, 'expert '), element('span')), element('span')];
    const map = element('canvas', { role: 'img' });
    const bar = element('i');
    const figure = element('figure', {}, element('figcaption', {}, name, usage), map, element('div', { class: 'usage' }, bar));
    return { figure, name, usage, map, bar };
  });
  $('maps').replaceChildren(...figures.map(({ figure }) => figure));
  const columns = Math.min(4, Math.ceil(Math.sqrt(figures.length))) || 1;
  $('maps').style.setProperty('--columns', columns);
  $('maps').classList.toggle('is-tight', columns > 3);
  $('maps').style.setProperty('--narrow', figures.length > 4 ? 3 : 2);
  $('maps').hidden = !experts;
  $('experts').classList.toggle('is-empty', !experts);
  const others = [...new Set(agents.filter((other) => other.game === game && other.experts).map((other) => other.arm))];
  if (!experts) write($('experts-note'), `The network of ${arm} has no experts.${others.length ? ` Agents with experts: ${others.join(', ')}.` : ''}`);
  const rows = actions.map((action) => {
    const plot = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    plot.innerHTML = '<line class="zero" y1="0" y2="100"></line><path shape-rendering="crispEdges"></path><line class="mean" y1="0" y2="100"></line>';
    for (const [key, value] of [['viewBox', '0 0 1000 100'], ['preserveAspectRatio', 'none'], ['role', 'img']]) plot.setAttribute(key, value);
    const value = element('td');
    const row = element('tr', {}, element('th', { scope: 'row' }, action), element('td', {}, plot), value);
    return { row, plot, value, zero: plot.children[0], bars: plot.children[1], mean: plot.children[2] };
  });
  $('actions').replaceChildren(...rows.map(({ row }) => row));
  write($('game-title'), capital(game));
  const { parameters, agent_steps, seed, score, episodes, packed_score, bits } = agent();
  const facts = {
    Arm: arm, Network: element('code', {}, body), Parameters: number(parameters), 'Agent steps in training': number(agent_steps), 'Seed of the run': seed,
    Score: score === null ? 'none, the run has not finished' : `${number(score)}, mean of ${number(episodes)} episodes`,
  };
  $('facts').replaceChildren(...Object.entries(facts).map(([name, fact]) => element('div', {}, element('dt', {}, name), element('dd', {}, fact))));
  $('packed').hidden = bits === 32;
  const again = packed_score === null ? '' : ` With the rounded weights, the mean return of the same episodes is ${number(packed_score)}.`;
  write($('packed'), `In this page, the weights are rounded to ${bits} bits.${again}`);
  mountTouch(actions);
  const moves = actions.some((action) => ['left', 'right', 'up', 'down'].includes(action)) ? 'arrows or WASD move, ' : '';
  write($('hint'), `Keys: ${moves}${actions.includes('fire') ? 'space fires, ' : ''}Esc returns the controls to the agent.`);
  shown = { agent: view.agent, figures, rows, returns: [-0.5, 0.5], peak: LEAST_PEAK, share: Math.min(1, 2 / experts) };
  isDescribed = false;
};

const draw = () => {
  if (!shown || shown.agent !== view.agent) mount();
  const { picture: { width, height, pixels }, episode, step: count, episode_return, last_return, next, greedy, mixture } = view;
  const image = new ImageData(width, height);
  const grey = new ImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    const [red, green, blue] = [pixels[3 * at], pixels[3 * at + 1], pixels[3 * at + 2]];
    const dark = 0.55 * (0.299 * red + 0.587 * green + 0.114 * blue);
    image.data.set([red, green, blue, 255], 4 * at);
    grey.data.set([...BACKGROUND.map((of) => of + 0.85 * (dark - of)), 255], 4 * at);
  }
  for (const [canvas, content] of [[$('picture'), image], [dimmed, grey]]) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext('2d').putImageData(content, 0, 0);
  }
  write($('episode'), String(episode));
  write($('step-count'), String(count));
  write($('return'), number(episode_return));
  write($('last-return'), last_return === null ? '–' : number(last_return));
  write($('taken'), taken ?? '–');
  write($('next'), `${nameOf(next)}${next === greedy ? '' : ', random'}`);
  if (mixture) drawExperts(mixture, width, height);
  drawValues();
  if (!isDescribed) describe();
  isDescribed = true;
};

// The dimmed game with the weights of each expert's tokens. Brightness is the square root of the weight, since a few weights are
// often many times larger than all others.
const drawExperts = ({ experts, tokens, dispatch, usage, grid }, width, height) => {
  shown.peak = dispatch.reduce((most, weight) => Math.max(most, weight * tokens), shown.peak);
  shown.share = Math.max(shown.share, ...usage);
  $('maps').style.setProperty('--alike', `${100 / experts / shown.share}%`);
  const columns = grid ? grid.columns : Math.ceil(Math.sqrt(tokens));
  const rows = Math.ceil(tokens / columns);
  const { origin, cell } = grid ?? { origin: [0, 0], cell: [1 / rows, 1 / columns] };
  const side = [height * SCALE, width * SCALE];
  const edge = (axis, at) => Math.round((origin[axis] + at * cell[axis]) * side[axis]);
  // The most used experts, if there are more than the page shows.
  const most = [...usage.keys()].sort((a, b) => usage[b] - usage[a]).slice(0, MOST_EXPERTS).sort((a, b) => a - b);
  most.forEach((expert, place) => {
    const { figure, name, usage: share, map, bar } = shown.figures[place];
    shown.figures[place].expert = expert;
    const colour = EXPERTS[expert % EXPERTS.length];
    write(name.lastChild, String(expert + 1));
    write(share, percent(usage[expert]));
    figure.style.setProperty('--expert', colour);
    bar.style.transform = `scaleX(${usage[expert] / shown.share})`;
    if (map.width !== side[1] || map.height !== side[0]) [map.height, map.width] = side;
    const pen = map.getContext('2d');
    pen.globalAlpha = 1;
    pen.imageSmoothingEnabled = false;
    pen.fillStyle = GROUND;
    if (grid) pen.drawImage(dimmed, 0, 0, map.width, map.height);
    else pen.fillRect(0, 0, map.width, map.height);
    pen.fillStyle = colour;
    for (let token = 0; token < tokens; token += 1) {
      const strength = dispatch[expert * tokens + token] * tokens / shown.peak;
      if (!(strength > 0)) continue;
      const [row, column] = [Math.floor(token / columns), token % columns];
      const [top, left] = [edge(0, row), edge(1, column)];
      pen.globalAlpha = MOST * Math.sqrt(Math.min(1, strength));
      pen.fillRect(left, top, edge(1, column + 1) - left, edge(0, row + 1) - top);
    }
  });
  const share = /^(expert_choice|top_k)/.test(agent().body) ? 'the router’s probabilities' : 'the combine weights';
  const left = experts > MOST_EXPERTS ? ` The ${MOST_EXPERTS} most used of ${experts} experts are shown.` : '';
  write($('experts-note'), `Dispatch weights: how much each ${grid ? 'part of the frame' : 'token'} contributes to the expert’s slots; brightest at ${shown.peak.toFixed(1)} times the mean.${
    grid ? '' : ' The tokens of this network have no position in the game.'} Bar: the expert’s share of ${share}, with a mark where all shares are equal.${left}`);
};

const spacingOf = ({ support }) => (support.length > 1 ? support[1] - support[0] : 1);

// Widens the axis to all values, and to the returns whose probability exceeds VISIBLE.
const widen = ({ values, distribution }) => {
  const include = (value, around) => {
    shown.returns = [Math.min(shown.returns[0], value - around), Math.max(shown.returns[1], value + around)];
  };
  values.forEach((value) => include(value, 0));
  if (!distribution) return;
  const { support, probabilities } = distribution;
  probabilities.forEach((probability, at) => {
    if (probability > VISIBLE) include(support[at % support.length], spacingOf(distribution) / 2);
  });
};

// A row for each action: the distribution of its return or a bar, and its value as a line.
const drawValues = () => {
  const { values, distribution, next, greedy } = view;
  widen(view);
  const [low, high] = shown.returns;
  const place = (value) => Math.min(1000, Math.max(0, (value - low) / (high - low) * 1000));
  const highest = distribution ? Math.max(...distribution.probabilities) : 1;
  const box = (from, to, tall) => `M${from.toFixed(1)} 100V${(100 - tall).toFixed(1)}H${to.toFixed(1)}V100Z`;
  shown.rows.forEach(({ row, value, zero, bars, mean }, action) => {
    row.classList.toggle('is-next', action === next);
    row.classList.toggle('is-greedy', action === greedy);
    write(value, decimals(values[action], 2));
    let path = '';
    if (distribution) {
      const { support, probabilities } = distribution;
      const half = spacingOf(distribution) / 2;
      support.forEach((at, atom) => {
        const [from, to] = [place(at - half), place(at + half)];
        const tall = probabilities[action * support.length + atom] / highest * 96;
        if (to > from && tall > 0.5) path += box(from, to - 0.08 * (to - from), tall);
      });
    } else {
      const [from, to] = [place(0), place(values[action])].sort((a, b) => a - b);
      path = `M${from.toFixed(1)} 85V15H${Math.max(to, from + 2).toFixed(1)}V85Z`;
    }
    bars.setAttribute('d', path);
    for (const [line, at] of [[zero, place(0)], [mean, place(values[action])]]) {
      line.setAttribute('x1', at);
      line.setAttribute('x2', at);
    }
  });
  const what = distribution ? 'return' : 'value';
  write($('low'), decimals(low, 1));
  write($('high'), decimals(high, 1));
  write($('axis'), what);
  write($('diagram-title'), capital(what));
  write($('values-note'), `${distribution ? 'The distribution of the return after each action, with its mean as a line' : 'The value of each action'}. Orange: ${
    isHuman ? 'the agent’s proposal' : 'the next action'}. Mark on the left: the highest value.`);
};

// Describes the pictures in their labels.
const describe = () => {
  const { episode, step: count, episode_return, values, mixture, distribution } = view;
  $('picture').setAttribute('aria-label', `${capital(agent().game)}: episode ${episode}, step ${count}, return ${number(episode_return)}`);
  if (mixture) {
    const { tokens, dispatch, usage, grid } = mixture;
    for (const { expert, map } of shown.figures) {
      const weights = dispatch.slice(expert * tokens, (expert + 1) * tokens);
      const best = weights.indexOf(Math.max(...weights));
      const where = grid ? `row ${Math.floor(best / grid.columns) + 1}, column ${best % grid.columns + 1} of ${grid.rows} by ${grid.columns}` : `token ${best + 1} of ${tokens}`;
      map.setAttribute('aria-label', `Expert ${expert + 1}, share ${percent(usage[expert])}: largest weight at ${where}, ${(weights[best] * tokens).toFixed(1)} times the mean`);
    }
  }
  shown.rows.forEach(({ plot }, action) => {
    plot.setAttribute('aria-label', `${distribution ? 'Distribution of the return' : 'Value'} of ${nameOf(action)}: ${distribution ? 'mean ' : ''}${decimals(values[action], 2)}`);
  });
};

// The WebAssembly program, the clock and the controls of the page. drawing.js comes before this file in the same module.

const $ = (id) => document.getElementById(id);
const stage = $('stage');
const element = (name, attributes, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
// Most texts do not change from frame to frame.
const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;
const capital = (name) => sentence(name).replaceAll('_', ' ');
const number = (value) => value.toLocaleString('en-US', { maximumFractionDigits: 2 });
const decimals = (value, count) => value.toFixed(count).replace(/^-(0\.0+)$/, '$1');
const percent = (share) => `${Math.round(100 * share)}%`;

// The page has the system's colour scheme until the reader presses the button.
const root = document.documentElement;
const theme = $('theme');
const system = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
const label = () => write(theme, isDark() ? 'Light colours' : 'Dark colours');
theme.addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* a page from a file may have no storage */ }
  label();
});
system.addEventListener('change', label);
theme.hidden = false;
label();

// THE PROGRAM

/** An error with a message for the reader. Any other error is a fault of the page, and ends the game. */
class Message extends Error {}

// A module whose function has a SIMD instruction.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

const unpack = async (id) => {
  try {
    const bytes = Uint8Array.from(atob($(id).textContent.trim()), (character) => character.charCodeAt(0));
    if (!bytes.length) throw new Error('nothing to unpack');
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Message(`This page is damaged: its part “${id}” cannot be unpacked. Download or build the page again.`);
  }
};

/** Returns the agents, and a function that answers requests. */
const load = async () => {
  const has = [
    ['WebAssembly with SIMD', typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(SIMD))],
    ['DecompressionStream', typeof DecompressionStream === 'function'],
  ];
  const missing = has.filter(([, isThere]) => !isThere).map(([name]) => name).join(' and ');
  if (missing) throw new Message(`This browser has no ${missing}. Chrome 123, Firefox 120, Safari 17.5 and later versions have both.`);
  const [code, pack] = await Promise.all([unpack('program'), unpack('agents')]);
  let program;
  try {
    program = (await WebAssembly.instantiate(code)).instance.exports;
  } catch (error) {
    throw new Message(`This page is damaged: its program cannot be started (${error.message}). Download or build the page again.`);
  }
  const call = (name, bytes) => {
    const at = program.buffer(bytes.length);
    new Uint8Array(program.memory.buffer).set(bytes, at);
    const length = program[name](bytes.length);
    const answer = JSON.parse(new TextDecoder().decode(new Uint8Array(program.memory.buffer, program.answer(), length)));
    if (answer.error !== undefined) throw new Message(sentence(answer.error));
    return answer;
  };
  let opened;
  try {
    opened = call('open', pack);
  } catch (error) {
    throw new Message(`This page is damaged: its agents cannot be opened (${error.message}). Download or build the page again.`);
  }
  return [opened.agents, (request) => call('ask', new TextEncoder().encode(request)).view];
};

// STATE

let agents = [];
let ask = null;
let view = null;
/** The name of the action of the last step. */
let taken = null;
let isPlaying = false;
let isHuman = false;
let isBroken = false;
const agent = () => agents[view.agent];
const nameOf = (action) => agent().actions[action] ?? String(action);

const fail = (error) => {
  isBroken = !(error instanceof Message) || !view;
  if (isBroken) console.warn(error);
  const what = error instanceof Message ? error.message : `The program of this page has stopped (${error.message}). Reload the page to continue.`;
  $('alert').hidden = false;
  write($('alert'), what);
  $('loading').hidden = true;
  if (isPlaying) play(false);
  if (isBroken) $('parts').querySelectorAll('button, select, input').forEach((control) => { control.disabled = true; });
};

/** Asks for a view and makes it the current one; returns whether there is an answer. */
const request = (text) => {
  if (isBroken) return false;
  try {
    view = ask(text);
  } catch (error) {
    fail(error);
    return false;
  }
  $('alert').hidden = true;
  const { agent: index, step, episode, next, episode_return, last_return } = view;
  Object.assign(stage.dataset, { agent: index, step, episode, next, return: episode_return, last: last_return ?? '' });
  return true;
};

const newGame = (index, seed) => {
  if (!request(`{"new_game": {"agent": ${index}, "seed": ${seed}}}`)) return;
  taken = null;
  delete stage.dataset.taken;
  shown = null;
  begin();
};

const advance = () => {
  const action = isHuman ? pressed() : null;
  const name = nameOf(action ?? view.next);
  if (!request(JSON.stringify({ step: { action } }))) return;
  taken = name;
  stage.dataset.taken = name;
  if (view.ended) say(`Episode ended with return ${number(view.last_return)}.`, !isPlaying);
};

// Announces the state to screen readers, but not at every step while the agent plays.
const LEAST_BETWEEN = 5_000;
let saidAt = -Infinity;
/** Whether the pictures' labels describe the state that was announced last. */
let isDescribed = false;
const say = (what, isAsked) => {
  if (!isAsked && performance.now() - saidAt < LEAST_BETWEEN) return;
  saidAt = performance.now();
  const { episode, step, episode_return } = view;
  write($('live'), `${what ? `${what} ` : ''}Episode ${episode}, step ${step}, return ${number(episode_return)}. ${$('next-title').textContent}: ${nameOf(view.next)}.`);
  isDescribed = false;
};

// THE CLOCK

/** The most steps that one frame takes, e.g. to catch up after the browser was suspended. */
const MOST_AT_ONCE = 5;
let frame = 0;
let due = 0;
let last = 0;
const tick = (now) => {
  frame = 0;
  if (isPlaying) {
    due = Math.min(MOST_AT_ONCE, due + Math.max(0, now - last) / 1000 * $('speed').value);
    last = now;
    for (; due >= 1 && isPlaying; due -= 1) advance();
    say('', false);
  }
  try {
    if (view) draw();
  } catch (error) {
    fail(error);
  }
  if (isPlaying) wake();
};
const wake = () => {
  if (!frame) frame = requestAnimationFrame(tick);
};
const play = (on) => {
  isPlaying = on && !isBroken;
  [due, last] = [0, performance.now()];
  write($('play'), isPlaying ? 'Pause' : 'Play');
  stage.dataset.playing = isPlaying;
  if (view && !isBroken) say(isPlaying ? 'Playing.' : 'Paused.', true);
  wake();
};
const step = () => {
  if (isPlaying) play(false);
  advance();
  if (!view.ended) say('', true);
  wake();
};
const setSpeed = (speed) => {
  $('speed').value = speed;
  write($('speed-value'), `${$('speed').value} steps/s`);
  $('speed').setAttribute('aria-valuetext', `${$('speed').value} steps a second`);
};

// YOUR ACTIONS

const KEYS = {
  ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down', KeyA: 'left', KeyD: 'right', KeyW: 'up', KeyS: 'down', Space: 'fire',
};
const SIGNS = { left: '←', up: '↑', right: '→', down: '↓', fire: 'Fire' };
/** Steps per second that a person can follow. */
const HUMAN_SPEED = 8;
/** The keys and buttons that are held down, the newest last: [key or button, action]. */
let held = [];
/** The last action pressed since the last step, so that a short press is not lost. */
let tapped = null;
let speedBefore = null;

const pressed = () => {
  const name = tapped ?? held.at(-1)?.[1] ?? 'no-op';
  tapped = null;
  return Math.max(0, agent().actions.indexOf(name));
};
const press = (source, action) => {
  release(source);
  held.push([source, action]);
  tapped = action;
  if (!isPlaying) step();
};
const release = (source) => {
  held = held.filter(([other]) => other !== source);
};
const releaseAll = () => {
  [held, tapped] = [[], null];
  document.querySelectorAll('.is-held').forEach((button) => button.classList.remove('is-held'));
};

const mountTouch = (actions) => {
  const button = (action) => {
    const made = element('button', { type: 'button', class: action, 'aria-label': capital(action) }, SIGNS[action]);
    const up = () => {
      release(made);
      made.classList.remove('is-held');
    };
    made.addEventListener('pointerdown', (event) => {
      // Only the main button of a mouse plays.
      if (event.button !== 0) return;
      made.setPointerCapture(event.pointerId);
      made.classList.add('is-held');
      press(made, action);
    });
    for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture']) made.addEventListener(kind, up);
    made.addEventListener('contextmenu', (event) => event.preventDefault());
    // By keyboard or screen reader: a click without a pointer.
    made.addEventListener('click', (event) => {
      if (event.detail !== 0) return;
      press(made, action);
      release(made);
    });
    return made;
  };
  const moves = ['left', 'up', 'right', 'down'].filter((action) => actions.includes(action)).map(button);
  const rest = ['fire'].filter((action) => actions.includes(action)).map(button);
  $('touch').replaceChildren(element('div', { class: 'moves' }, ...moves), ...rest);
};

const setHuman = (on) => {
  isHuman = on;
  releaseAll();
  $('human').setAttribute('aria-pressed', on);
  $('touch').hidden = !on;
  $('field').classList.toggle('is-yours', on);
  $('field').setAttribute('role', on ? 'application' : 'group');
  write($('next-title'), on ? 'Agent’s proposal' : 'Next action');
  $('hint').hidden = !on;
  if (on && $('speed').value > HUMAN_SPEED) {
    speedBefore = $('speed').value;
    setSpeed(HUMAN_SPEED);
  } else if (!on && speedBefore !== null) {
    setSpeed(speedBefore);
  }
  if (!on) speedBefore = null;
  else $('field').focus({ preventScroll: true });
  say(on ? 'You play.' : 'The agent plays.', true);
  wake();
};

// CONTROLS

const options = (select, entries, chosen) => {
  select.replaceChildren(...entries.map(([value, text]) => element('option', { value }, text)));
  select.value = chosen;
};
const begin = () => {
  const { game } = agent();
  $('game').value = game;
  const same = [...agents.entries()].filter(([, other]) => other.game === game);
  const isAlone = (arm) => same.filter(([, other]) => other.arm === arm).length === 1;
  options($('agent'), same.map(([index, { arm, seed }]) => [index, isAlone(arm) ? arm : `${arm}, seed ${seed}`]), view.agent);
  say('New game.', true);
  wake();
};
const seedGiven = () => {
  const text = $('seed').value.trim();
  const isValid = text === '' || (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n);
  $('seed').setAttribute('aria-invalid', !isValid);
  $('seed-note').classList.toggle('wrong', !isValid);
  write($('seed-note'), isValid ? 'Without a seed, you see the episodes of the run’s final evaluation.' : 'A seed is a whole number from 0 to 18446744073709551615.');
  // Leading zeros are not JSON.
  return isValid ? (text === '' ? 'null' : BigInt(text).toString()) : null;
};

$('play').addEventListener('click', () => play(!isPlaying));
$('step').addEventListener('click', step);
$('human').addEventListener('click', () => setHuman(!isHuman));
const changeSpeed = (speed) => {
  speedBefore = null;
  setSpeed(speed);
};
$('speed').addEventListener('input', () => changeSpeed($('speed').value));
// While the reader plays, a click gives the keyboard focus back to the game.
stage.addEventListener('click', (event) => {
  if (isHuman && event.detail > 0 && !event.target.closest('label:not(.speed), form, details')) $('field').focus({ preventScroll: true });
});
$('choices').addEventListener('submit', (event) => {
  event.preventDefault();
  const seed = seedGiven();
  if (seed === null) $('seed').focus();
  else newGame(view.agent, seed);
});
$('game').addEventListener('change', () => {
  const { arm } = agent();
  const same = [...agents.entries()].filter(([, other]) => other.game === $('game').value);
  const [index] = same.find(([, other]) => other.arm === arm) ?? same[0];
  newGame(index, seedGiven() ?? 'null');
});
$('agent').addEventListener('change', () => {
  const index = Number($('agent').value);
  if (request(JSON.stringify({ agent: index }))) say(`${agent().arm} takes over.`, true);
  // Its game has other settings.
  else if (!isBroken) newGame(index, seedGiven() ?? 'null');
  else $('agent').value = view.agent;
  wake();
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !view || isBroken) return;
  if (event.target.closest('input, select')) return;
  const action = KEYS[event.code];
  // Space also presses the button that has the focus.
  const isButton = event.code === 'Space' && event.target.closest('button, summary');
  if (isHuman && action && agent().actions.includes(action) && !isButton) {
    event.preventDefault();
    if (!event.repeat || !isPlaying) press(event.code, action);
  } else if (isHuman && event.key === 'Escape') {
    setHuman(false);
    $('human').focus();
  } else if ($('shortcuts').checked) {
    const speed = Number($('speed').value);
    const act = { p: () => play(!isPlaying), n: step, '+': () => changeSpeed(speed + (speed < 10 ? 1 : 5)), '-': () => changeSpeed(speed - (speed > 10 ? 5 : 1)) }[event.key];
    if (!act || (event.repeat && event.key === 'p')) return;
    event.preventDefault();
    act();
  }
});
document.addEventListener('keyup', (event) => release(event.code));
addEventListener('blur', releaseAll);
document.addEventListener('visibilitychange', releaseAll);

load().then(([found, answer]) => {
  if (!found.length) throw new Message('This page contains no agents.');
  [agents, ask] = [found, answer];
  const games = [...new Set(agents.map(({ game }) => game))];
  options($('game'), games.map((game) => [game, capital(game)]), games[0]);
  // A browser may keep the text that was typed before a reload.
  $('seed').value = '';
  setSpeed(20);
  newGame(Math.max(0, agents.findIndex(({ experts }) => experts)), 'null');
  if (!view) return;
  $('loading').hidden = true;
  $('parts').hidden = false;
  play(!matchMedia('(prefers-reduced-motion: reduce)').matches);
}).catch(fail);

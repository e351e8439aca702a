// Checks of the page that `cargo xtask demo` writes, in headless Chromium: node demo.mjs PAGE EXPECTED SCREENSHOTS
//
// EXPECTED is a JSON file with the agents' native actions and returns: [{"agent": 0, "actions": [3, 0, ...], "returns": [2, ...]}, ...], where
// `returns` has the returns of the episodes that end within these actions. Each agent must take the same actions in the page, stepped with the
// page's own controls. At the widths of a desktop and of a phone, in light and dark: no violation of axe-core's rules, nothing scrolls sideways,
// nothing is fetched, and the console has no error. Then come the controls, by mouse, keyboard and touch, and pages that cannot work.
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are beside the directory from which this is run.
const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [file, expectedFile, pictures] = process.argv.slice(2);
if (!pictures) {
  console.error('usage: node demo.mjs PAGE EXPECTED SCREENSHOTS');
  process.exit(2);
}
const expected = JSON.parse(readFileSync(expectedFile, 'utf8'));
mkdirSync(pictures, { recursive: true });
const failures = [];
const check = (holds, what) => {
  if (!holds) failures.push(what);
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  // Chromium has no sandbox for root.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});

const DESKTOP = [1280, 900];
const PHONE = [390, 844];
/** Opens the page, paused unless `motion` is set. `before` runs in the page before its own script. */
const open = async ([width, height], { colorScheme = 'light', motion = false, at = file, before = null, name = `${width}-${colorScheme}` } = {}) => {
  const address = pathToFileURL(resolve(at)).href;
  const isPhone = width < 600;
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme, deviceScaleFactor: isPhone ? 2 : 1, hasTouch: isPhone, isMobile: isPhone, reducedMotion: motion ? 'no-preference' : 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on('request', (request) => {
    const url = request.url();
    check(url === address || url.startsWith('data:') || url.startsWith('blob:'), `${name}: fetches ${url.slice(0, 200)}`);
  });
  page.on('console', (message) => check(message.type() !== 'error', `${name}: console: ${message.text()}`));
  page.on('pageerror', (error) => failures.push(`${name}: ${error}`));
  if (before) await page.addInitScript(before);
  await page.goto(address);
  await page.waitForSelector('#parts:not([hidden]), #alert:not([hidden])', { state: 'attached' });
  return page;
};
const state = (page) => page.evaluate(() => ({ ...document.getElementById('stage').dataset }));
/** A new game of an agent, as a reader starts it. */
const choose = (page, agent) => page.evaluate((index) => {
  const [game, arm, form] = ['game', 'agent', 'choices'].map((id) => document.getElementById(id));
  for (const { value } of [...game.options]) {
    if ([...arm.options].some((option) => option.value === String(index))) break;
    game.value = value;
    game.dispatchEvent(new Event('change'));
  }
  arm.value = String(index);
  arm.dispatchEvent(new Event('change'));
  form.requestSubmit();
}, agent);
/** Presses Step; returns the action that the agent shows before each step, the actions taken and the returns of the episodes that end. */
const steps = (page, count) => page.evaluate((most) => {
  const { dataset } = document.getElementById('stage');
  const button = document.getElementById('step');
  const seen = { actions: [], taken: [], returns: [] };
  for (let k = 0; k < most; k += 1) {
    const { episode } = dataset;
    seen.actions.push(Number(dataset.next));
    button.click();
    seen.taken.push(dataset.taken);
    if (dataset.episode !== episode) seen.returns.push(Number(dataset.last));
  }
  return seen;
}, count);
const setSpeed = (page, speed) => page.evaluate((value) => {
  const slider = document.getElementById('speed');
  slider.value = value;
  slider.dispatchEvent(new Event('input'));
}, speed);
const pixels = (page) => page.evaluate(() => {
  const canvas = document.getElementById('picture');
  return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].join();
});
/** Waits for the next picture. */
const drawn = (page) => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));

/** Runs a part of the checks. An exception is a failure, and the other parts are still checked. */
const part = async (name, act) => {
  await act().catch((error) => failures.push(`${name}: ${error.message.split('\n')[0]}`));
  await Promise.all(browser.contexts().map((context) => context.close()));
};

// THE ACTIONS OF THE NATIVE RUN
await part('actions', async () => {
  const page = await open(DESKTOP);
  check((await state(page)).playing === 'false', 'the game moves though the reader prefers reduced motion');
  const count = await page.evaluate(() => {
    const [game, arm] = ['game', 'agent'].map((id) => document.getElementById(id));
    return [...game.options].reduce((sum, { value }) => {
      game.value = value;
      game.dispatchEvent(new Event('change'));
      return sum + arm.options.length;
    }, 0);
  });
  check(expected.length === count, `the page has ${count} agents, ${expectedFile} has ${expected.length}`);
  for (const { agent, actions, returns } of expected) {
    await choose(page, agent);
    const start = await state(page);
    check(start.agent === String(agent) && start.step === '0' && start.episode === '1', `agent ${agent}: the game starts with ${JSON.stringify(start)}`);
    const begun = performance.now();
    const seen = await steps(page, actions.length);
    const spent = performance.now() - begun;
    const differs = actions.findIndex((action, k) => seen.actions[k] !== action);
    check(differs < 0, `agent ${agent}: action ${differs + 1} is ${seen.actions[differs]} in the page and ${actions[differs]} natively`);
    check(JSON.stringify(seen.returns) === JSON.stringify(returns.slice(0, seen.returns.length)) && seen.returns.length === returns.length,
      `agent ${agent}: the episodes' returns are ${seen.returns} in the page and ${returns} natively`);
    console.log(`agent ${agent}: ${actions.length} actions and ${returns.length} returns compared; ${(spent / actions.length).toFixed(2)} ms a step`);
    await drawn(page);
    await page.screenshot({ path: join(pictures, `agent-${agent}.png`), fullPage: true });
  }
});

// LOOKS
for (const size of [DESKTOP, PHONE]) {
  for (const colorScheme of ['light', 'dark']) {
    const name = `${size[0]}-${colorScheme}`;
    await part(name, async () => {
      const page = await open(size, { colorScheme });
      const examine = async (what) => {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
        for (const { id, help, nodes } of violations) {
          failures.push(`${name}, ${what}: axe: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
        }
        const wide = await page.evaluate(() => {
          const { clientWidth, scrollWidth } = document.documentElement;
          const out = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > clientWidth + 1 && !node.closest('.skip, .hidden'));
          return scrollWidth > clientWidth || out.length ? out.slice(0, 3).map((node) => node.outerHTML.slice(0, 160)) : null;
        });
        check(wide === null, `${name}, ${what}: the page scrolls sideways: ${wide?.join(' | ')}`);
      };
      await steps(page, 12);
      await drawn(page);
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
      await examine('watching');
      await page.locator('#human').click();
      await page.locator('.keys summary').click();
      await page.evaluate(() => scrollTo(0, 0));
      await drawn(page);
      await page.screenshot({ path: join(pictures, `${name}-you-play.png`), fullPage: true });
      await examine('you play');
      await page.locator('#seed').fill('x');
      await page.locator('#new-game').click();
      await examine('a seed that is none');
      for (const { agent } of expected) {
        await choose(page, agent);
        await drawn(page);
        await examine(`agent ${agent}`);
      }
    });
  }
}

// CONTROLS
await part('controls', async () => {
  const page = await open(DESKTOP, { motion: true });
  check((await state(page)).playing === 'true', 'the game does not start by itself');
  await setSpeed(page, 60);
  await page.waitForTimeout(300);
  const made = await page.evaluate(() => new Promise((done) => {
    const count = { steps: 0, said: 0 };
    const watch = (node, options, act) => new MutationObserver((records) => act(records.length)).observe(node, options);
    watch(document.getElementById('stage'), { attributes: true, attributeFilter: ['data-step'] }, (n) => { count.steps += n; });
    watch(document.getElementById('live'), { childList: true }, () => { count.said += 1; });
    const from = performance.now();
    setTimeout(() => done({ rate: count.steps / (performance.now() - from) * 1000, said: count.said }), 2000);
  }));
  console.log(`${made.rate.toFixed(1)} steps/s at the speed of 60`);
  if (made.rate < 50) console.warn('warning: this machine does not keep up with 60 steps/s');
  check(made.rate > 1 && made.rate < 66, `at the speed of 60 there are ${made.rate} steps/s`);
  check(made.said <= 1, `the live region speaks ${made.said} times in 2 s`);
  check(await page.locator('#speed-value').textContent() === '60 steps/s', 'the speed is not shown');

  // Keys, and the buttons of the same effect.
  await page.keyboard.press('p');
  check((await state(page)).playing === 'false', 'p does not pause');
  const { step } = await state(page);
  await page.keyboard.press('n');
  const { step: next, episode } = await state(page);
  check(Number(next) === Number(step) + 1 || next === '0', `n goes from step ${step} to ${next}`);
  await page.keyboard.press('-');
  check(await page.locator('#speed').inputValue() === '55', '- does not slow down');
  await page.keyboard.press('+');
  check(await page.locator('#speed').inputValue() === '60', '+ does not speed up');
  await page.locator('#seed').focus();
  await page.keyboard.type('n');
  check((await state(page)).step === next, 'n in the seed takes a step');
  await page.keyboard.press('Enter');
  check(await page.locator('#seed').getAttribute('aria-invalid') === 'true' && (await state(page)).step === next && (await state(page)).episode === episode, 'a seed "n" starts a game');
  const played = [];
  for (let game = 0; game < 2; game += 1) {
    await page.locator('#seed').fill('7');
    await page.keyboard.press('Enter');
    check((await state(page)).step === '0', 'New game does not begin at step 0');
    played.push(JSON.stringify(await steps(page, 200)));
  }
  check(played[0] === played[1], 'the seed 7 gives two games');
  await page.locator('#seed').fill('');

  // Another arm in mid-game.
  const arms = await page.locator('#agent option').evaluateAll((options) => options.map((option) => option.value));
  if (arms.length > 1) {
    await page.locator('#new-game').click();
    await steps(page, 30);
    await drawn(page);
    const [before, picture] = [await state(page), await pixels(page)];
    const other = arms.find((arm) => arm !== before.agent);
    await page.locator('#agent').selectOption(other);
    await drawn(page);
    const after = await state(page);
    check(after.agent === other, 'another arm does not take over');
    for (const key of ['step', 'episode', 'return', 'last']) check(after[key] === before[key], `another arm changes ${key} from ${before[key]} to ${after[key]}`);
    check(await pixels(page) === picture, 'another arm changes the game');
    await steps(page, 1);
    check((await state(page)).step === String(Number(before.step) + 1) || (await state(page)).step === '0', 'the other arm does not go on');
  } else {
    console.warn('warning: the first game has one agent; swapping is not checked');
  }

  // The reader plays, by keyboard.
  await page.locator('#human').click();
  check(await page.locator('#human').getAttribute('aria-pressed') === 'true', 'You play is not pressed');
  const names = await page.locator('#actions th').allTextContents();
  const keys = { left: ['ArrowLeft', 'a'], right: ['ArrowRight', 'd'], up: ['ArrowUp', 'w'], down: ['ArrowDown', 's'], fire: ['Space'] };
  for (const [action, list] of Object.entries(keys).filter(([name]) => names.includes(name))) {
    for (const key of list) {
      const from = await state(page);
      await page.keyboard.press(key);
      const to = await state(page);
      check(to.taken === action, `${key} takes ${to.taken}`);
      check(Number(to.step) === Number(from.step) + 1 || to.episode !== from.episode, `${key} goes from step ${from.step} to ${to.step}`);
    }
  }
  await page.locator('#play').click();
  // Space belongs to the game now, not to the button that was clicked.
  await page.keyboard.press('Space');
  check((await state(page)).playing === 'true', 'after a click on Play, space pauses the game of the reader');
  const isTaken = (name) => page.waitForFunction((wanted) => document.getElementById('stage').dataset.taken === wanted, name, { timeout: 10_000 })
    .catch(() => failures.push(`while you play, ${name} is not taken`));
  const [held] = Object.keys(keys).filter((name) => names.includes(name));
  await page.keyboard.down(keys[held][0]);
  await isTaken(held);
  await page.keyboard.up(keys[held][0]);
  await isTaken('no-op');
  await page.keyboard.press('Escape');
  check(await page.locator('#human').getAttribute('aria-pressed') === 'false', 'Escape does not hand the game back');
  await page.keyboard.press('p');
  const own = await steps(page, 20);
  check(own.actions.every((action, k) => names[action] === own.taken[k]), `the agent says ${own.actions} and does ${own.taken}`);
  await page.locator('.keys summary').click();
  await page.locator('#shortcuts').uncheck();
  await page.locator('#play').focus();
  await page.keyboard.press('p');
  check((await state(page)).playing === 'false', 'p plays though the keys are off');

  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.locator('#theme').press('Enter');
  check(await background() !== light, 'the button changes no colours');
});

// The reader plays, by touch.
await part('touch', async () => {
  const page = await open(PHONE);
  await page.locator('#human').tap();
  const names = await page.locator('#actions th').allTextContents();
  const buttons = page.locator('#touch button');
  const moves = ['left', 'up', 'right', 'down', 'fire'].filter((name) => names.includes(name));
  check(await buttons.count() === moves.length, `${await buttons.count()} buttons for ${moves}`);
  for (const name of moves) {
    const button = page.locator(`#touch .${name}`);
    await button.scrollIntoViewIfNeeded();
    const box = await button.boundingBox();
    check(box && box.width >= 44 && box.height >= 44, `the button ${name} is small: ${JSON.stringify(box)}`);
    const from = await state(page);
    await button.tap();
    const to = await state(page);
    check(to.taken === name && (Number(to.step) === Number(from.step) + 1 || to.episode !== from.episode), `a touch of ${name} takes ${to.taken}, from step ${from.step} to ${to.step}`);
  }
});

// PAGES THAT CANNOT WORK
const work = mkdtempSync(join(tmpdir(), 'demo-'));
const text = readFileSync(file, 'utf8');
const damaged = (id, name, edit) => {
  const start = `id="${id}">`;
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf('</script>', from);
  const at = join(work, `${name}.html`);
  writeFileSync(at, text.slice(0, from) + edit(text.slice(from, to)) + text.slice(to));
  return at;
};
const flipped = (data) => {
  const middle = data.length >> 1;
  return data.slice(0, middle) + (data[middle] === 'A' ? 'B' : 'A') + data.slice(middle + 1);
};
const broken = [
  ['agents changed', { at: damaged('agents', 'agents', flipped) }, /damaged.*agents/],
  ['program changed', { at: damaged('program', 'program', flipped) }, /damaged.*program/],
  ['agents cut', { at: damaged('agents', 'cut', (data) => data.slice(0, data.length >> 1)) }, /damaged.*agents/],
  ['agents missing', { at: damaged('agents', 'missing', () => '') }, /damaged.*agents/],
  ['no SIMD', { before: 'WebAssembly.validate = () => false;' }, /SIMD/],
  ['no DecompressionStream', { before: 'delete globalThis.DecompressionStream;' }, /DecompressionStream/],
];
for (const [name, options, said] of broken) {
  await part(name, async () => {
    const page = await open(PHONE, { ...options, name });
    const alert = page.locator('[role=alert]:visible');
    check(await alert.count() === 1 && said.test(await alert.textContent()), `${name}: the alert says ${await alert.allTextContents()}`);
    check(await page.locator('#loading').isHidden(), `${name}: the page still loads`);
    if (name === 'agents changed') await page.screenshot({ path: join(pictures, 'damaged.png') });
  });
}
await part('trap', async () => {
  // A trap in mid-game.
  const before = `{
    const instantiate = WebAssembly.instantiate;
    WebAssembly.instantiate = async (...input) => {
      const { instance: { exports } } = await instantiate(...input);
      return { instance: { exports: { ...exports, ask: (length) => { globalThis.trap?.(); return exports.ask(length); } } } };
    };
  }`;
  const page = await open(DESKTOP, { motion: true, before, name: 'trap' });
  await page.evaluate(() => { globalThis.trap = () => { throw new WebAssembly.RuntimeError('unreachable'); }; });
  const alert = page.locator('[role=alert]:visible');
  await alert.waitFor({ timeout: 10_000 }).catch(() => {});
  check(await alert.count() === 1 && /stopped.*unreachable/.test(await alert.textContent()), `trap: the alert says ${await alert.allTextContents()}`);
  check((await state(page)).playing === 'false' && await page.locator('#step').isDisabled(), 'trap: the game goes on');
  await page.screenshot({ path: join(pictures, 'trap.png') });
});
rmSync(work, { recursive: true });
const version = browser.version();
await browser.close();

for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
console.log(failures.length ? `${new Set(failures).size} checks failed in Chromium ${version}` : `the page passes in Chromium ${version}; screenshots: ${pictures}`);
process.exit(failures.length ? 1 : 0);

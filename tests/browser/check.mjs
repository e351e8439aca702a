// Checks of the page that `cargo xtask report` writes, in headless Chromium: node check.mjs PAGE SCREENSHOTS
//
// What it checks, at the widths of a desktop and of a phone, in light and dark: no violation of axe-core's rules; nothing scrolls
// sideways but what has its own scroll bar; nothing is fetched; no error in the console; the values of every curve are reached by keyboard and
// equal the JSON in the page. Then the button of the colours, the table of values, and the printed page.
import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are beside the directory from which this is run.
const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [file, pictures] = process.argv.slice(2);
const address = pathToFileURL(resolve(file)).href;
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

const open = async (width, height, colorScheme) => {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, deviceScaleFactor: width < 600 ? 2 : 1, hasTouch: width < 600 });
  const page = await context.newPage();
  const name = `${width}-${colorScheme}`;
  page.on('request', (request) => {
    const url = request.url();
    check(url === address || url.startsWith('data:'), `${name}: fetches ${url.slice(0, 200)}`);
  });
  page.on('console', (message) => check(message.type() !== 'error', `${name}: console: ${message.text()}`));
  page.on('pageerror', (error) => failures.push(`${name}: ${error}`));
  await page.goto(address);
  await page.waitForSelector('.chart svg');
  return [page, name];
};

for (const [width, height] of [[1280, 900], [390, 844]]) {
  for (const scheme of ['light', 'dark']) {
    const [page, name] = await open(width, height, scheme);
    // Everything that is drawn late, and everything that opens.
    await page.evaluate(async () => {
      dispatchEvent(new Event('beforeprint'));
      document.querySelectorAll('details').forEach((details) => { details.open = true; });
      await new Promise((done) => { setTimeout(done, 200); });
    });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    for (const { id, help, nodes } of violations) {
      failures.push(`${name}: axe: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
    }
    const wide = await page.evaluate(() => {
      const { clientWidth, scrollWidth } = document.documentElement;
      const isInside = (node) => node.closest('.scroll, nav.figures');
      const out = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > clientWidth + 1 && !isInside(node) && !node.closest('.skip'));
      return scrollWidth > clientWidth ? out.slice(0, 3).map((node) => node.outerHTML.slice(0, 160)) : null;
    });
    check(wide === null, `${name}: the page scrolls sideways: ${wide?.join(' | ')}`);
    await page.evaluate(() => {
      dispatchEvent(new Event('afterprint'));
      document.querySelectorAll('details').forEach((details) => { details.open = false; });
      scrollTo(0, 0);
    });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    await page.context().close();
  }
}

// Curves by keyboard.
{
  const [page, name] = await open(1280, 900, 'light');
  const data = await page.evaluate(() => JSON.parse(document.getElementById('report-data').textContent));
  const kinds = ['curves', 'efficiency', 'profiles'];
  const panels = data.figures.flatMap((figure) => (figure.results
    ? kinds.flatMap((picture) => figure.results.pictures[picture].sections.flatMap((section) => section.panels)) : []));
  const charts = page.locator('.charts .chart');
  check(panels.length > 0 && await charts.count() === panels.length, `${name}: ${await charts.count()} charts of ${panels.length} panels`);
  let reached = 0;
  for (const [index, panel] of panels.entries()) {
    if (!panel.lines.length) continue;
    const plot = charts.nth(index).locator('.plot');
    const places = [...new Set(panel.lines.flatMap((line) => line.x))].sort((a, b) => a - b);
    await plot.focus();
    for (const [key, place] of [['Home', 0], ['ArrowRight', 1], ['End', places.length - 1], ['ArrowLeft', places.length - 2]]) {
      await page.keyboard.press(key);
      const at = Math.min(places.length - 1, Math.max(0, place));
      const text = await plot.getAttribute('aria-valuetext');
      const tip = await plot.locator('.tip').textContent();
      for (const line of panel.lines) {
        const k = line.x.indexOf(places[at]);
        if (k < 0) continue;
        const shown = text.split('; ').map((part) => part.split(': ').at(-1)).find((part) => part.startsWith(`${line.label} `) && /^-?[\d.]/.test(part.slice(line.label.length + 1)));
        const value = Number(shown?.slice(line.label.length + 1).split(' ')[0].replaceAll(',', ''));
        const near = Math.abs(value - line.y[k]) <= 0.006 * Math.abs(line.y[k]) + 1e-9;
        check(near, `${name}: panel ${index}, ${key}: ${line.label} is ${line.y[k]}, said: ${text}`);
        check(tip.includes(line.label), `${name}: panel ${index}, ${key}: ${line.label} is not shown`);
        reached += 1;
      }
    }
  }
  check(reached > 0, `${name}: no value was reached`);
  await page.keyboard.press('Escape');
  check(await page.locator('.tip').count() === 0, `${name}: Escape leaves the values`);

  // By pointer.
  const first = charts.nth(panels.findIndex((panel) => panel.lines.length)).locator('.plot');
  await first.scrollIntoViewIfNeeded();
  const box = await first.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  check(await first.locator('.tip').count() === 1, `${name}: the pointer shows no values`);
  await first.screenshot({ path: join(pictures, 'hover.png') });

  // As a table.
  const details = first.locator('xpath=..').locator('details');
  await details.locator('summary').press('Enter');
  await details.locator('tbody tr').first().waitFor();
  const panel = panels.find((of) => of.lines.length);
  check(await details.locator('tbody tr').count() === new Set(panel.lines.flatMap((line) => line.x)).size, `${name}: the table of values lacks rows`);

  // Colours by the button, and diagnostics.
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const before = await background();
  await page.locator('#theme').press('Enter');
  check(await background() !== before, `${name}: the button changes no colours`);
  check(await page.locator('.diagnostics .chart').count() > 0, `${name}: no diagnostics are drawn`);

  // On paper.
  await page.locator('#theme').press('Enter');
  const pdf = await page.pdf({ path: join(pictures, 'page.pdf'), format: 'A4' });
  check(pdf.subarray(0, 5).toString() === '%PDF-' && pdf.length > 50_000, `${name}: the printed page has ${pdf.length} bytes`);
  await page.context().close();
}
await browser.close();

const version = browser.version();
for (const failure of new Set(failures)) console.error(`failed: ${failure}`);
console.log(failures.length ? `${new Set(failures).size} checks failed in Chromium ${version}` : `the page passes in Chromium ${version}; screenshots: ${pictures}`);
process.exit(failures.length ? 1 : 0);

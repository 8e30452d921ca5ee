/**
 * Measures the dashboard's budgets in Chromium, against a stub that has 100,000 conversations and 10,000 messages.
 *
 * Times are true on a machine that does nothing else: the load average is printed beside them.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import { gzipSync } from "node:zlib";
import { CONVERSATIONS, MESSAGES, serve } from "./stub.mjs";

const FRONTEND = new URL("../frontend/", import.meta.url);
const { chromium } = createRequire(FRONTEND)("@playwright/test");
const ROUNDS = Number(process.argv[2] ?? 5);
const ROW = "#list a.row";
const MESSAGE = "#thread .message";

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sorted = (values) => [...values].sort((one, other) => one - other);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const percentile = (values, share) => sorted(values)[Math.max(0, Math.ceil(values.length * share) - 1)];

/** Runs in the page before anything else of it: notes what the page tells of itself only once. */
function watch() {
  const seen = { rows: null, tasks: [], paint: 0, events: new Map() };
  window.__bench = seen;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.tasks.push(entry.startTime + entry.duration);
  }).observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.paint = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) {
      if (interactionId) seen.events.set(interactionId, Math.max(duration, seen.events.get(interactionId) ?? 0));
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  const observer = new MutationObserver(() => {
    if (!document.querySelector("#list a.row")) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => {
      seen.rows = performance.now();
      window.__shown?.("");
    }));
  });
  observer.observe(document, { childList: true, subtree: true });
}

/** Collects the lengths of frames until `__frames` is asked for. */
function frames() {
  const lengths = [];
  let last = performance.now();
  let isOn = true;
  const next = (now) => {
    lengths.push(now - last);
    last = now;
    if (isOn) requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  window.__frames = () => {
    isOn = false;
    return lengths.slice(2);
  };
}

async function signedIn(context, origin) {
  const page = await context.newPage();
  await page.goto(origin);
  const button = page.getByRole("button", { name: /sign in/i });
  await button.or(page.locator(ROW).first()).first().waitFor();
  if (await button.isVisible()) await button.click();
  await page.locator(ROW).first().waitFor();
  await page.close();
}

async function throttled(page, rate) {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
  return session;
}

/** One load of the page by somebody who is signed in. */
async function load(context, origin, rate) {
  const page = await context.newPage();
  await page.addInitScript(watch);
  const session = await throttled(page, rate);
  // The page tells by itself: to ask it, Playwright would run a script of its own there, as long as ours.
  await session.send("Runtime.enable");
  await session.send("Runtime.addBinding", { name: "__shown" });
  const shown = new Promise((resolve) => session.once("Runtime.bindingCalled", resolve));
  await page.goto(origin, { waitUntil: "commit" });
  await shown;
  await sleep(1500);
  const { rows, tasks, paint } = await page.evaluate(() => window.__bench);
  // Interactive: the rows are there, and no long task began before them or within half a second of the one before.
  let ready = rows;
  for (const end of sorted(tasks)) if (end > ready && end - ready < 500) ready = end;
  const loaded = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => [one.name, one.startTime]));
  const names = new Set(loaded.filter(([, at]) => at < rows).map(([name]) => new URL(name).pathname));
  await page.close();
  return { ready, paint, names };
}

function zipped(names, ending) {
  const files = [...names].filter((name) => name.endsWith(ending));
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(`dist${name}`, FRONTEND)), { level: 9 }).length, 0);
}

async function opened(context, origin, rate) {
  const page = await context.newPage();
  await page.addInitScript(watch);
  const session = await throttled(page, rate);
  await page.goto(origin);
  await page.locator(ROW).first().click();
  await page.locator(MESSAGE).first().waitFor();
  await sleep(1000);
  return { page, session };
}

/** What an operator does all day, one after the other. Answers how long each took, as the browser tells. */
async function interactions(context, origin) {
  const { page } = await opened(context, origin, 4);
  await page.evaluate(() => window.__bench.events.clear());
  let count = 0;
  const act = async (what) => {
    await what();
    count += 1;
    await sleep(150);
  };
  await page.locator("#list").focus();
  for (let step = 0; step < 12; step++) await act(() => page.keyboard.press("j"));
  for (let step = 0; step < 6; step++) await act(() => page.keyboard.press("k"));
  for (let at = 2; at < 8; at++) await act(() => page.locator(ROW).nth(at).click());
  for (const status of ["Paused", "Active", "Waiting", "All"]) {
    await act(() => page.getByRole("navigation").getByRole("link", { name: status }).click());
  }
  await act(() => page.locator("#search").click());
  for (const letter of "ana it") await act(() => page.keyboard.press(letter));
  await act(() => page.keyboard.press("Escape"));
  await sleep(800);
  await page.locator(ROW).first().click();
  await page.locator(MESSAGE).first().waitFor();
  for (let round = 0; round < 3; round++) {
    await act(() => page.locator("#composer").click());
    for (const letter of "hello there, ") await act(() => page.keyboard.press(letter));
    await act(() => page.keyboard.press("Enter"));
    await sleep(500);
  }
  const told = await page.evaluate(() => [...window.__bench.events.values()]);
  await page.close();
  // The browser tells of those only that took 16 ms or more.
  return [...told, ...Array.from({ length: Math.max(0, count - told.length) }, () => 16)];
}

async function scrolled(page, selector, steps) {
  const box = await page.locator(selector).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.evaluate(frames);
  for (let step = 0; step < steps; step++) {
    await page.mouse.wheel(0, selector === "#list" ? 240 : -240);
    await sleep(30);
  }
  return page.evaluate(() => window.__frames());
}

async function scrolling(context, origin) {
  const { page } = await opened(context, origin, 4);
  const list = await scrolled(page, "#list", 80);
  const thread = await scrolled(page, "#thread", 80);
  await page.close();
  return [...list, ...thread];
}

/** How far what the operator reads moves when an older page comes in above it, in pixels. */
async function shift(context, origin) {
  const { page } = await opened(context, origin, 1);
  const moves = [];
  for (let turn = 0; turn < 5; turn++) {
    moves.push(await page.evaluate(async () => {
      const scroller = document.querySelector("#thread");
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const height = scroller.scrollHeight;
      scroller.scrollTop = Math.min(600, scroller.scrollTop);
      await frame();
      await frame();
      const rows = () => [...document.querySelectorAll("#thread .message")];
      const top = (row) => row.getBoundingClientRect().top;
      const middle = scroller.getBoundingClientRect().top + scroller.clientHeight / 2;
      const anchor = rows().find((row) => top(row) >= middle - 100);
      const before = top(anchor);
      for (let tries = 0; tries < 300 && scroller.scrollHeight === height; tries++) await frame();
      let most = 0;
      for (let after = 0; after < 30; after++) {
        await frame();
        if (anchor.isConnected) most = Math.max(most, Math.abs(top(anchor) - before));
      }
      return anchor.isConnected ? most : Number.POSITIVE_INFINITY;
    }));
  }
  await page.close();
  return Math.max(...moves);
}

/** Scrolls until there is no more to load: the rows then know how many they are. */
async function toTheEnd(page, selector, end) {
  const step = async ([selector, end]) => {
    const scroller = document.querySelector(selector);
    scroller.scrollTop = end === "bottom" ? scroller.scrollHeight : 0;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    return scroller.querySelector("[aria-setsize]")?.ariaSetSize !== "-1";
  };
  for (let tries = 0; tries < 10_000; tries++) if (await page.evaluate(step, [selector, end])) return;
  throw new Error(`${selector} never came to its end`);
}

/** Everything loaded that can be: the heap and the nodes then. */
async function full(context, origin) {
  const { page, session } = await opened(context, origin, 1);
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  await toTheEnd(page, "#list", "bottom");
  await toTheEnd(page, "#thread", "top");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const most = Math.max(nodes, await page.evaluate(() => document.querySelectorAll("*").length));
  await page.close();
  return { heap: usedSize, nodes: most };
}

async function measured(context, origin) {
  await signedIn(context, origin);
  const at = async (rate) => {
    const loads = [];
    for (let round = 0; round < ROUNDS; round++) loads.push(await load(context, origin, rate));
    return loads;
  };
  const [quick, slow] = [await at(1), await at(4)];
  const { names } = quick[0];
  const { heap, nodes } = await full(context, origin);
  const kilo = (bytes) => bytes / 1000;
  return [
    ["Initial JavaScript, gzip", 120, kilo(zipped(names, ".js")), "kB"],
    ["CSS, gzip", 12, kilo(zipped(names, ".css")), "kB"],
    ["Time to interactive, 1×", 400, median(quick.map(({ ready }) => ready)), "ms"],
    ["Time to interactive, 4×", 1000, median(slow.map(({ ready }) => ready)), "ms"],
    ["Largest paint, 4×", 1200, median(slow.map(({ paint }) => paint)), "ms"],
    ["Interaction p98, 4×", 100, percentile(await interactions(context, origin), 0.98), "ms"],
    ["Scroll frames p95, 4×", 34, percentile(await scrolling(context, origin), 0.95), "ms"],
    ["Shift on prepending a page", 2, await shift(context, origin), "px"],
    [`Heap, ${CONVERSATIONS} conversations, ${MESSAGES} messages`, 60, heap / 2 ** 20, "MB"],
    ["DOM nodes", 1500, nodes, ""],
  ];
}

const { origin, stop } = await serve(new URL("dist", FRONTEND).pathname);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium" });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const results = await measured(context, origin);
  console.log(`Medians of ${ROUNDS} loads; load average ${loadavg()[0].toFixed(1)}\n`);
  console.log(`${"Metric".padEnd(52)}${"Budget".padStart(12)}${"Measured".padStart(12)}  Met`);
  for (const [name, budget, value, unit] of results) {
    const text = `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`;
    console.log(`${name.padEnd(52)}${`${budget} ${unit}`.padStart(12)}${text.padStart(12)}  ${value <= budget ? "yes" : "NO"}`);
  }
  process.exitCode = results.every(([, budget, value]) => value <= budget) ? 0 : 1;
} finally {
  await browser.close();
  stop();
}

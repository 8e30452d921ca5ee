import { test as base, expect } from "@playwright/test";
import { conversation } from "../src/test/samples";
import { ago, asking, DAY, idOf, long, morning, row } from "./scenes";
import { sleep } from "./stack";
import { PHONE, Stage } from "./stage";

const SOMEBODY = idOf("4415");

const test = base.extend<{ stage: Stage }>({
  stage: async ({ page }, use) => {
    const stage = new Stage(page);
    stage.conversations = morning();
    stage.messages.set(SOMEBODY, long(400));
    await use(stage);
  },
});

test("a link leads to a message, however long ago it was said, and says where it cannot", async ({ stage, page }) => {
  const all = stage.messages.get(SOMEBODY) ?? [];
  const [old, newer] = [all[20], all[390]];
  await stage.open(`#/all/${SOMEBODY}?message=${encodeURIComponent(old?.id ?? "")}`);
  await expect(page.locator(".linked")).toContainText(old?.text ?? "–");
  await expect(page.locator(".linked")).toBeInViewport();
  await stage.go(`#/all/${SOMEBODY}?message=${encodeURIComponent(newer?.id ?? "")}`);
  await expect(page.locator(".linked")).toContainText(newer?.text ?? "–");
  await expect(page.locator(".linked")).toBeInViewport();

  const last = page.locator(".message").filter({ hasText: "(400)" });
  await page.getByRole("button", { name: "Jump to the latest" }).click();
  await last.getByRole("link", { name: "link to this message" }).click();
  expect(decodeURIComponent(page.url())).toContain(`message=${all[399]?.id}`);
  await page.getByRole("navigation").getByRole("link", { name: "Active" }).click();
  await expect(last.getByRole("link", { name: "link to this message" })).toHaveAttribute("href", /^#\/active\//);
  await stage.go(`#/all/${SOMEBODY}?message=m:nobody-said-this`);
  await expect(page.locator(".toast")).toContainText("not among the newest 400");
});

test("opens at what is unread; stays where somebody reads, and at the end where they do not", async ({
  stage,
  page,
}) => {
  stage.conversations = stage.conversations.map((one) =>
    one.id === SOMEBODY ? { ...one, unread: true, seen_at: ago(30.5 * 60_000) } : one,
  );
  let looks = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/seen")) looks += 1;
  });
  await stage.open(`#/all/${SOMEBODY}`);
  const first = page.locator(".message").filter({ hasText: "(371)" });
  await expect(page.locator(".unread-line")).toBeInViewport();
  await expect(first).toBeInViewport();
  await expect(page.locator(".latest")).toHaveText("30 new messages");
  const before = await first.boundingBox();
  await stage.happens(SOMEBODY, { unread: true }, row("user", 0, "and one more"));
  await expect(page.locator(".latest")).toHaveText("31 new messages");
  expect(await first.boundingBox()).toEqual(before);
  expect(looks).toBe(0);

  await page.locator(".latest").click();
  await expect.poll(() => looks).toBeGreaterThan(0);
  const newest = page.locator(".message").filter({ hasText: "and one more" });
  await expect(newest).toBeInViewport();
  await expect(page.locator(".latest")).toHaveCount(0);
  // What takes room at the bottom takes it from above.
  await page.locator("#composer").fill("a\n".repeat(12));
  await expect(newest).toBeInViewport();
  await page.setViewportSize({ width: 1280, height: 500 });
  await expect(newest).toBeInViewport();
  await stage.happens(SOMEBODY, {}, row("user", 0, "the very last ".repeat(20)));
  const end = page.locator(".message").filter({ hasText: "the very last" }).locator(".foot");
  await expect(end).toBeInViewport({ ratio: 1 });
  await expect(page.locator('[role="log"]')).toContainText("Mei-Ling Chen: the very last");
});

test("what is sent comes into sight, and is nothing new to whoever sent it", async ({ stage, page }) => {
  await stage.open(`#/all/${SOMEBODY}?message=${encodeURIComponent(stage.messages.get(SOMEBODY)?.[360]?.id ?? "")}`);
  await expect(page.locator(".linked")).toBeInViewport();
  const latest = page.locator(".latest");
  await expect(latest).toHaveText("Jump to the latest");
  await stage.happens(SOMEBODY, {}, row("user", 0, "one"), row("operator", 0, "said in another tab"));
  await expect(latest).toHaveText("1 new message");
  await page.locator("#composer").fill("my own words");
  await page.locator("#composer").press("Enter");
  await expect(page.locator(".message").filter({ hasText: "my own words" })).toBeInViewport();
  await expect(latest).toHaveCount(0);
});

test("no row moves under the pointer, and the open one keeps its place in the URL", async ({ stage, page }) => {
  await stage.open("#/all");
  const rows = page.locator("a.row");
  await expect(rows.first()).toContainText("Sofia Marques");
  await rows.nth(2).hover();
  await stage.happens(idOf("4421"), { last_activity_at: new Date().toISOString() });
  const update = page.getByRole("button", { name: "The order has changed" });
  await expect(update).toBeVisible();
  await expect(rows.first()).toContainText("Sofia Marques");
  await update.press("Enter"); // a mouse on its way there has left the rows, and they may have moved by then
  // At once, and not because the pointer has rested for long.
  await expect(page.locator("a.row").first()).toContainText("Grace O'Connor", { timeout: 3000 });

  await rows.nth(2).click();
  await page.keyboard.press("j");
  await expect(rows.nth(3)).toHaveAttribute("aria-current", "true");
  const place = page.url();
  await page.reload();
  await expect(page.locator('a.row[aria-current="true"]')).toBeVisible();
  expect(page.url()).toBe(place);
  await page.goBack();
  await expect(rows.nth(2)).toHaveAttribute("aria-current", "true");
});

test("whoever begins to wait is told of once, whatever number of tabs is open", async ({ stage, page, context }) => {
  await context.grantPermissions(["notifications"]);
  await context.addInitScript(() => {
    const told: string[] = [];
    const sounds: number[] = [];
    Object.assign(globalThis, { told, sounds });
    class Told {
      static permission = "granted";
      onclick: (() => void) | null = null;
      constructor(title: string, { body }: { body: string }) {
        told.push(`${title}: ${body}`);
      }
      close() {}
    }
    Object.defineProperty(globalThis, "Notification", { value: Told });
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (at) {
      sounds.push(at ?? 0);
      start.call(this, at);
    };
    localStorage.setItem("hitl.settings", JSON.stringify({ notifications: true, sound: true }));
  });
  const other = await context.newPage();
  await stage.open("#/all", { page: other });
  await expect(other.locator(".connection")).toContainText("Live");
  await stage.open("#/all");
  await expect(page.locator(".connection")).toContainText("Live");
  await expect(page).toHaveTitle("(4) Conversations");
  await expect(page.locator('link[rel="icon"]')).toHaveAttribute("href", "/icon-waiting.svg");

  // The bot has this one, however much is said.
  await stage.happens(idOf("4421"), { unread: true, last_activity_at: new Date().toISOString() });
  const since = new Date().toISOString();
  const paused = { since, until: null, by: { type: "user", id: "", name: "" } as const, reason: "Asked for a person" };
  await stage.happens(SOMEBODY, { status: "paused", paused, waiting_since: since, last_activity_at: since });
  for (const tab of [page, other]) await expect(tab).toHaveTitle("(5) Conversations", { timeout: 20_000 });
  const of = (name: "told" | "sounds") =>
    Promise.all([page, other].map((tab) => tab.evaluate((key) => (globalThis as never)[key] as unknown[], name)));
  expect((await of("told")).flat()).toEqual(["Mei-Ling Chen waits: Asked for a person"]);
  expect((await of("sounds")).flat()).toHaveLength(2);
});

test("Enter that ends a composition sends nothing; the next one does", async ({ stage, page }) => {
  await stage.open(`#/all/${SOMEBODY}`);
  const composer = page.locator("#composer");
  await composer.focus();
  const sends: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/messages")) sends.push(request.postDataJSON().text);
  });
  const keys = await page.context().newCDPSession(page);
  await keys.send("Input.imeSetComposition", { text: "にほん", selectionStart: 3, selectionEnd: 3 });
  await expect(composer).toHaveValue("にほん");
  // While it composes, most say 229 of every key, some only that they compose; Safari says 229 when it has ended.
  const enter = { type: "rawKeyDown", key: "Enter", code: "Enter" } as const;
  await keys.send("Input.dispatchKeyEvent", { ...enter, windowsVirtualKeyCode: 13 });
  await keys.send("Input.insertText", { text: "日本" });
  await keys.send("Input.dispatchKeyEvent", { ...enter, windowsVirtualKeyCode: 229 });
  await keys.send("Input.dispatchKeyEvent", { ...enter, type: "keyUp", windowsVirtualKeyCode: 229 });
  await expect(composer).toHaveValue("日本");
  expect(sends).toEqual([]);
  await composer.press("Enter");
  await expect(composer).toHaveValue("");
  expect(sends).toEqual(["日本"]);
});

test("what is too long for one message is offered as several, and goes out in order", async ({ stage, page }) => {
  await stage.open(`#/all/${SOMEBODY}`);
  const texts: string[] = [];
  let [underWay, most] = [0, 0];
  await page.route(/\/messages$/, async (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    texts.push(route.request().postDataJSON().text);
    underWay += 1;
    most = Math.max(most, underWay);
    await sleep(300);
    underWay -= 1;
    return route.fallback();
  });
  const composer = page.locator("#composer");
  await composer.fill(`${"First. ".repeat(280)}\n\n${"Second. ".repeat(30)}`);
  await expect(page.locator("#composer-count")).toContainText("of 2,000 characters: goes out as 2 messages");
  await page.getByRole("button", { name: "Send 2 messages" }).click();
  await expect.poll(() => texts.length).toBe(2);
  expect(texts[0]).toMatch(/^First.*First\.$/);
  expect(most).toBe(1);
  expect(texts[1]).toMatch(/^Second.*Second\.$/);
  expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(2000);
});

test("nothing is said of who waits before it is known, and a list that failed comes back", async ({ stage, page }) => {
  stage.faults.set("*", { status: 503, code: "unavailable", message: "Try again in a minute." });
  await stage.open("#/all");
  await expect(page.getByText("The list cannot be shown")).toBeVisible();
  await expect(page.getByText("Nobody waits")).toHaveCount(0);
  stage.faults.clear();
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.locator("a.row").first()).toBeVisible();
  await expect(page.getByText("4 customers wait for a person")).toBeVisible();
  await stage.go(`#/all/${idOf("4424")}`);
  await expect(page.locator("#composer-state")).toContainText("must write again first");
  stage.messages.set(idOf("4412"), asking());
  await stage.happens(idOf("4424"), { window: { type: "response", until: ago(-DAY) }, last_activity_at: ago(0) });
  await expect(page.locator("#composer-state")).toContainText("left to answer");
});

test("a conversation that cannot be shown leaves the list and the others as they are", async ({ stage, page }) => {
  stage.messages.set(idOf("4421"), [row("user", 1, "Thanks!", { attachments: null as never })]);
  await stage.open(`#/all/${idOf("4421")}`);
  await expect(page.getByRole("alert")).toContainText("This cannot be shown");
  await page.locator("a.row").filter({ hasText: "Mei-Ling" }).click();
  await expect(page.locator("#composer")).toBeVisible();
});

test("the next conversation is there before it is asked for, also behind a link", async ({ stage, page }) => {
  for (const user of ["4411", "4412"]) stage.messages.set(idOf(user), asking());
  const isFetched = page.waitForResponse(/4412\/messages/);
  stage.faults.set("sessions", { status: 503, code: "unavailable", message: "Try again in a minute." });
  await stage.open(`#/waiting/${idOf("4413")}`);
  await expect(page.locator("h1")).toHaveText("Aïsha Benali");
  stage.faults.clear();
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await isFetched;
  const isNextFetched = page.waitForResponse(/4411\/messages/);
  await page.locator("a.row").filter({ hasText: "Jonas Weber" }).click();
  await isNextFetched;
  stage.faults.set("messages", "silence");
  await page.keyboard.press("j");
  await expect(page.locator("h1")).toHaveText("Sofia Marques");
  await expect(page.locator(".message").filter({ hasText: asking().at(-1)?.text ?? "–" })).toBeInViewport();
});

test("a dialog that cannot be loaded takes nothing else with it", async ({ stage, page }) => {
  await stage.open(`#/all/${SOMEBODY}`);
  await expect(page.locator("#composer")).toBeVisible();
  await page.route(/Help/, (route) => route.abort());
  await page.keyboard.press("Shift+?");
  await expect(page.locator(".toast")).toContainText("Reload the page");
  await expect(page.locator("a.row").first()).toBeVisible();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Go to" })).toBeVisible();
});

test("a phone has a way on from a conversation that cannot be shown", async ({ stage, page }) => {
  await page.setViewportSize(PHONE);
  const outage = { status: 503, code: "unavailable", message: "Try again in a minute." };
  for (const name of ["sessions", "conversation"]) stage.faults.set(name, outage);
  await stage.open(`#/all/${SOMEBODY}`);
  await expect(page.getByRole("heading", { name: "cannot be shown" })).toBeVisible();
  stage.faults.delete("conversation");
  await page.getByRole("button", { name: "Try again" }).last().click();
  await expect(page.locator("#composer")).toBeVisible();
  stage.faults.clear();
  await stage.go("#/all/messenger:100:9999");
  await page.getByRole("button", { name: "Back to the list" }).click();
  await expect(page.locator("a.row").first()).toBeVisible();
});

test("the focus stays where it is, or goes on to where it is needed", async ({ stage, page }) => {
  const [composer, thread] = [page.locator("#composer"), page.locator("#thread")];
  await stage.open(`#/all/${SOMEBODY}`);
  await composer.fill("by mouse");
  await page.getByRole("button", { name: "Pause and send" }).click();
  await expect(composer).toBeFocused();
  for (const close of ["Escape", "the button"]) {
    await page.keyboard.press("Control+k");
    const dialog = page.getByRole("dialog");
    await expect(dialog).toBeVisible();
    if (close === "Escape") await page.keyboard.press(close);
    else await dialog.getByRole("button", { name: "Close" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(composer).toBeFocused();
  }

  await page.locator("#switch").press("Enter");
  await expect(page.locator(".toast")).toContainText("Paused");
  await expect(page.locator("#switch")).toBeFocused();
  await composer.focus();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(composer).toBeFocused();

  await thread.evaluate((element) => element.scrollBy(0, -1000));
  await page.locator(".latest").press("Enter");
  await expect(thread).toBeFocused();
  await page.route(/\/messages$/, (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 400, json: {} }) : route.fallback(),
  );
  await composer.fill("refused");
  await composer.press("Enter");
  for (const name of ["Retry", "Discard"]) {
    await page.getByRole("button", { name }).press("Enter");
    await expect(thread).toBeFocused();
  }
  await composer.fill("and the next");
  await composer.press("Control+Shift+Enter");
  await expect(page.locator("h1")).not.toHaveText("Mei-Ling Chen");
  await expect(page.locator("h1")).toBeFocused();
});

test("the list is where it was after Back, and shows whom it has open after a reload", async ({ stage, page }) => {
  const of = (at: number) => ({ user_id: `6${at}`, id: idOf(`6${at}`), name: `Person ${at}.` });
  stage.conversations = Array.from({ length: 90 }, (_, at) => conversation({ ...of(at), last_activity_at: ago(at) }));
  const list = page.locator("#list");
  const place = () => list.evaluate(({ scrollTop }) => scrollTop);
  await page.setViewportSize(PHONE);
  await stage.open("#/all");
  await expect(page.locator("a.row").first()).toBeVisible();
  await list.evaluate((element) => element.scrollTo(0, 3000));
  await page.locator("a.row").filter({ hasText: "Person 48." }).click();
  await expect(page.locator("#composer")).toBeVisible();
  await page.goBack();
  await expect(page.locator("a.row").filter({ hasText: "Person 48." })).toBeInViewport();
  expect(await place()).toBe(3000);

  await page.setViewportSize({ width: 1280, height: 800 });
  await page.locator("a.row").filter({ hasText: "Person 48." }).click();
  await page.reload();
  await expect(page.locator('a.row[aria-current="true"]')).toBeInViewport();
  const before = await place();
  await page.locator("#composer").fill("a reason to stay");
  await page.getByRole("navigation").getByRole("link", { name: "Active" }).click();
  await expect(page).toHaveURL(/active/);
  await page.goBack();
  expect(await place()).toBe(before);
});

test("on a phone two lines say what sending does and how long there is to answer", async ({ stage, page }) => {
  await page.setViewportSize(PHONE);
  await stage.speak("de");
  stage.stop = { paused: true, reason: null, by: null, since: ago(DAY) };
  await stage.open(`#/all/${SOMEBODY}`);
  const bar = page.locator("#composer-state");
  for (const [user, words] of [
    ["4415", "Alle Bots sind angehalten"],
    ["4417", "Der Bot schweigt"],
    ["4421", "Der Bot antwortet"],
    ["4424", "muss erst wieder schreiben"],
  ] as const) {
    await stage.go(`#/all/${idOf(user)}`);
    await expect(bar).toContainText(words);
    const lines = await bar.evaluate((element) => {
      const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(element);
      const height = element.clientHeight - Number.parseFloat(paddingTop) - Number.parseFloat(paddingBottom);
      return Math.round(height / Number.parseFloat(lineHeight));
    });
    expect(lines, words).toBeLessThanOrEqual(2);
    if (user === "4417") {
      stage.stop = { ...stage.stop, paused: false };
      await page.evaluate(() => dispatchEvent(new Event("focus")));
    }
  }
});

test("a small phone shows whose conversation it is", async ({ stage, page }) => {
  await page.setViewportSize({ width: 360, height: 640 });
  await stage.speak("de");
  stage.held = 2;
  await stage.open(`#/all/${idOf("4412")}`);
  await expect(page.locator(".switch .more")).toBeVisible();
  const [shown, whole] = await page.locator("h1").evaluate((name) => [name.clientWidth, name.scrollWidth]);
  expect(shown).toBe(whole); // Jonas Weber
});

test("numbers and keys are in the language that was chosen, whatever the browser speaks", async ({ browser }) => {
  for (const [locale, language, count, keys] of [
    ["de-DE", "en", "1,700 of 2,000", "Ctrl ⇧ ⏎"],
    ["en-GB", "de", "1.700 von 2.000", "Strg ⇧ ⏎"],
  ] as const) {
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    const stage = new Stage(page);
    await stage.speak(language);
    stage.conversations = morning();
    await stage.open(`#/all/${SOMEBODY}`);
    await page.locator("#composer").fill("a".repeat(1700));
    await expect(page.locator("#composer-count")).toContainText(count);
    await expect(page.locator("#send-menu kbd").first()).toHaveText(keys);
    await context.close();
  }
});

test("what can be tapped is as large as a thumb", async ({ browser }) => {
  const phone = { viewport: PHONE, isMobile: true, hasTouch: true };
  const context = await browser.newContext(phone);
  const page = await context.newPage();
  const stage = new Stage(page);
  stage.conversations = morning();
  stage.held = 2;
  const one = row("user", 9, "one");
  stage.messages.set(idOf("4412"), [one, row("user", 8, "two", { reply_to: one.mid ?? "" })]);
  // The time of a message is a link in a line of text, and skipping is for keyboards.
  const small = () =>
    page.evaluate(() => {
      const all = [...document.querySelectorAll("button, a, label, input, summary, [role=option]")];
      const some = all.filter((one) => one.checkVisibility() && !one.matches(".when, .skip *, .segments input"));
      const inDialog = some.filter((one) => one.closest("dialog"));
      return (inDialog.length > 0 ? inDialog : some)
        .filter((one) => !one.matches(".search input") || one.closest("dialog"))
        .map((one) => ({ name: one.outerHTML.slice(0, 90), box: one.getBoundingClientRect() }))
        .filter(({ box }) => Math.min(box.width, box.height) < 43.9)
        .map(({ name, box }) => `${name} ${box.width}x${box.height}`);
    });
  await stage.open("#/all");
  await expect(page.locator("a.row").first()).toBeVisible();
  expect.soft(await small(), "the list").toEqual([]);
  for (const name of ["Stop all bots", "Keyboard shortcuts", "Settings"]) {
    await page.getByRole("button", { name }).tap();
    await expect(page.getByRole("dialog")).toBeVisible();
    expect.soft(await small(), name).toEqual([]);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await stage.go(`#/all/${idOf("4412")}`);
  await page.locator(".switch .more").tap();
  await expect(page.locator("#resume-menu")).toBeVisible();
  expect.soft(await small(), "a conversation").toEqual([]);
  await context.close();
});

test("at twice the size all is in reach, however long the draft", async ({ stage, page }) => {
  stage.stop = { paused: true, reason: "w".repeat(60), by: null, since: ago(DAY) };
  await stage.open(`#/all/${SOMEBODY}`);
  await page.locator("#composer").fill("a\n".repeat(30));
  for (const [width, height] of [
    [640, 400],
    [320, 568],
  ] as const) {
    await page.setViewportSize({ width, height });
    await expect(page.locator(".send").first()).toBeInViewport({ ratio: 1 });
    await expect(page.locator(".banner button")).toBeInViewport({ ratio: 1 });
  }
});

test("what is chosen and where the focus is can be seen in the user's own colours", async ({ stage, page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await stage.open(`#/all/${SOMEBODY}`);
  const outline = (what: string) =>
    page
      .locator(what)
      .first()
      .evaluate((element) => getComputedStyle(element).outlineStyle);
  await page.locator("#composer").focus();
  for (const what of ["a.row[aria-current]", ".filters a[aria-current]", "#composer"]) {
    expect(await outline(what), what).toBe("solid");
  }
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await outline('[aria-selected="true"]')).toBe("solid");
  await page.keyboard.type("settings");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("switch").first()).toBeVisible();
  expect(await outline(".segments :checked + span")).toBe("solid");
  const [ground, thumb] = await page
    .getByRole("switch")
    .first()
    .evaluate((one) => [one, one.querySelector("i") ?? one].map((part) => getComputedStyle(part).backgroundColor));
  expect(thumb).not.toBe(ground);
});

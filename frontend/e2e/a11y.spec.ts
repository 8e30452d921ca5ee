import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test as base, expect, type Page } from "@playwright/test";
import axe from "axe-core";
import { ago, asking, awkward, BEN, DAY, fates, idOf, long, morning, row, showing } from "./scenes";
import { PHONE, Stage } from "./stage";

/** Where a picture of each state is wanted: `PICTURES=folder`. */
const PICTURES = process.env.PICTURES;
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const DESKTOP = { width: 1440, height: 900 };

const test = base.extend<{ stage: Stage }>({
  stage: async ({ page }, use) => {
    await page.setViewportSize(DESKTOP);
    await use(new Stage(page));
  },
});
test.setTimeout(240_000);
// A trace of each look takes longer than the look; the names say where something was found.
test.use({ trace: "off" });

/** Every rule of WCAG 2.2 AA that can be checked by machine, light and dark, desktop and phone. */
async function isAccessible(page: Page, state: string, height = 0): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    await page.setViewportSize({ ...viewport, height: height || viewport.height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const name = `${state}, ${size}, ${colorScheme}`;
      if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name.replace(/\W+/g, "-")}.png`) });
      expect.soft(await violations(page), name).toEqual([]);
    }
    await expect.soft(page.locator("main"), `one main: ${state}, ${size}`).toHaveCount(1);
    await expect.soft(page.locator("h1:visible"), `one h1: ${state}, ${size}`).toHaveCount(1);
  }
  await page.setViewportSize(DESKTOP);
}

/** By axe itself: what Playwright's wrapper adds takes thrice the time. */
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async (tags) => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe;
    const found = await run({ runOnly: tags, resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
    );
  }, WCAG);
}

test.beforeAll(() => {
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
});

test("before anybody is signed in", async ({ stage, page }) => {
  stage.faults.set("config.json", { status: 500, code: "", message: "" });
  await stage.open("", { isSignedIn: false });
  await expect(page.getByRole("heading", { name: "cannot start" })).toBeVisible();
  await isAccessible(page, "no start");
  stage.faults.clear();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  await isAccessible(page, "sign-in that fails");
});

test("a list that is on its way, fails, is empty, or has an end", async ({ stage, page }) => {
  stage.faults.set("*", "silence");
  await stage.open();
  await expect(page.locator(".ghost").first()).toBeVisible();
  await isAccessible(page, "the list is loading");
  stage.faults.set("*", {
    status: 503,
    code: "unavailable",
    message: "The tables do not answer. Try again in a minute.",
  });
  await page.reload();
  await expect(page.locator(".list-end")).toContainText("do not answer");
  await expect(page.locator(".banner")).toContainText("The server does not answer");
  await isAccessible(page, "the list failed, and the server does not answer");
  stage.faults.clear();
  await page.locator(".banner").getByRole("button", { name: "Try again" }).click();
  await expect(page.locator(".empty code")).toBeVisible();
  await expect(page.locator(".banner")).toHaveCount(0);
  await isAccessible(page, "the first run");
  await stage.go("#/waiting");
  await expect(page.getByText("Nobody waits", { exact: true })).toBeVisible();
  await isAccessible(page, "nobody waits");

  stage.conversations = morning();
  stage.listPage = 12;
  stage.faults.set("sessions?cursor", { status: 500, code: "", message: "Something went wrong. Try again." });
  await stage.open();
  await page.reload();
  await expect(page.locator("a.row").first()).toBeVisible();
  await isAccessible(page, "a busy morning");
  await page.locator("#list").evaluate((list) => list.scrollTo(0, 9999));
  await expect(page.locator(".list-end")).toContainText("Something went wrong");
  await isAccessible(page, "the next page of the list failed");
  stage.faults.clear();
  await page.locator(".list-end button").click();
  await expect(page.locator(".list-end")).toContainText("That is everybody");
  await page.locator("#list").evaluate((list) => list.scrollTo(0, 0));
  await page.locator("a.row").first().focus();
  await stage.happens(idOf("4421"), { last_activity_at: new Date().toISOString(), unread: true });
  await expect(page.getByRole("button", { name: "The order has changed" })).toBeVisible();
  await isAccessible(page, "rows that wait to be moved");
  await stage.go("#/all?q=nobody%20of%20this%20name");
  await expect(page.getByText("Nobody found")).toBeVisible();
  await isAccessible(page, "nothing found");
});

test("a conversation, whoever has the word", async ({ stage, page }) => {
  stage.conversations = morning();
  stage.messages.set(idOf("4412"), asking());
  stage.messages.set(idOf("4415"), asking().slice(0, 7));
  stage.messages.set(idOf("4416"), fates());
  stage.messages.set(idOf("4424"), [row("user", (39 * DAY) / 60_000, "Gracias")]);
  stage.held = 2;
  await stage.open(`#/all/${idOf("4415")}`);
  await expect(page.locator(".says")).toContainText("The bot is answering");
  await isAccessible(page, "the bot answers");
  stage.faults.set("unpause", { status: 409, code: "conflict", message: "Somebody else was faster. Look again." });
  await page.locator("#switch").click();
  await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator("#switch").click();
  await expect(page.locator(".toast")).toHaveCount(2);
  await page.locator("#composer").fill("Yes. ".repeat(460));
  await expect(page.getByRole("button", { name: "Send 2 messages" })).toBeVisible();
  await page.getByRole("button", { name: "More ways to send" }).click();
  await isAccessible(page, "toasts, and a draft that is too long");

  await stage.go(`#/waiting/${idOf("4412")}`);
  await page.locator(".switch .more").click();
  await expect(page.locator("#resume-menu")).toBeVisible();
  await isAccessible(page, "somebody waits, and what was held");
  await stage.go(`#/all/${idOf("4416")}`);
  await expect(page.locator(".message .failed").first()).toBeVisible();
  await isAccessible(page, "the fates of answers");
  await stage.go(`#/all/${idOf("4424")}`);
  await expect(page.locator("#composer-state")).toContainText("must write again first");
  await isAccessible(page, "the time for answering is over");
  await stage.happens(idOf("4424"), { window: { type: "human_agent", until: ago(-3 * DAY) } });
  await expect(page.locator("#composer-state")).toContainText("a person’s own answer");
  await isAccessible(page, "only a person may answer");
});

test("everything that can be said", async ({ stage, page }) => {
  stage.conversations = morning();
  stage.messages.set(idOf("4413"), showing());
  stage.messages.set(idOf("4418"), awkward());
  stage.messages.set(idOf("4414"), long(80));
  stage.conversations = stage.conversations.map((one) =>
    one.id === idOf("4414") ? { ...one, unread: true, seen_at: ago(30 * 60_000 + 1) } : one,
  );
  await stage.open(`#/all/${idOf("4413")}`);
  await expect(page.locator(".message").first()).toBeVisible();
  await isAccessible(page, "media and templates", 3600);
  await stage.go(`#/all/${idOf("4418")}`);
  await expect(page.getByText("not bold")).toBeVisible();
  await isAccessible(page, "long and from right to left", 2400);
  await stage.go(`#/all/${idOf("4414")}`);
  await expect(page.locator(".unread-line")).toBeVisible();
  await expect(page.locator(".latest")).toBeVisible();
  await isAccessible(page, "unread, and the latest further down");
  stage.faults.set("messages", { status: 500, code: "", message: "Something went wrong. Try again." });
  await stage.go(`#/all/${idOf("4411")}`);
  await expect(page.locator(".thread-top")).toContainText("Something went wrong");
  await isAccessible(page, "a history failed");
  stage.faults.set("messages", "silence");
  await stage.go(`#/all/${idOf("4423")}`);
  await expect(page.locator(".thread-top")).toContainText("Loading");
  await isAccessible(page, "a history is loading");
  await stage.go("#/all/messenger:100:9999");
  await expect(page.locator(".thread-pane h1")).toContainText("cannot be shown");
  await isAccessible(page, "no such conversation");
});

test("dialogs, and what concerns everybody", async ({ stage, page }) => {
  stage.conversations = morning();
  stage.messages.set(idOf("4412"), asking());
  await stage.open(`#/waiting/${idOf("4412")}`);
  await expect(page.locator("#composer")).toBeVisible();
  for (const [key, name] of [
    ["Shift+?", "Keyboard shortcuts"],
    ["Control+k", "Go to"],
  ] as const) {
    await page.keyboard.press(key);
    await expect(page.getByRole("dialog", { name })).toBeVisible();
    await isAccessible(page, `the dialog ${name}`);
    if (name === "Go to") {
      await page.keyboard.type("nobody");
      await expect(page.getByText("Nothing of that name")).toBeVisible();
      await isAccessible(page, "the palette finds nothing");
    }
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  for (const name of ["Settings", "Stop all bots"]) {
    await page.getByRole("button", { name }).click();
    await expect(page.getByRole("dialog", { name })).toBeVisible();
    await isAccessible(page, `the dialog ${name}`);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  stage.stop = { paused: true, reason: "It says wrong prices", by: BEN, since: ago(12 * 60_000) };
  const reason = "Meta no longer takes this Page's token. Make a new one and set it as docs/operating.md says.";
  const disconnected = { since: ago(40 * 60_000), reason };
  stage.pages = [{ platform: "messenger", id: "100", disconnected }];
  await page.evaluate(() => dispatchEvent(new Event("focus")));
  await expect(page.locator(".banner")).toHaveCount(2);
  await page.locator(".banner.strong button").click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await isAccessible(page, "the dialog that lifts the stop");
  await page.keyboard.press("Escape");
  stage.faults.set("*", { status: 401, code: "unauthenticated", message: "Sign in." });
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.getByRole("button", { name: "Sign in again" })).toBeVisible();
  await isAccessible(page, "signed out, stopped and disconnected");
  stage.stop = { ...stage.stop, paused: false };
  stage.pages = [];
  stage.faults.clear();
  await page.reload();
  await expect(page.locator("#composer")).toBeVisible();
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline")).toBeVisible();
  await isAccessible(page, "offline");
});

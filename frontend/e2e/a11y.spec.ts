import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { type Customer, expect, type Operator, test } from "./world";

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Every rule of WCAG 2.2 AA that can be checked by machine, light and dark, desktop and phone. */
async function isAccessible(page: Page, state: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(WCAG).analyze();
      const found = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
      );
      expect.soft(found, `${state}, ${size}, ${colorScheme}`).toEqual([]);
      await expect.soft(page.locator("main"), `one main: ${state}, ${size}`).toHaveCount(1);
      await expect.soft(page.locator("h1:visible"), `one h1: ${state}, ${size}`).toHaveCount(1);
    }
  }
  await page.setViewportSize(SIZES.desktop);
}

test.setTimeout(180_000);

test("signing in, and the first run", async ({ stack, page, signIn }) => {
  await page.goto(stack.url);
  await expect(page.getByRole("button", { name: /^sign in/i })).toBeVisible();
  await isAccessible(page, "sign-in");
  const ana = await signIn();
  await isAccessible(ana.page, "nobody has written yet");
  await ana.show("Waiting");
  await isAccessible(ana.page, "nobody waits");
});

test("the list and a conversation", async ({ signIn, customer }) => {
  const ana = await signIn();
  await speak(ana, customer);
  await isAccessible(ana.page, "a list and nothing open");
  await ana.page.locator("#search").fill("nobody of this name");
  await expect(ana.list.locator("a.row")).toHaveCount(0);
  await isAccessible(ana.page, "nothing found");
  await ana.page.locator("#search").fill("");
  await ana.open(customer);
  await expect(ana.message("hello").first()).toBeVisible();
  await isAccessible(ana.page, "the bot answers");
  await customer.asksForAPerson();
  await expect(ana.switch).toContainText("Resume");
  await isAccessible(ana.page, "somebody waits");
  await customer.says("is anybody there?");
  await ana.page.getByRole("button", { name: /kept from the bot/ }).click();
  await expect(ana.page.locator("#resume-menu")).toBeVisible();
  await isAccessible(ana.page, "with or without what was held");
  await ana.page.keyboard.press("Escape");
  await customer.orderTrouble("blocked");
  await ana.reply("cannot be sent");
  await expect(ana.message("cannot be sent")).toContainText("Not sent");
  await ana.reply("can be sent");
  await expect(customer.got("can be sent")).toBeVisible();
  await ana.composer.fill("words ".repeat(400));
  await isAccessible(ana.page, "sent, not sent, and a long draft");
});

test("dialogs and menus", async ({ signIn, customer }) => {
  const ana = await signIn();
  await speak(ana, customer);
  await ana.open(customer);
  for (const [key, state] of [
    ["Shift+?", "help"],
    ["Control+k", "the palette"],
  ] as const) {
    await ana.thread.focus();
    await ana.page.keyboard.press(key);
    await expect(ana.page.getByRole("dialog")).toBeVisible();
    await isAccessible(ana.page, state);
    await ana.page.keyboard.press("Escape");
    await expect(ana.page.getByRole("dialog")).toHaveCount(0);
  }
  for (const name of ["Settings", "Stop all bots"]) {
    await ana.page.getByRole("button", { name }).click();
    await expect(ana.page.getByRole("dialog", { name })).toBeVisible();
    await isAccessible(ana.page, `the dialog ${name}`);
    await ana.page.keyboard.press("Escape");
  }
  await ana.composer.fill("ready");
  await ana.page.getByRole("button", { name: "More ways to send" }).click();
  await expect(ana.page.locator("#send-menu")).toBeVisible();
  await isAccessible(ana.page, "the ways to send");
});

test("what goes wrong", async ({ stack, signIn, customer }) => {
  const ana = await signIn();
  await speak(ana, customer);
  await ana.page.evaluate(() => {
    location.hash = "#/all/messenger:1:999";
  });
  await expect(ana.page.locator(".thread-pane .empty")).toBeVisible();
  await isAccessible(ana.page, "no such conversation");
  const late = (await stack.ask("POST", "/simulator/api/customers", {})) as { key: string };
  await stack.wrote(late.key, "two days ago", 2 * 86_400_000);
  await ana.list.locator(`a.row[href*="${late.key}"]`).click();
  await expect(ana.page.locator("#composer-state")).toContainText("must write again first");
  await isAccessible(ana.page, "the time for answering is over");
  await ana.open(customer);
  await customer.orderTrouble("token");
  await ana.reply("the Page is not connected");
  await expect(ana.page.locator(".banner")).toBeVisible();
  await isAccessible(ana.page, "the Page is disconnected");
  await ana.page.context().setOffline(true);
  await expect(ana.page.getByText("You are offline")).toBeVisible();
  await isAccessible(ana.page, "offline");
});

async function speak(ana: Operator, customer: Customer): Promise<void> {
  await customer.says("hello");
  await expect(customer.got("hello")).toBeVisible();
  await expect(ana.row(customer)).toBeVisible();
}

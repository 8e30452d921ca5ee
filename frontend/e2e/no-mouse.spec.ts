import type { Page } from "@playwright/test";
import app from "../src/words/en/app.json" with { type: "json" };
import { PHONE } from "./stage";
import { expect, test } from "./world";

test("a whole answer without the mouse", async ({ signIn, customer }) => {
  const ana = await signIn();
  const { keyboard } = ana.page;
  await customer.says("keys only, please");
  await customer.asksForAPerson();
  await expect(ana.row(customer)).toBeVisible();

  await keyboard.press("Shift+?");
  await expect(ana.page.getByRole("dialog")).toBeVisible();
  await keyboard.press("Escape");
  await expect(ana.page.getByRole("dialog")).toHaveCount(0);

  await keyboard.press("/");
  await expect(ana.page.locator("#search")).toBeFocused();
  await keyboard.press("Escape");

  await keyboard.press("j");
  await expect(ana.composer).toBeVisible();
  for (let tries = 0; tries < 20 && (await ana.row(customer).getAttribute("aria-current")) !== "true"; tries++) {
    await keyboard.press("j");
  }
  await expect(ana.row(customer)).toHaveAttribute("aria-current", "true");
  await keyboard.press("r");
  await expect(ana.composer).toBeFocused();
  await keyboard.type("by key");
  await keyboard.press("Enter");
  await expect(customer.got("by key")).toHaveCount(1);
  await keyboard.press("Escape");
  await keyboard.press("p");
  await expect(ana.switch).toContainText("Pause");
  await expect(customer.page.locator("#status")).toContainText("The bot is answering");
});

test("a whole answer by ear", async ({ signIn, customer }) => {
  const { page } = await signIn();
  const main = page.getByRole("main");
  const title = page.getByRole("heading", { level: 1 });
  await expect(title).toHaveText(app["app.title"]);
  await main.getByRole("navigation").getByRole("link", { name: app["filter.waiting"] }).press("Enter");
  const heard = await listen(page);
  await customer.asksForAPerson();
  await heard(/^\S.* waits$/m);
  await customer.says("my parcel is late");

  const row = main.getByRole("region", { name: app["list.label"] }).getByRole("link", { name: "my parcel is late" });
  await expect(row).toHaveAccessibleName(new RegExp(app["row.waits"]));
  await row.press("Enter");
  await expect(title).not.toHaveText(app["app.title"]);
  await expect(row).toHaveAccessibleName(new RegExp((await title.textContent()) ?? ""));
  const messages = main.getByRole("region", { name: app["thread.label"] });
  await page.getByRole("button", { name: app["skip.thread"] }).press("Enter");
  await expect(messages).toBeFocused();
  await expect(messages.getByRole("listitem").filter({ hasText: "my parcel is late" })).toContainText(
    "Held from the bot",
  );
  await customer.says("are you there?");
  await heard(/: are you there\?/);

  await page.getByRole("button", { name: app["skip.composer"] }).press("Enter");
  const answer = main.getByRole("textbox", { name: app["composer.label"].replace("{customer}", "") });
  await expect(answer).toBeFocused();
  await expect(answer).toHaveAccessibleDescription(/The bot is silent/);
  await customer.orderTrouble("rate");
  await page.keyboard.type("I am looking into it");
  await page.keyboard.press("Enter");
  await heard(/Not sent: .*takes no more calls/);
  await messages.getByRole("button", { name: "Retry" }).press("Enter");
  await heard(/^Sent$/m);
  await expect(customer.got("I am looking into it")).toHaveCount(1);
  await main.getByRole("button", { name: app["act.resume"], exact: true }).press("Enter");
  await heard(new RegExp(app["done.resumed"]));
  await heard(new RegExp(`^${app["says.bot"]}`, "m"));
});

test("a whole answer on a phone, by touch", async ({ signIn, customer }) => {
  const phone = { viewport: PHONE, isMobile: true, hasTouch: true };
  const { page } = await signIn("Ana", phone);
  const title = page.getByRole("heading", { level: 1 });
  const list = page.getByRole("region", { name: app["list.label"] });
  const messages = page.getByRole("region", { name: app["thread.label"] });
  await customer.asksForAPerson();
  await customer.says("by phone, please");
  await page.getByRole("link", { name: app["filter.waiting"] }).tap();
  const row = list.getByRole("link", { name: "by phone, please" });
  await row.tap();
  await expect(messages.getByRole("listitem").filter({ hasText: "by phone, please" })).toBeInViewport();
  await expect(title).not.toHaveText(app["app.title"]);
  await expect(title).toBeFocused();
  await expect(list).toBeHidden();

  const heard = await listen(page);
  const answer = page.getByRole("textbox");
  await answer.tap();
  await page.keyboard.type("By thumb");
  await page.getByRole("button", { name: app.send, exact: true }).tap();
  await heard(/^Sent$/m);
  await expect(customer.got("By thumb")).toHaveCount(1);
  await page.getByRole("button", { name: app["act.resume.short"], exact: true }).tap();
  await heard(new RegExp(app["done.resumed"]));
  await customer.asksForAPerson();
  const name = (await title.textContent()) ?? "";
  await heard(new RegExp(`^${name} waits$`, "m"));

  await page.getByRole("button", { name: app["thread.back"] }).tap();
  await expect(title).toHaveText(app["app.title"]);
  await expect(list).toBeFocused();
  await expect(messages).toBeHidden();
  await list.getByRole("link", { name }).tap();
  await expect(messages).toBeVisible();
  await page.goBack();
  await expect(list).toBeVisible();
});

/** What a screen reader says by itself: a live region that is there for it, whenever its words change. */
async function listen(page: Page): Promise<(words: RegExp) => Promise<void>> {
  await page.evaluate(() => {
    const spoken: string[] = [];
    Object.assign(globalThis, { spoken });
    new MutationObserver((changes) => {
      const of = ({ target }: MutationRecord) => (target instanceof Element ? target : target.parentElement);
      const regions = changes.map((change) => of(change)?.closest('[role="status"], [role="log"], [role="alert"]'));
      for (const region of new Set(regions)) if (region?.checkVisibility()) spoken.push(region.textContent.trim());
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return (words) =>
    expect
      .poll(() => page.evaluate(() => (globalThis as unknown as { spoken: string[] }).spoken.join("\n")))
      .toMatch(words);
}

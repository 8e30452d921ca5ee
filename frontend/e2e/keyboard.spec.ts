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

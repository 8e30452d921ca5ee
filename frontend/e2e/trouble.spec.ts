import { expect, test } from "./world";

test("a draft survives a reload and a sign-in that has run out", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await ana.open(customer);
  await ana.composer.fill("half a tho");
  await ana.page.reload();
  await expect(ana.composer).toHaveValue("half a tho");

  await ana.page.route("**/api/**", (route) =>
    route.fulfill({ status: 401, json: { code: "unauthenticated", message: "Sign in." } }),
  );
  await ana.composer.pressSequentially("ught");
  const again = ana.page.getByRole("button", { name: /^sign in/i });
  await expect(again).toBeVisible({ timeout: 20_000 });
  await ana.page.unroute("**/api/**");
  await again.click();
  await ana.page.getByRole("button", { name: "Sign in as Ana" }).click();
  await expect(ana.composer).toHaveValue("half a thought");
});

test("signing out is told to the provider in the words of the standard and of Cognito", async ({ signIn }) => {
  const ana = await signIn();
  await ana.page.getByRole("button", { name: "Settings" }).click();
  const [left] = await Promise.all([
    ana.page.waitForRequest(/end_session\?/),
    ana.page.getByRole("button", { name: "Sign out" }).click(),
  ]);
  const asked = new URL(left.url()).searchParams;
  expect(asked.get("client_id")).toBeTruthy();
  expect(asked.get("logout_uri")).toBe(asked.get("post_logout_redirect_uri"));
  await expect(ana.page.getByRole("button", { name: /^sign in/i })).toBeVisible();
});

test("offline and back: nothing is missed and nothing is lost", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await customer.asksForAPerson();
  await ana.open(customer);
  await expect(ana.message("hello").first()).toBeVisible();
  await ana.page.context().setOffline(true);
  await ana.reply("written offline");
  await customer.says("are you there?");
  await expect(ana.page.getByText("You are offline")).toBeVisible();
  await expect(ana.message("written offline")).toBeVisible();
  await expect(customer.got("written offline")).toHaveCount(0);

  await ana.page.context().setOffline(false);
  await expect(ana.message("are you there?")).toBeVisible({ timeout: 20_000 });
  const retry = ana.message("written offline").getByRole("button", { name: "Retry" });
  if (await retry.isVisible()) await retry.click();
  await expect(customer.got("written offline")).toHaveCount(1);
  await expect(ana.message("written offline")).toHaveCount(1);
});

test("a send that fails says why, and goes out once when it is tried again", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await customer.asksForAPerson();
  await ana.open(customer);
  await customer.orderTrouble("rate");
  await ana.reply("try me twice");
  const mine = ana.message("try me twice");
  await expect(mine).toContainText("Not sent");
  await expect(mine).toContainText(/takes no more calls/);
  await mine.getByRole("button", { name: "Retry" }).click();
  await expect(mine).toContainText(/Sent|Delivered|Read/);
  await expect(customer.got("try me twice")).toHaveCount(1);
  await expect(mine).toHaveCount(1);
});

test("an answer that never came leaves it to the operator", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await customer.asksForAPerson();
  await ana.open(customer);
  await customer.orderTrouble("window");
  await ana.reply("too late");
  const mine = ana.message("too late");
  await expect(mine).toContainText("Not sent");
  await expect(mine.getByRole("button", { name: "Retry" })).toHaveCount(0);
  await mine.getByRole("button", { name: "Edit" }).click();
  await expect(ana.composer).toHaveValue("too late");
  await expect(mine).toHaveCount(0);
});

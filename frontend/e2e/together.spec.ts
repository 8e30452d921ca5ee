import { expect, test } from "./world";

test("two operators at once see the same, once", async ({ signIn, customer }) => {
  await customer.says("hello");
  await customer.asksForAPerson();
  const [ana, ben] = [await signIn("Ana"), await signIn("Ben")];
  await ana.open(customer);
  await ben.open(customer);
  await ana.reply("Ana here");
  await expect(ben.message("Ana here")).toHaveCount(1);
  await ben.reply("Ben here");
  for (const operator of [ana, ben]) {
    for (const text of ["Ana here", "Ben here"]) await expect(operator.message(text)).toHaveCount(1);
  }
  for (const text of ["Ana here", "Ben here"]) await expect(customer.got(text)).toHaveCount(1);
  await expect(ben.message("Ana here")).toContainText("Ana");
  await expect(ana.message("Ben here")).toContainText("Ben");

  await Promise.all([ana.switch.click(), ben.switch.click()]);
  for (const operator of [ana, ben]) {
    await expect(operator.switch).toContainText("Pause");
    await expect(operator.thread.locator(".line.resumed")).toHaveCount(1);
  }
});

test("of two who answer at once the second is told what the first has said", async ({ signIn, customer }) => {
  await customer.says("hello");
  await customer.asksForAPerson();
  const [ana, ben] = [await signIn("Ana"), await signIn("Ben")];
  await ana.open(customer);
  await ben.open(customer);
  await expect(ben.message("hello").first()).toBeVisible();
  // Ben has not heard of it yet when he sends.
  await ben.page.route(/since=/, (route) => route.abort());
  await ana.reply("Ana was first");
  await expect(customer.got("Ana was first")).toHaveCount(1);
  await ben.reply("Ben was second");
  const second = ben.message("Ben was second");
  await expect(second).toContainText("Ana has answered meanwhile");
  await expect(ben.message("Ana was first")).toHaveCount(1);
  await expect(customer.got("Ben was second")).toHaveCount(0);

  await ben.page.unroute(/since=/);
  await second.getByRole("button", { name: "Send all the same" }).click();
  await expect(customer.got("Ben was second")).toHaveCount(1);
  await expect(second).toContainText(/Sent|Delivered|Read/);
  await expect(second).toHaveCount(1);
});

test("the global stop silences every bot, says so to everybody, and is lifted", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("before");
  await expect(customer.got("before")).toBeVisible();
  await ana.open(customer);
  await ana.page.getByRole("button", { name: "Stop all bots" }).click();
  const dialog = ana.page.getByRole("dialog");
  await dialog.getByLabel("Why").fill("it says wrong things");
  await dialog.getByRole("button", { name: "Stop all bots" }).click();
  const banner = ana.page.locator(".banner.strong");
  await expect(banner).toContainText("it says wrong things");
  await customer.says("during");
  await expect(ana.message("during")).toContainText("Held from the bot");
  await expect(customer.got("during")).toHaveCount(0);

  await banner.getByRole("button", { name: "Let the bots answer" }).click();
  await dialog.getByRole("button", { name: "Let the bots answer" }).click();
  await expect(banner).toHaveCount(0);
  await customer.says("after");
  await expect(customer.got("after")).toBeVisible();
});

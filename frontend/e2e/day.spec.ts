import { expect, test } from "./world";

test("a customer asks for a person, gets one, and gets the bot back", async ({ signIn, customer }) => {
  const ana = await signIn();
  await ana.show("Waiting");
  await customer.says("hello");
  await expect(customer.got("hello")).toBeVisible();
  await customer.asksForAPerson();
  await customer.says("my parcel is late");

  await expect(ana.row(customer)).toContainText("my parcel is late");
  await ana.open(customer);
  await expect(ana.message("my parcel is late")).toContainText("Held from the bot");
  await customer.looks(false);
  await ana.reply("I am looking into it");
  await expect(customer.got("I am looking into it")).toBeVisible();
  const mine = ana.message("I am looking into it");
  await expect(mine).toContainText(/Sent|Delivered/);
  await expect(mine).toContainText("Delivered", { timeout: 20_000 });
  await customer.looks(true);
  await expect(mine).toContainText("Read", { timeout: 20_000 });
  await expect(customer.got("I am looking into it")).toHaveCount(1);
  await expect(ana.message("I am looking into it")).toHaveCount(1);

  await expect(ana.switch).toContainText("Hand back to the bot");
  await ana.switch.click();
  await expect(ana.page.locator(".says")).toContainText("The bot is answering");
  await customer.says("thanks, bot");
  await expect(customer.got("thanks, bot")).toBeVisible();
  await expect(ana.message("thanks, bot")).toHaveCount(2);

  await ana.switch.click();
  await expect(ana.switch).toContainText("Hand back to the bot");
  await ana.page.getByRole("button", { name: "Undo" }).click();
  await expect(ana.switch).toContainText("Pause");
  // Only what is in sight is in the page.
  await expect(ana.thread.locator(".line.paused, .line.resumed").last()).toContainText("Handed back to the bot by you");
});

test("a person who answers silences the bot first", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hi there");
  await ana.open(customer);
  await expect(ana.page.getByRole("button", { name: /pause.*send|send.*pause/i })).toBeVisible();
  await ana.reply("A person here");
  await expect(customer.got("A person here")).toBeVisible();
  await expect(ana.switch).toContainText("Hand back to the bot");
  await customer.says("are you real?");
  await expect(ana.message("are you real?")).toContainText("Held from the bot");
  await expect(customer.got("are you real?")).toHaveCount(0);
});

test("one key sends, gives back to the bot, and opens the next", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("is this resolved?");
  await customer.asksForAPerson();
  await ana.show("Waiting");
  await ana.open(customer);
  await ana.composer.fill("Yes, it is");
  await ana.composer.press("Alt+Enter");
  await expect(customer.got("Yes, it is")).toHaveCount(1);
  await expect(ana.row(customer)).toHaveCount(0);
  await expect(customer.page.locator("#status")).toContainText("The bot is answering");
});

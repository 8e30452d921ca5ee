import { expect, test } from "./world";

const DAY_MS = 86_400_000;

test("the time for answering runs out in an open conversation, and begins anew", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.wrote("an old question", DAY_MS - 25_000);
  await ana.open(customer);
  const bar = ana.page.locator("#composer-state");
  const send = ana.page.locator(".composer .send").first();
  await expect(bar).toContainText("less than 1 min left to answer");
  await ana.composer.fill("half an answer");
  await expect(send).toBeEnabled();
  await expect(bar).toContainText("must write again first", { timeout: 40_000 });
  await expect(send).toBeDisabled();
  await ana.composer.press("Enter");
  await expect(ana.composer).toHaveValue("half an answer");

  await customer.says("still there?");
  await expect(bar).toContainText("23 h left to answer");
  await ana.composer.press("Enter");
  await expect(customer.got("half an answer")).toHaveCount(1);
});

test("a pause ends in an open conversation, and the bot answers what nobody did", async ({
  stack,
  signIn,
  customer,
}) => {
  test.setTimeout(180_000);
  const ana = await signIn();
  await customer.says("hello");
  await ana.open(customer);
  await stack.ask("POST", `/api/botpress-hitl/sessions/${encodeURIComponent(customer.key)}/pause`, { minutes: 1 });
  const says = ana.page.locator(".says");
  await expect(says).toContainText("bot back in less than 1 min");
  await customer.says("nobody answers this");
  await expect(ana.message("nobody answers this")).toContainText("Held from the bot");
  await expect(says).toContainText("The bot is answering", { timeout: 75_000 });
  await customer.says("hello again");
  for (const text of ["nobody answers this", "hello again"]) await expect(customer.got(text)).toHaveCount(1);
  await expect(ana.thread.locator(".line.resumed")).toHaveCount(1);
});

test("an answer from the Page inbox takes over", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await ana.open(customer);
  await expect(ana.switch).toContainText("Pause");
  await customer.getsFromTheInbox("Kim of the inbox here");
  const said = ana.message("Kim of the inbox here");
  await expect(said).toContainText("Page inbox");
  await expect(ana.page.locator(".says")).toContainText("The Page inbox is answering");
  await expect(ana.switch).toContainText("Hand back to the bot");
  await customer.says("thank you");
  await expect(ana.message("thank you")).toContainText("Held from the bot");
  await expect(customer.got("thank you")).toHaveCount(0);
});

test("what a bot says too late never reaches the customer, and stands with its reason", async ({
  stack,
  signIn,
  customer,
}) => {
  const ana = await signIn();
  await customer.says("hello");
  await ana.open(customer);
  await ana.switch.click();
  await expect(ana.switch).toContainText("Hand back to the bot");
  const path = `/api/botpress-hitl/sessions/${encodeURIComponent(customer.key)}/messages`;
  const late = { client_id: "late-1", text: "the bot was slow", epoch: 0 };
  const token = await stack.botToken(customer.key);
  await expect(async () => {
    await expect(stack.ask("POST", path, late, token)).rejects.toThrow("answered 409");
  }).toPass({ timeout: 60_000, intervals: [3000] });
  const row = ana.message("the bot was slow");
  await expect(row).toContainText("Refused");
  await expect(row).toContainText("a person answers, not the bot");
  await expect(row.getByRole("button")).toHaveCount(0);
  await expect(customer.got("the bot was slow")).toHaveCount(0);
});

test("the bot is given back with what was held, or without", async ({ signIn, customer }) => {
  const ana = await signIn();
  await customer.says("hello");
  await customer.asksForAPerson();
  await customer.says("first question");
  await customer.says("second question");
  await ana.open(customer);
  await ana.page.getByRole("button", { name: /kept from the bot/ }).click();
  await ana.page.getByRole("button", { name: /the bot answers the 2 messages since/ }).click();
  await expect(ana.switch).toContainText("Pause");
  for (const text of ["first question", "second question"]) await expect(customer.got(text)).toHaveCount(1);

  await customer.asksForAPerson();
  await customer.says("third question");
  await ana.page.getByRole("button", { name: /kept from the bot/ }).click();
  await ana.page.getByRole("button", { name: /only reads the 1 message since/ }).click();
  await expect(ana.switch).toContainText("Pause");
  await customer.says("fourth question");
  await expect(customer.got("fourth question")).toHaveCount(1);
  await expect(customer.got("third question")).toHaveCount(0);
});

/** Who plays in a test: operators in the dashboard, customers in the simulator, and the one stack under both. */
import { type Browser, type BrowserContext, test as base, expect, type Locator, type Page } from "@playwright/test";
import { Stack } from "./stack";

export { expect };

interface Players {
  /** Somebody who has not written yet, with the simulator in front of them. */
  customer: Customer;
  /** Signs somebody in, in a browser of their own. */
  signIn: (name?: "Ana" | "Ben", options?: Parameters<Browser["newContext"]>[0]) => Promise<Operator>;
}

export const test = base.extend<Players, { stack: Stack }>({
  stack: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what is asked for
    async ({}, use) => {
      const stack = await Stack.start();
      await use(stack);
      await stack.stop();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  customer: async ({ stack, browser }, use) => {
    const { key } = (await stack.ask("POST", "/simulator/api/customers", {})) as { key: string };
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${stack.url}/simulator/#${encodeURIComponent(key)}`);
    await expect(page.locator("#key")).toHaveText(key);
    await use(new Customer(page, key, stack));
    await context.close();
  },
  signIn: async ({ stack, browser }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (name = "Ana", options = {}) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      const operator = new Operator(await context.newPage(), stack);
      await operator.page.goto(stack.url);
      await operator.signIn(name);
      return operator;
    });
    for (const context of contexts) await context.close();
  },
});

/** The customer's phone. */
export class Customer {
  constructor(
    readonly page: Page,
    readonly key: string,
    private readonly stack: Stack,
  ) {}

  async says(text: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Message" }).fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(this.bubble(text).first()).toBeVisible();
  }

  /** A message that comes only now, but was written some time ago. */
  async wrote(text: string, agoMs: number): Promise<void> {
    await this.stack.wrote(this.key, text, agoMs);
  }

  /** Somebody answers this customer from Meta's own inbox. */
  async getsFromTheInbox(text: string): Promise<void> {
    await this.page.getByRole("radio", { name: "Page inbox" }).check();
    await this.page.locator("#text").fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
    await this.page.locator('[name="who"][value="says"]').check();
  }

  async asksForAPerson(): Promise<void> {
    await this.page.getByRole("button", { name: "Menu of the Page" }).click();
    await this.page.locator("#menu-panel").getByRole("button", { name: "Talk to a person" }).click();
    await expect(this.page.locator("#status")).toContainText("The bot is paused");
  }

  /** What is in the thread on the phone with exactly these words. */
  bubble(text: string): Locator {
    return this.page.locator("#thread .line.page .bubble, #thread .line.customer .bubble").filter({ hasText: text });
  }

  /** What the Page has said with these words. */
  got(text: string): Locator {
    return this.page.locator("#thread .line.page .bubble").filter({ hasText: text });
  }

  async looks(isLooking: boolean): Promise<void> {
    await this.page.getByRole("switch", { name: "Looking at the thread" }).setChecked(isLooking);
  }

  /** Meta answers the next sends with trouble. */
  async orderTrouble(name: string, times = 1): Promise<void> {
    await this.stack.ask("POST", "/simulator/api/trouble", { name, times });
  }
}

/** The operator's screen. */
export class Operator {
  readonly list: Locator;
  readonly thread: Locator;
  readonly composer: Locator;
  readonly switch: Locator;

  constructor(
    readonly page: Page,
    readonly stack: Stack,
  ) {
    this.list = page.locator("#list");
    this.thread = page.locator("#thread");
    this.composer = page.locator("#composer");
    this.switch = page.locator("#switch");
  }

  async signIn(name: "Ana" | "Ben"): Promise<void> {
    await this.page.getByRole("button", { name: /^sign in/i }).click();
    await this.page.getByRole("button", { name: `Sign in as ${name}` }).click();
    await expect(this.list).toBeVisible();
  }

  row({ key }: Customer): Locator {
    return this.list.locator(`a.row[href*="${key}"]`);
  }

  async show(filter: "All" | "Active" | "Paused" | "Waiting"): Promise<void> {
    await this.page.getByRole("navigation").getByRole("link", { name: filter }).click();
  }

  async open(customer: Customer): Promise<void> {
    await this.row(customer).click();
    await expect(this.composer).toBeVisible();
  }

  /** A row of the thread with these words. */
  message(text: string): Locator {
    return this.thread.locator(".message").filter({ hasText: text });
  }

  async reply(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }
}

/**
 * The dashboard with an API that answers whatever a test puts on the stage: for states that the real stack reaches
 * slowly, or never. Nothing is started; the built files and the answers come from here.
 */
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Page, Route } from "@playwright/test";
import type { Conversation, Message, Pages, Stop } from "../src/api/types";
import { belongs, order } from "../src/state/conversations";
import { message } from "../src/test/samples";
import type { Language } from "../src/words";

const DIST = join(import.meta.dirname, "..", "dist");
// Browsers trust localhost with locks and the clipboard. Nothing listens there: every request is answered here.
const ORIGIN = "http://localhost:9";
const ISSUER = "https://sign-in.test";
const KINDS: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3" fill="#7d9a8c"/>
  <path d="M0 3 1.4 1.2 2.3 2.2 3 1.5 4 3" fill="#3d5a4c"/><circle cx="3" cy=".8" r=".35" fill="#f2e6c8"/></svg>`;

export const PHONE = { width: 390, height: 844 };

/** What an API call is answered with in place of the data: an error, or nothing for ever. */
export type Fault = { status: number; code: string; message: string } | "silence";

export class Stage {
  conversations: Conversation[] = [];
  /** Of each conversation, oldest first. */
  messages = new Map<string, Message[]>();
  /** Messages on a page of history. */
  historyPage = 50;
  /** Conversations on a page of the list. */
  listPage = 100;
  held = 0;
  stop: Stop = { paused: false, reason: null, by: null, since: null };
  pages: Pages["pages"] = [{ platform: "messenger", id: "100", disconnected: null }];
  /** By the end of the path, such as `sessions` or `messages`; `sessions?cursor` and the like for later pages. */
  readonly faults = new Map<string, Fault>();
  private changedAt = 0;

  constructor(readonly page: Page) {}

  /** The dashboard at a place, with Ana signed in; in another tab where one is given. */
  async open(hash = "#/all", { isSignedIn = true, page = this.page } = {}): Promise<void> {
    await page.route("**", (route) => this.answer(route));
    if (isSignedIn) await page.addInitScript(signedIn, [`oidc.user:${ISSUER}:dashboard`]);
    await page.goto(`${ORIGIN}/${hash}`);
  }

  /** Has the operator's language chosen before the dashboard opens. */
  async speak(language: Language): Promise<void> {
    await this.page.addInitScript((own) => localStorage.setItem("hitl.settings", JSON.stringify(own)), { language });
  }

  /** Goes to a place without loading the page anew. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to;
    }, hash);
  }

  /** Something happens: what is given is over what is known, and the dashboard hears of it at once. */
  async happens(id: string, change: Partial<Conversation>, ...said: Message[]): Promise<void> {
    this.changedAt = Date.now();
    this.conversations = this.conversations.map((one) =>
      one.id === id ? { ...one, ...change, version: one.version + 1 } : one,
    );
    this.messages.set(id, [...(this.messages.get(id) ?? []), ...said]);
    await this.page.evaluate(() => dispatchEvent(new Event("online")));
  }

  private async answer(route: Route): Promise<void> {
    const url = new URL(route.request().url());
    if (url.origin !== ORIGIN) {
      if (url.pathname.startsWith("/gone") || url.origin === ISSUER) return route.abort();
      return route.fulfill({ contentType: "image/svg+xml", body: PICTURE });
    }
    if (url.pathname.startsWith("/api/")) return this.ask(route, url);
    if (url.pathname === "/config.json") {
      const fault = this.faults.get("config.json");
      if (typeof fault === "object") return route.fulfill({ status: fault.status });
      const json = { api: "/api", issuer: ISSUER, client_id: "dashboard", scope: "openid", token: "access_token" };
      return route.fulfill({ json });
    }
    const name = url.pathname === "/" ? "index.html" : url.pathname.slice(1);
    return route.fulfill({ contentType: KINDS[extname(name)] ?? "text/plain", body: await readFile(join(DIST, name)) });
  }

  private async ask(route: Route, url: URL): Promise<void> {
    const [, , , what = "", id = "", act] = url.pathname.split("/").map(decodeURIComponent);
    const name = act ?? (id === "" ? what : "conversation");
    const isLater = url.searchParams.has("cursor") ? "?cursor" : url.searchParams.has("since") ? "?since" : "";
    const fault = this.faults.get(name + isLater) ?? this.faults.get("*");
    if (fault === "silence") return;
    if (fault !== undefined) return route.fulfill({ status: fault.status, json: fault });
    const one = this.conversations.find((known) => known.id === id);
    if (what === "bot") return route.fulfill({ json: this.stop });
    if (what === "pages") return route.fulfill({ json: { pages: this.pages } });
    if (id === "") return route.fulfill({ json: this.listing(url.searchParams) });
    if (one === undefined) {
      return route.fulfill({ status: 404, json: { code: "not_found", message: "There is no such conversation." } });
    }
    if (act === "messages" && route.request().method() === "GET") {
      return route.fulfill({ json: this.history(id, Number(url.searchParams.get("cursor") ?? "0")) });
    }
    if (act === "messages") return route.fulfill({ json: this.sent(id, route.request().postDataJSON()) });
    return route.fulfill({ json: { ...one, held: this.held } });
  }

  private sent(id: string, { client_id, text }: { client_id: string; text: string }): Message {
    const by = { type: "operator", id: "ana", name: "Ana" } as const;
    const at = new Date().toISOString();
    const said = message({
      id: `s:${client_id}`,
      author: "operator",
      by,
      text,
      sent_at: at,
      state: "sent",
      mid: client_id,
    });
    this.messages.set(id, [...(this.messages.get(id) ?? []), said]);
    return said;
  }

  private listing(query: URLSearchParams) {
    const [status, q] = [(query.get("status") ?? "all") as "all", query.get("q") ?? ""];
    const since = query.get("since");
    const all = this.conversations
      .filter((one) => belongs({ status, q }, one))
      .sort((one, other) => order(status, one, other));
    const from = Number(query.get("cursor") ?? "0");
    const isNews = since !== null;
    const sessions = isNews && Date.parse(since) > this.changedAt ? [] : all.slice(from, from + this.listPage);
    const next = from + this.listPage;
    return {
      sessions,
      cursor: !isNews && next < all.length ? String(next) : null,
      since: new Date().toISOString(),
      waiting: this.conversations.filter((one) => one.waiting_since !== null).length,
    };
  }

  private history(id: string, from: number) {
    const newest = [...(this.messages.get(id) ?? [])].reverse();
    const next = from + this.historyPage;
    return { messages: newest.slice(from, next), cursor: next < newest.length ? String(next) : null };
  }
}

/** What the OpenID library leaves in the browser of somebody who has signed in. */
function signedIn([key]: [string] | string[]): void {
  const profile = { sub: "ana", name: "Ana" };
  const expires_at = Math.floor(Date.now() / 1000) + 3600;
  localStorage.setItem(key ?? "", JSON.stringify({ access_token: "token", expires_at, profile }));
}

/** People and what they say, for the stage: one busy morning, and everything that is hard to show. */
import type { Conversation, Message } from "../src/api/types";
import { conversation, message, waiting } from "../src/test/samples";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const ANA = { type: "operator", id: "ana", name: "Ana" } as const;
export const BEN = { type: "operator", id: "ben", name: "Ben" } as const;
const BOT = { type: "bot", id: "bot", name: "Bot" } as const;
const INBOX = { type: "page_inbox", id: "1", name: "Page inbox" } as const;
const USER = { type: "user", id: "", name: "" } as const;

export const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
export const idOf = (user: string) => `messenger:100:${user}`;

/** Somebody of a name, whose last words came some minutes ago. */
function person(user: string, name: string | null, minutes: number, text: string, own: Partial<Conversation> = {}) {
  const at = ago(minutes * MINUTE);
  const { author = "user", by = null } = own.last_message ?? {};
  return conversation({
    user_id: user,
    name,
    last_activity_at: at,
    last_user_message_at: at,
    window: { type: "response", until: new Date(Date.parse(at) + DAY).toISOString() },
    ...own,
    last_message: { id: "m:last", author, by, text, sent_at: at },
  });
}

/** Somebody who has waited for minutes; the pause ends in a day. */
function waits(user: string, name: string | null, minutes: number, text: string, own: Partial<Conversation> = {}) {
  const since = ago(minutes * MINUTE);
  const by = person(user, name, minutes, text);
  const paused = {
    since,
    until: new Date(Date.parse(since) + DAY).toISOString(),
    by: USER,
    reason: "Asked for a person",
  };
  return waiting(since, { ...by, paused, seen_at: since, ...own, status: "paused", waiting_since: since, epoch: 1 });
}

const said = (author: Message["author"], by: Message["by"]) =>
  ({ last_message: { author, by } }) as Partial<Conversation>;
const answered = (by: typeof ANA | typeof BEN, minutes: number) => ({
  status: "paused" as const,
  epoch: 1,
  paused: { since: ago((minutes + 9) * MINUTE), until: ago(-47 * MINUTE), by, reason: null },
  last_operator: { id: by.id, name: by.name, at: ago(minutes * MINUTE) },
});

/** A list on a busy morning: four who wait, longer and longer, and everybody else. */
export function morning(): Conversation[] {
  return [
    waits("4411", "Sofia Marques", 1, "Can I speak to somebody about my order?"),
    waits("4412", "Jonas Weber", 6, "It still says “in transit”, and today is my daughter's birthday"),
    waits("4413", "Aïsha Benali", 21, "Hello? Is anybody there?"),
    waits("4414", "Tomasz Kowalczyk", 74, "I was charged twice. Please refund one of them."),
    person("4415", "Mei-Ling Chen", 3, "Your parcel arrives tomorrow between 9 and 12.", said("bot", BOT)),
    person("4416", "Priya Raman", 12, "I have sent you a new label, it takes about an hour.", {
      ...answered(ANA, 12),
      ...said("operator", ANA),
    }),
    person("4417", "Oluwaseun Adeyemi-Bakare of the Lagos Cycling Club", 26, "We can do that on Thursday.", {
      ...answered(BEN, 26),
      ...said("operator", BEN),
    }),
    person("4418", "נועה לוי", 33, "תודה רבה, זה עזר מאוד!"),
    person("4419", null, 48, "[image]", { unread: true }),
    person("4420", "Elif Yılmaz", 95, "Somebody of the shop will call you back.", said("page_inbox", INBOX)),
    person("4421", "Grace O'Connor", 190, "Thanks!"),
    person("4422", "Lucas Pereira da Silva", 60 * 30, "You are welcome. Anything else?", said("bot", BOT)),
    person("4423", "Hanna Lindqvist", 60 * 24 * 4, "ok 👍"),
    person("4424", "Diego Fernández", 60 * 24 * 40, "Gracias", { window: { type: "closed", until: ago(39 * DAY) } }),
  ];
}

let number = 0;

/** Something said some minutes ago. */
export function row(
  author: Message["author"],
  minutes: number,
  text: string | null,
  own: Partial<Message> = {},
): Message {
  number += 1;
  const by = author === "bot" ? BOT : author === "operator" ? ANA : author === "page_inbox" ? INBOX : null;
  const mid = `mid${number}`;
  const state = author === "user" ? "delivered" : "sent";
  const id = author === "operator" ? `s:client-${number}` : `m:${mid}`;
  return message({ id, mid, author, by, text, sent_at: ago(minutes * MINUTE), state, ...own });
}

const turn = (kind: "paused" | "resumed", minutes: number, own: Partial<Message> = {}) =>
  row("system", minutes, null, { id: `t:${number}`, mid: null, kind, by: USER, ...own });

/** Jonas and the bot, until he asks for a person. */
export function asking(minutes = 6): Message[] {
  return [
    row("user", DAY / MINUTE + 30, "Hi! When does my parcel come?"),
    row("bot", DAY / MINUTE + 30, "It left our warehouse this morning. It arrives on Tuesday before noon."),
    row("user", DAY / MINUTE + 28, "great 🎉"),
    row("user", minutes + 5, "It's Tuesday evening and nothing came"),
    row("bot", minutes + 5, "Your parcel 4471 is in transit."),
    row("user", minutes + 3, "You said that yesterday, too"),
    row("bot", minutes + 3, "Your parcel 4471 is in transit. Is there anything else?"),
    row("user", minutes, "I want to talk to a person", { state: "delivered" }),
    turn("paused", minutes, { text: "Asked for a person", until: ago(-DAY + minutes * MINUTE) }),
    row("user", minutes, "It still says “in transit”, and today is my daughter's birthday", { state: "held" }),
  ];
}

/** Every fate that an answer can have. */
export function fates(): Message[] {
  const failure = (code: string, message: string, can_retry = true) =>
    ({ failure: { code, message, can_retry } }) as Pick<Message, "failure">;
  return [
    row("user", 40, "Can you change the address?", { state: "held" }),
    row("page_inbox", 36, "Hello, this is Kim from the shop. I am looking into it."),
    row("operator", 31, "I have read it all, one moment please.", { by: BEN, state: "sent" }),
    row("operator", 24, "Which street is it now?", { state: "sent" }),
    row("user", 20, "Harbour Road 9", { reply_to: `mid${number}`, state: "held" }),
    row("operator", 9, "Then it goes to Harbour Road 9.", {
      state: "failed",
      ...failure("rate_limited", "Meta takes no more calls for a moment. Try again in a minute."),
    }),
    row("operator", 8, "It arrives on Friday.", { state: "unconfirmed" }),
    row("bot", 7, "Your parcel 4471 is in transit.", {
      state: "refused",
      ...failure("paused", "The conversation is paused: a person answers, not the bot.", false),
    }),
    row("operator", 6, "The courier has the new address.", { by: BEN, state: "sent" }),
    row("operator", 5, "I have told the courier.", {
      state: "refused",
      ...failure(
        "someone_answered",
        "Ben has answered meanwhile. Read it, then send yours all the same, or discard it.",
      ),
    }),
    row("operator", 1, "Is there anything else?", { state: "queued" }),
  ];
}

const card = (title: string, subtitle: string, ...buttons: string[]) => ({
  title,
  subtitle,
  image_url: "https://pictures.test/card",
  buttons: buttons.map((title) => ({ type: "postback", title, payload: title })),
});

const attached = (
  author: Message["author"],
  minutes: number,
  type: string,
  payload: unknown,
  own: Partial<Message> = {},
) => row(author, minutes, null, { kind: "attachment", attachments: [{ type, payload }], ...own });

/** All that is not plain text. */
export function showing(): Message[] {
  const [before, liked] = [number + 2, number + 1];
  return [
    row("user", 60 * 50, "Do you still have this one?"),
    attached("user", 60 * 50 - 1, "image", { url: "https://pictures.test/boots.jpg" }),
    row("user", 60 * 49, null, { kind: "reaction", emoji: "❤", action: "react", target: `mid${liked}`, mid: null }),
    attached("bot", 60 * 48, "template", {
      template_type: "generic",
      elements: [
        card("Walking boots", "Waterproof, sizes 36 to 46", "Show sizes", "Buy for €129"),
        card("Trail shoes", "Light, for dry paths", "Show sizes", "Buy for €99"),
      ],
    }),
    row("user", 60 * 47, "Show sizes", { kind: "postback", title: "Show sizes", payload: "SIZES_BOOTS" }),
    row("user", 60 * 46, "this one 👆", { reply_to: `mid${before}` }),
    attached("user", 200, "audio", { url: "https://pictures.test/voice.mp4" }),
    attached("user", 199, "video", { url: "https://pictures.test/clip.mp4" }),
    attached("user", 198, "file", { url: "https://pictures.test/invoice%20of%20March.pdf" }),
    attached("user", 190, "image", { url: "https://scontent.xx.fbcdn.net/v/old.jpg?oe=5F000000" }),
    attached("user", 189, "location", { coordinates: { lat: 52.52, long: 13.405 } }),
    attached("user", 188, "image", { url: "https://pictures.test/thumb.png", sticker_id: 369239263222822 }),
    attached("user", 180, "ig_reel", { url: "https://www.instagram.com/reel/abc", title: "How to tie a bowline" }),
    attached("bot", 170, "template", {
      template_type: "receipt",
      order_number: "4471",
      currency: "EUR",
      payment_method: "Visa 1234",
      elements: [{ title: "Walking boots", quantity: 1, price: 129 }],
      summary: { total_cost: 133.9 },
    }),
    row("user", 160, "👍"),
    row("user", 150, null, { kind: "unsupported" }),
    row("user", 140, null, { kind: "referral", source: "ADS", ref: "spring", author: "user" }),
    attached("user", 130, "hologram", { url: "https://pictures.test/x", depth: 3 }),
  ];
}

/** Long, right to left, and hostile. */
export function awkward(): Message[] {
  const long = "Every time I open the app it tells me that the parcel is on its way, and every time it is not. ";
  return [
    row("user", 300, "שלום, איפה החבילה שלי? מספר ההזמנה הוא 4471."),
    row("bot", 299, "החבילה שלך תגיע מחר בין 9:00 ל-12:00."),
    row("user", 290, "مرحبا، هل يمكنني تغيير العنوان؟"),
    row("user", 280, `https://example.com/${"a-very-long-address-without-any-place-to-break/".repeat(5)}`),
    row("user", 270, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2)),
    row("user", 260, long.repeat(40)),
    row("operator", 250, "I understand.\n\nLet me look:\n1. your order\n2. the courier\n3. the address", {
      state: "sent",
    }),
    row("user", 240, "<img src=x onerror=alert(1)> **not bold**"),
  ];
}

/** A long talk, something new each minute. */
export function long(count: number): Message[] {
  const texts = ["Is it true?", "I have looked it up, and it is: your order left on Monday.", "And the other one?"];
  return Array.from({ length: count }, (_, at) =>
    row(at % 3 === 1 ? "bot" : "user", count - at, `${texts[at % 3]} (${at + 1})`),
  );
}

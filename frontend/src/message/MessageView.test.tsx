import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Attachment, Message } from "../api/types";
import { AT, message } from "../test/samples";
import { MessageView } from "./MessageView";
import { ALONE, type Relations } from "./relations";
import { alone, faults, said } from "./testing";

function show(own: Partial<Message> = {}, context = {}, relations: Partial<Relations> = {}): HTMLElement {
  return render(
    <MessageView message={message(own)} context={{ ...alone, ...context }} relations={{ ...ALONE, ...relations }} />,
  ).container;
}

function attached(type: string | null, payload?: unknown, own: Record<string, unknown> = {}): Partial<Message> {
  return { kind: "attachment", text: null, attachments: [{ type, payload, ...own } as Attachment] };
}

describe("who speaks", () => {
  const ana = { type: "operator", id: "ana", name: "Ana" } as const;
  const bot = { type: "bot", id: "bot", name: "Bot" } as const;
  const inbox = { type: "page_inbox", id: "1", name: "Page inbox" } as const;

  it.each([
    ["user", null, "Ana Ito"],
    ["bot", bot, "Bot"],
    ["bot", { ...bot, name: "" }, "Bot"],
    ["operator", ana, "AnaOperator"],
    ["page_inbox", inbox, "Page inboxOperator"],
  ] as const)("is said in words, with a class of its own: %s", (author, by, words) => {
    const row = show({ author, by }).firstElementChild;
    expect(row?.classList.contains(author)).toBe(true);
    expect(row?.querySelector(".voice")?.textContent).toBe(words);
    expect(row?.querySelector(".voice svg")).not.toBeNull();
  });

  it("is You for what I sent", () => {
    show({ author: "operator", by: ana }, { me: "ana" });
    expect(screen.getByText("You")).toBeTruthy();
  });

  it("is still said to screen readers where a row goes on from the one above", () => {
    const row = show({}, {}, { isJoined: true });
    expect(row.querySelector(".voice")?.classList.contains("hidden")).toBe(true);
  });
});

describe("text", () => {
  it("stays text, whatever is in it", () => {
    const text = `<img src=x onerror=alert(1)><script>alert(2)</script> [x](javascript:alert(3)) &lt;b&gt;`;
    const row = show({ text });
    expect(row.querySelector(".text")?.textContent).toBe(text);
    expect(faults(row)).toEqual([]);
  });

  it("has its addresses as links and no others", () => {
    show({ text: "see https://example.com/a_(b), or javascript:alert(1)" });
    expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual(["https://example.com/a_(b)"]);
  });

  it("takes its direction from its words", () => {
    expect(show({ text: "שלום" }).querySelector(".text")?.getAttribute("dir")).toBe("auto");
  });

  it("says so where there is nothing to see in it", () => {
    for (const text of ["", "  \n", "\u200b\u2800"]) {
      expect(said(show({ text }))).toContain("An empty message");
      cleanup();
    }
  });

  it("is cut where it has very many lines, and shown whole on demand", async () => {
    const row = show({ text: "a\n".repeat(10_000) });
    const lines = () => row.querySelector(".text")?.textContent.split("\n").length ?? 0;
    expect(lines()).toBeLessThan(50);
    await userEvent.click(screen.getByRole("button", { name: /Show all/ }));
    expect(lines()).toBe(10_001);
  });

  it("is short at first where it is very long", async () => {
    const text = "word ".repeat(4000);
    const row = show({ text });
    expect(row.textContent?.length).toBeLessThan(2000);
    await userEvent.click(screen.getByRole("button", { name: "Show all 20000 characters" }));
    expect(row.querySelector(".text")?.textContent).toBe(text);
  });

  it("of a kind that nobody knew is shown by its words", () => {
    expect(said(show({ kind: "hologram", text: "hello from later" }))).toBe("hello from later");
    cleanup();
    expect(said(show({ kind: "hologram", text: null }))).toContain("hologram");
  });
});

describe("media", () => {
  it.each([
    ["image", "Image from Ana Ito"],
    ["sticker", "Sticker from Ana Ito"],
  ])("is a picture with words: %s", (type, words) => {
    const row = show(attached(type, { url: "https://example.com/a.png" }));
    expect(screen.getByRole("img", { name: words }).getAttribute("src")).toBe("https://example.com/a.png");
    expect(faults(row)).toEqual([]);
  });

  it("is a sticker where an image has a sticker's id", () => {
    show(attached("image", { url: "https://example.com/a.png", sticker_id: 369239263222822 }));
    expect(screen.getByRole("img", { name: "Sticker from Ana Ito" })).toBeTruthy();
  });

  it.each(["audio", "video"])("has controls and is not fetched before it is played: %s", (type) => {
    const element = show(attached(type, { url: "https://example.com/a" })).querySelector(type);
    expect(element?.hasAttribute("controls")).toBe(true);
    expect(element?.getAttribute("preload")).not.toBe("auto");
  });

  it("is a link with the file's name", () => {
    show(attached("file", { url: "https://cdn.example.com/x/r%C3%A9sum%C3%A9.pdf?sig=1" }));
    expect(screen.getByRole("link", { name: "résumé.pdf" })).toBeTruthy();
  });

  it.each(["image", "sticker", "audio", "video", "file"])("says so where there is no link to it: %s", (type) => {
    for (const payload of [undefined, null, {}, { url: "" }, { url: "javascript:alert(1)" }, { url: 7 }, []]) {
      const row = show(attached(type, payload));
      expect(said(row)).toContain("Meta sent no link to it");
      expect(faults(row)).toEqual([]);
      cleanup();
    }
  });

  it("says so when it does not load, and loads it again", async () => {
    show(attached("image", { url: "https://example.com/a.png" }));
    fireEvent.error(screen.getByRole("img"));
    expect(screen.getByText(/does not load/)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Load again" }));
    expect(screen.getByRole("img")).toBeTruthy();
    fireEvent.error(screen.getByRole("img"));
    expect(screen.getByText(/still does not load/)).toBeTruthy();
  });

  it("is not even asked for where the link itself says that it has expired", () => {
    const row = show(attached("video", { url: "https://video.xx.fbcdn.net/v/a.mp4?oe=5F000000" }));
    expect(row.querySelector("video")).toBeNull();
    expect(screen.getByText(/has expired.*Only Ana Ito can send it again/)).toBeTruthy();
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("other attachments", () => {
  it("shows a place with a way to a map", () => {
    show(attached("location", { coordinates: { lat: "39.920770", long: "40.920770" } }, { title: "Ana's Location" }));
    expect(screen.getByText("Ana's Location")).toBeTruthy();
    expect(screen.getByText("39.92077, 40.92077")).toBeTruthy();
    expect(screen.getByRole("link").getAttribute("href")).toContain("mlat=39.92077&mlon=40.92077");
  });

  it.each([
    null,
    {},
    { coordinates: null },
    { coordinates: { lat: "x", long: 4 } },
    { coordinates: { lat: 400, long: 4 } },
  ])("says so where a place is nowhere: %j", (payload) => {
    expect(said(show(attached("location", payload)))).toContain("Meta did not say where");
  });

  it.each([
    ["fallback", null, { title: "A page", URL: "https://example.com/p" }, "Shared a link", "A page"],
    ["fallback", { title: "A page", url: "https://example.com/p" }, {}, "Shared a link", "A page"],
    ["reel", { url: "https://example.com/r", title: "Surf", reel_video_id: 1 }, {}, "Shared a reel", "Surf"],
    ["ig_post", { url: "https://example.com/p", ig_post_media_id: "1" }, {}, "Shared a post", "https://example.com/p"],
    ["story_mention", { url: "https://example.com/s" }, {}, "Mentioned you in a story", "https://example.com/s"],
    [
      "ig_story",
      { story_media_id: "1", story_media_url: "https://example.com/s" },
      {},
      "Shared a story",
      "https://example.com/s",
    ],
  ])("shows something shared with its link: %s", (type, payload, own, label, link) => {
    const row = show(attached(type, payload, own));
    expect(screen.getByText(label)).toBeTruthy();
    expect(screen.getByRole("link", { name: link })).toBeTruthy();
    expect(faults(row)).toEqual([]);
  });

  it.each([
    ["hologram", { depth: 3, maker: { name: "Ana" } }, ["Attachment: Hologram", "Depth", "3", "Name", "Ana"]],
    ["appointment_booking", { booking_id: "BK1", status: "requested" }, ["Appointment", "BK1", "requested"]],
    ["ephemeral", undefined, ["vanishes"]],
    ["", null, ["Attachment"]],
    [null, "text", ["Attachment"]],
  ])("makes a card of what nobody knows: %s", (type, payload, words) => {
    const row = show(attached(type, payload));
    for (const word of words) expect(said(row)).toContain(word);
    expect(faults(row)).toEqual([]);
  });
});

const flight = {
  flight_number: "KL9123",
  departure_airport: { airport_code: "SFO", city: "San Francisco", gate: "G8" },
  arrival_airport: { airport_code: "AMS", city: "Amsterdam" },
  flight_schedule: { departure_time: "2026-01-02T19:45", arrival_time: "2026-01-03T14:20" },
};
const element = {
  title: "Shirt",
  subtitle: "Soft",
  image_url: "https://example.com/s.png",
  buttons: [
    { type: "web_url", title: "See it", url: "https://example.com/shirt" },
    { type: "postback", title: "Buy", payload: "BUY" },
    { type: "phone_number", title: "Call", payload: "+15550100" },
  ],
};

describe("templates", () => {
  it.each([
    ["generic", { elements: [element, { title: "Hat" }] }, ["Shirt", "Soft", "See it", "Buy", "Call", "Hat"]],
    ["list", { elements: [element], buttons: [{ type: "postback", title: "More" }] }, ["Shirt", "More"]],
    ["button", { text: "Which?", buttons: element.buttons }, ["Which?", "See it", "Buy"]],
    ["media", { elements: [{ media_type: "image", attachment_id: 7 }] }, ["Media", "Meta sent no link"]],
    ["open_graph", { elements: [{ url: "https://example.com/song" }] }, ["https://example.com/song"]],
    [
      "receipt",
      {
        recipient_name: "Ana",
        order_number: "123",
        currency: "USD",
        payment_method: "Visa 2345",
        timestamp: "1428444852",
        address: { street_1: "1 Way", city: "Menlo Park" },
        summary: { subtotal: 75, total_cost: 56.14 },
        adjustments: [{ name: "Discount", amount: 20 }],
        elements: [{ title: "T-Shirt", quantity: 2, price: 50, currency: "USD" }],
      },
      ["Order 123", "Ana", "Visa 2345", "1 Way, Menlo Park", "T-Shirt", "2 × $50.00", "Discount", "$56.14", "2015"],
    ],
    ["coupon", { title: "10% off", coupon_code: "TEN", coupon_url: "https://example.com" }, ["10% off", "TEN", "Shop"]],
    ["product", { elements: [{ id: "1234" }] }, ["1234"]],
    [
      "customer_feedback",
      {
        title: "How was it?",
        button_title: "Rate",
        feedback_screens: [{ questions: [{ id: "q1", type: "csat", title: "Would you come again?" }] }],
      },
      ["How was it?", "Rate", "CSAT", "Would you come again?"],
    ],
    ["one_time_notif_req", { title: "When it is back", payload: "P" }, ["When it is back"]],
    [
      "airline_boardingpass",
      {
        intro_message: "Checked in.",
        boarding_pass: [{ passenger_name: "ITO/ANA", seat: "74J", flight_info: flight }],
      },
      ["Boarding pass", "Checked in.", "ITO/ANA", "74J", "KL9123", "San Francisco (SFO) → Amsterdam (AMS)"],
    ],
    [
      "airline_checkin",
      { intro_message: "Now.", pnr_number: "AB", checkin_url: "https://example.com", flight_info: [flight] },
      ["Now.", "AB", "Check in", "KL9123", "2026-01-02 19:45"],
    ],
    [
      "airline_itinerary",
      {
        intro_message: "Yours.",
        passenger_info: [{ passenger_id: "p1", name: "Ana Ito", ticket_number: "074" }],
        flight_info: [{ ...flight, segment_id: "s1" }],
        passenger_segment_info: [{ segment_id: "s1", passenger_id: "p1", seat: "12A", seat_type: "Economy" }],
        price_info: [{ title: "Fuel", amount: "1597", currency: "USD" }],
        total_price: "14003",
        currency: "USD",
      },
      ["Yours.", "Ana Ito", "074", "12A, Economy", "$1,597.00", "$14,003.00"],
    ],
    ["airline_update", { update_type: "delay", update_flight_info: flight }, ["Flight update", "Delay", "KL9123"]],
    [
      "brand_new",
      { headline: "Something", nested: [{ deep: "value" }] },
      ["Template: Brand new", "Something", "value"],
    ],
    ["", {}, ["Template: ?"]],
  ])("are readable: %s", (template_type, payload, words) => {
    const row = show({ author: "bot", ...attached("template", { template_type, ...payload }) });
    for (const word of words) expect(said(row)).toContain(word);
    expect(faults(row)).toEqual([]);
  });

  it("show a product that a user asks about", () => {
    const row = show(attached("template", { product: { elements: [{ id: "1", title: "Shoe", subtitle: "$40" }] } }));
    for (const word of ["Product", "Shoe", "$40"]) expect(said(row)).toContain(word);
  });

  it("never say twice what the message says already", () => {
    const payload = { template_type: "button", text: "Which?", buttons: [] };
    expect(said(show({ ...attached("template", payload), text: "Which?" })).match(/Which\?/g)).toHaveLength(1);
  });

  it.each(["generic", "receipt", "airline_itinerary", "coupon", "customer_feedback", "media", "product", "button"])(
    "survive anything in any place: %s",
    (template_type) => {
      const evil = "<script>alert(1)</script>";
      const junk = [null, 7, "x", [], {}, { title: evil, url: "javascript:alert(1)", image_url: "data:text/html,x" }];
      for (const value of [...junk, junk]) {
        const names = ["elements", "buttons", "summary", "address", "flight_info", "title", "text", "price_info"];
        const payload = Object.fromEntries(names.map((name) => [name, value]));
        const row = show(attached("template", { template_type, ...payload, coupon_url: "javascript:alert(1)" }));
        expect(said(row)).not.toBe("");
        expect(faults(row)).toEqual([]);
        cleanup();
      }
    },
  );
});

describe("what the user did", () => {
  it.each([
    [{ kind: "postback", text: "Track order", title: "Track order", payload: "T" }, "Tapped a buttonTrack order"],
    [{ kind: "postback", text: null, payload: "T" }, "Tapped a button without words (T)"],
    [{ kind: "postback", text: null }, "Tapped a button"],
    [{ kind: "text", text: "Red", payload: "RED" }, "Tapped a buttonRed"],
    [{ kind: "reaction", text: "❤", emoji: "❤", action: "react", target: "9" }, "Reacted to an earlier message❤"],
    [{ kind: "reaction", text: null, action: "unreact", target: "9" }, "Took a reaction back"],
    [{ kind: "edit", text: "new words", target: "9" }, "Changed an earlier message tonew words"],
    [{ kind: "unsupported", text: null }, "Sent something that Messenger does not pass on."],
    [{ kind: "unknown", text: null, event: "game_play" }, "Messenger event “game_play”"],
    [
      { kind: "referral", text: null, ref: "summer", source: "ADS" },
      "Ana Ito came in by a link or an ad · ADS · summer",
    ],
    [{ kind: "optin", text: null, ref: "news" }, "Ana Ito agreed to be written to · news"],
    [{ kind: "account_linking", text: null, status: "linked" }, "Ana Ito linked an account"],
    [{ kind: "account_linking", text: null, status: "unlinked" }, "Ana Ito unlinked an account"],
    [{ kind: "deleted", text: null, target: "9" }, "Ana Ito took a message back"],
  ] as [Partial<Message>, string][])("is said: %j", (own, words) => {
    expect(said(show(own))).toBe(words);
  });

  it("shows a quote of what it answers, and the way there", async () => {
    const onQuote = vi.fn();
    const quoted = message({ author: "bot", text: "Which colour?" });
    show({ text: "Red", reply_to: "7" }, { onQuote }, { quoted });
    await userEvent.click(screen.getByRole("button", { name: "In answer to Bot Which colour?" }));
    expect(onQuote).toHaveBeenCalledWith("7");
  });

  it("says that it answers something which is not loaded, and offers no way there", () => {
    const row = show({ text: "Red", reply_to: "7" }, { onQuote: () => {} }, { quoted: null });
    expect(said(row)).toBe("In answer to an earlier messageRed");
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("shows reactions, the newest text of an edit, and what was taken back", () => {
    const row = show({ text: "old" }, {}, { edited: "new", reactions: [{ emoji: "👍", author: "user" }] });
    expect(row.querySelector(".text")?.textContent).toBe("new");
    expect(row.querySelector("details")?.textContent).toBe("Editedold");
    expect(screen.getByRole("list", { name: "Reactions" }).textContent).toBe("👍Ana Ito");
    cleanup();
    expect(said(show({ text: "secret" }, {}, { isDeleted: true }))).toBe("Ana Ito took this message back.");
  });
});

describe("lines about the conversation", () => {
  const ana = { type: "operator", id: "ana", name: "Ana" } as const;
  const line = { author: "system", state: null, mid: null } as const;
  it.each([
    [{ kind: "paused", by: ana, text: "asked for a person" }, "Paused by Anaasked for a person"],
    [{ kind: "resumed", by: ana, text: null }, "Handed back to the bot by Ana"],
    [{ kind: "resumed", by: { type: "user", id: "200", name: "" }, text: null }, "Handed back to the bot by Ana Ito"],
    [{ kind: "paused", by: { type: "system", id: "stop", name: "" }, text: null }, "Paused by the global stop"],
    [{ kind: "paused", by: { type: "bot", id: "bot", name: "Bot" }, text: null }, "Paused by the bot"],
    [{ kind: "handover", text: null, action: "take_thread_control" }, "Another app took the conversation"],
    [{ kind: "handover", text: null, action: "later", metadata: "m" }, "Thread control changed: later · m"],
    [{ kind: "policy", text: "Spam", action: "block" }, "Meta blocked the Page from sendingSpam"],
    [{ kind: "text", text: "odd" }, "Messenger event “text” · odd"],
  ] as [Partial<Message>, string][])("are said: %j", (own, words) => {
    const row = show({ ...line, ...own });
    expect(row.querySelector(".line > p")?.textContent).toBe(words);
    expect(faults(row)).toEqual([]);
  });

  it("leave the end of a pause to the header: each answer moves it", () => {
    const row = show({ ...line, kind: "paused", by: ana, text: null, until: AT });
    expect(row.querySelector(".line > p")?.textContent).toBe("Paused by Ana");
  });
});

it.each(["constructor", "toString", "__proto__"])(
  "shows what has the name of something that every object has: %s",
  (name) => {
    for (const own of [
      { kind: name, text: "Hello" },
      { author: "system", kind: "handover", action: name },
      attached(name, {}),
      attached("template", { template_type: name }),
    ]) {
      expect(show(own as Partial<Message>).textContent).toMatch(/\w/);
      cleanup();
    }
  },
);

describe("what became of it", () => {
  const ours = { author: "operator", by: { type: "operator", id: "ana", name: "Ana" } } as const;
  it.each([
    ["queued", "Sending"],
    ["sent", "Sent"],
    ["delivered", "Delivered"],
    ["read", "Read"],
    ["failed", "Not sent"],
    ["refused", "Refused"],
    ["unconfirmed", "Not confirmed"],
  ] as const)("is said in words: %s", (state, words) => {
    expect(show({ ...ours, state }).querySelector(".state")?.textContent).toBe(words);
  });

  it("follows the conversation's watermarks", () => {
    expect(show({ ...ours, state: "sent" }, { deliveredAt: AT }).querySelector(".state")?.textContent).toBe(
      "Delivered",
    );
    cleanup();
    expect(show({ ...ours, state: "sent" }, { deliveredAt: AT, readAt: AT }).querySelector(".state")?.textContent).toBe(
      "Read",
    );
  });

  it("is said of a user's message only where it is held", () => {
    expect(show({ state: "held" }).querySelector(".state")?.textContent).toBe("Held from the bot");
    cleanup();
    expect(show({ state: "delivered" }).querySelector(".state")).toBeNull();
  });

  it("offers what can be done about a failure, and nothing else", async () => {
    const failure = { code: "transient", message: "Meta does not answer.", can_retry: true } as const;
    const acts = { onRetry: vi.fn(), onEdit: vi.fn(), onDiscard: vi.fn() };
    show({ ...ours, state: "failed", failure }, acts);
    expect(screen.getByText("Meta does not answer.")).toBeTruthy();
    for (const name of ["Retry", "Edit", "Discard"]) await userEvent.click(screen.getByRole("button", { name }));
    for (const act of Object.values(acts)) expect(act).toHaveBeenCalledOnce();
    cleanup();
    show({ ...ours, state: "failed", failure: { ...failure, can_retry: false } }, acts);
    expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
    cleanup();
    show({ ...ours, state: "sent" }, acts);
    expect(screen.queryByRole("button")).toBeNull();
    cleanup();
    show({ ...ours, state: "unconfirmed", failure: { ...failure, code: "unconfirmed" } }, acts);
    expect(screen.getAllByRole("button").map((button) => button.textContent)).toEqual(["Retry"]);
    cleanup();
    show({ ...ours, state: "refused", failure: { ...failure, code: "someone_answered" } }, acts);
    expect(screen.getByRole("button", { name: "Send all the same" })).toBeTruthy();
    cleanup();
    show({ ...ours, author: "bot", state: "refused", failure: { ...failure, code: "paused" } }, acts);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

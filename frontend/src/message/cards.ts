/** Meta's templates, and everything else that is best read as a card. Pure, but for the words. */
import { locale, t } from "../words";
import { entry, type Fields, fields, list, spoken, words } from "./fields";
import { mediaUrl, safeUrl } from "./links";
import { moment } from "./times";

export interface Fact {
  label: string;
  value: string;
}

/** A button as the user saw it; only a link can be followed from here. */
export interface Button {
  title: string;
  href: string | null;
}

export interface Card {
  title?: string | undefined;
  subtitle?: string | undefined;
  image?: string | undefined;
  /** A media template's video or audio, or what cannot be shown without fetching it by its id. */
  media?: { is: "image" | "video"; url: string | null } | undefined;
  href?: string | undefined;
  facts: Fact[];
  buttons: Button[];
}

/** What a template is called, and its cards; at least one. `said` is the message's text, which is not repeated. */
export function template(payload: Fields, said: string | null): { label: string; cards: Card[] } {
  const type = words(payload.template_type) ?? (payload.product !== undefined ? "product" : "");
  const made = entry(TEMPLATES, type)?.(payload).filter(hasSomething) ?? [];
  const cards = made.length > 0 ? made : [anything(payload)];
  const first = cards[0];
  if (first?.title !== undefined && first.title === said) first.title = undefined;
  return { label: entry(LABELS, type)?.() ?? t("message.template", { type: type === "" ? "?" : spoken(type) }), cards };
}

/** A card of an object that we know nothing of: its texts and numbers, with the names that they have. */
export function anything(content: Fields): Card {
  const facts: Fact[] = [];
  gather(content, facts, 0);
  const title = words(content.title);
  return card(content, { title, facts: facts.filter((fact) => fact.value !== title) });
}

const LABELS: Record<string, () => string> = {
  generic: () => t("message.template.cards"),
  list: () => t("message.template.cards"),
  button: () => t("message.template.button"),
  media: () => t("message.template.media"),
  open_graph: () => t("message.template.link"),
  receipt: () => t("message.template.receipt"),
  coupon: () => t("message.template.coupon"),
  product: () => t("message.template.product"),
  customer_feedback: () => t("message.template.feedback"),
  one_time_notif_req: () => t("message.template.notification"),
  notification_messages: () => t("message.template.notification"),
  airline_boardingpass: () => t("message.template.boarding"),
  airline_checkin: () => t("message.template.checkin"),
  airline_itinerary: () => t("message.template.itinerary"),
  airline_update: () => t("message.template.flight"),
};

const TEMPLATES: Record<string, (payload: Fields) => Card[]> = {
  generic: (payload) => list(payload.elements).map((element) => card(element)),
  list: (payload) => [
    ...list(payload.elements).map((element) => card(element)),
    ...(buttons(payload.buttons).length > 0 ? [card({ buttons: payload.buttons })] : []),
  ],
  button: (payload) => [card(payload, { title: words(payload.text) })],
  media: (payload) => list(payload.elements).map(media),
  open_graph: (payload) => list(payload.elements).map((element) => card(element, { title: words(element.url) })),
  receipt,
  coupon: (payload) => [coupon(payload)],
  product: (payload) => products(payload),
  customer_feedback: (payload) => [feedback(payload)],
  one_time_notif_req: (payload) => [card(payload)],
  notification_messages: (payload) => [card(payload)],
  airline_boardingpass: (payload) => [...intro(payload), ...list(payload.boarding_pass).map(boardingPass)],
  airline_checkin: (payload) => [
    ...intro(payload, payload.checkin_url, t("message.airline.checkin")),
    ...list(payload.flight_info).map((flight) => card({}, { ...heading(flight), facts: flightFacts(flight) })),
  ],
  airline_itinerary: itinerary,
  airline_update: (payload) => [
    ...intro(payload),
    update(fields(payload.update_flight_info), words(payload.update_type)),
  ],
};

/** The parts that most elements share, and what is said of this one. */
function card(element: Fields, own: Partial<Card> = {}): Card {
  const action = fields(element.default_action);
  return {
    title: words(element.title),
    subtitle: words(element.subtitle),
    image: mediaUrl(element.image_url) ?? undefined,
    href: safeUrl(element.url) ?? safeUrl(element.item_url) ?? safeUrl(action.url) ?? undefined,
    facts: [],
    buttons: buttons(element.buttons),
    ...own,
  };
}

function buttons(value: unknown): Button[] {
  return list(value).map((button) => {
    const kind = words(button.type) ?? "";
    const title = words(button.title) ?? (kind === "" ? t("message.button") : spoken(kind));
    const phone = kind === "phone_number" ? words(button.payload) : undefined;
    return { title, href: phone === undefined ? safeUrl(button.url) : safeUrl(`tel:${phone}`) };
  });
}

function media(element: Fields): Card {
  const url = mediaUrl(element.url);
  const shown = { is: words(element.media_type) === "video" ? ("video" as const) : ("image" as const), url };
  return card(element, { media: shown, href: undefined });
}

function products(payload: Fields): Card[] {
  const elements = [...list(fields(payload.product).elements), ...list(payload.elements)];
  return elements.map((element) => card(element, { facts: facts(element, ["retailer_id", "id"]) }));
}

function coupon(payload: Fields): Card {
  const shop = safeUrl(payload.coupon_url);
  const title = words(payload.coupon_url_button_title) ?? t("message.coupon.shop");
  return card(payload, {
    title: words(payload.title) ?? words(payload.coupon_pre_message),
    facts: facts(payload, ["coupon_code", "coupon_pre_message"]),
    buttons: shop === null ? [] : [{ title, href: shop }],
  });
}

function feedback(payload: Fields): Card {
  const questions = list(payload.feedback_screens).flatMap((screen) => list(screen.questions));
  const asked = questions.map((question) => ({
    label: (words(question.type) ?? "").toUpperCase() || t("message.feedback.question"),
    value: words(question.title) ?? words(question.id) ?? "–",
  }));
  const title = words(payload.button_title);
  return card(payload, { facts: asked, buttons: title === undefined ? [] : [{ title, href: null }] });
}

function receipt(payload: Fields): Card[] {
  const currency = words(payload.currency);
  const summary = fields(payload.summary);
  const address = Object.values(fields(payload.address)).map(words).filter(Boolean).join(", ");
  const head = card(payload, {
    title: t("message.receipt.of", { order: words(payload.order_number) ?? "–" }),
    subtitle: [words(payload.merchant_name), words(payload.recipient_name)].filter(Boolean).join(" · ") || undefined,
    href: safeUrl(payload.order_url) ?? undefined,
    facts: [
      ...facts(payload, ["payment_method"]),
      ...(address === "" ? [] : [{ label: t("message.receipt.address"), value: address }]),
      ...dated(payload.timestamp),
    ],
  });
  const total = card(
    {},
    {
      facts: [
        ...list(payload.adjustments).map((entry) => priced(words(entry.name), entry.amount, currency)),
        ...Object.entries(summary).map(([name, amount]) => priced(spoken(name), amount, currency)),
      ].filter((fact) => fact.value !== "–"),
    },
  );
  return [head, ...list(payload.elements).map((element) => bought(element, currency)), total];
}

function bought(element: Fields, currency: string | undefined): Card {
  const price = priced("", element.price, words(element.currency) ?? currency).value;
  const quantity = words(element.quantity);
  return card(element, {
    facts: [{ label: t("message.receipt.price"), value: quantity === undefined ? price : `${quantity} × ${price}` }],
  });
}

function itinerary(payload: Fields): Card[] {
  const seats = list(payload.passenger_segment_info);
  const people = list(payload.passenger_info);
  const name = (id: unknown) => words(people.find((one) => one.passenger_id === id)?.name) ?? words(id) ?? "–";
  const flights = list(payload.flight_info).map((flight) => {
    const seated = seats
      .filter((seat) => seat.segment_id === flight.segment_id)
      .map((seat) => ({
        label: name(seat.passenger_id),
        value: [words(seat.seat), words(seat.seat_type)].filter(Boolean).join(", ") || "–",
      }));
    return card({}, { ...heading(flight), facts: [...flightFacts(flight), ...seated] });
  });
  const tickets = people.map((one) => ({ label: words(one.name) ?? "–", value: words(one.ticket_number) ?? "–" }));
  const currency = words(payload.currency);
  const prices = [
    ...list(payload.price_info).map((entry) => priced(words(entry.title), entry.amount, words(entry.currency))),
    priced(t("message.airline.base"), payload.base_price, currency),
    priced(t("message.airline.tax"), payload.tax, currency),
    priced(t("message.airline.total"), payload.total_price, currency),
  ].filter((fact) => fact.value !== "–");
  return [...intro(payload), ...flights, card({}, { facts: [...tickets, ...prices] })];
}

function boardingPass(pass: Fields): Card {
  const flight = fields(pass.flight_info);
  const fixed = [...list(pass.auxiliary_fields), ...list(pass.secondary_fields)].map((field) => ({
    label: words(field.label) ?? "–",
    value: words(field.value) ?? "–",
  }));
  return card(
    {},
    {
      ...heading(flight),
      subtitle: words(pass.passenger_name),
      image: mediaUrl(pass.header_image_url) ?? undefined,
      facts: [...facts(pass, ["pnr_number", "seat", "travel_class"]), ...flightFacts(flight), ...fixed],
    },
  );
}

function update(flight: Fields, kind: string | undefined): Card {
  const facts = flightFacts(flight);
  return card(
    {},
    {
      ...heading(flight),
      facts: kind === undefined ? facts : [{ label: t("message.airline.change"), value: spoken(kind) }, ...facts],
    },
  );
}

/** What an airline says first, with the booking's number. */
function intro(payload: Fields, url?: unknown, title = ""): Card[] {
  const href = safeUrl(url);
  return [
    card(
      {},
      {
        title: words(payload.intro_message),
        facts: facts(payload, ["pnr_number"]),
        buttons: href === null ? [] : [{ title, href }],
      },
    ),
  ];
}

function heading(flight: Fields): Pick<Card, "title"> {
  const [from, to] = [airport(flight.departure_airport), airport(flight.arrival_airport)];
  return { title: [words(flight.flight_number), `${from} → ${to}`].filter(Boolean).join(" · ") };
}

function airport(value: unknown): string {
  const { city, airport_code } = fields(value);
  const [name, code] = [words(city), words(airport_code)];
  return name !== undefined && code !== undefined ? `${name} (${code})` : (name ?? code ?? "–");
}

function flightFacts(flight: Fields): Fact[] {
  const from = facts(fields(flight.departure_airport), ["terminal", "gate"]);
  return [...facts(fields(flight.flight_schedule), ["boarding_time", "departure_time", "arrival_time"]), ...from];
}

function facts(content: Fields, names: string[]): Fact[] {
  return names.flatMap((name) => {
    const value = words(content[name]);
    return value === undefined ? [] : [{ label: spoken(name), value: name.endsWith("_time") ? local(value) : value }];
  });
}

/** An airport's own time, which names no zone and is shown as it is. */
function local(time: string): string {
  return time.replace("T", " ");
}

function priced(label: string | undefined, amount: unknown, currency: string | undefined): Fact {
  const number = typeof amount === "string" && words(amount) !== undefined ? Number(amount) : amount;
  if (typeof number !== "number" || !Number.isFinite(number)) return { label: label ?? "", value: "–" };
  return { label: label ?? "–", value: money(number, currency) };
}

function money(amount: number, currency: string | undefined): string {
  const isCode = currency !== undefined && /^[A-Za-z]{3}$/.test(currency);
  return new Intl.NumberFormat(
    locale(),
    isCode ? { style: "currency", currency } : { minimumFractionDigits: 2 },
  ).format(amount);
}

function dated(seconds: unknown): Fact[] {
  const at = Number(words(seconds)) * 1000;
  const isTime = at > 0 && at < 8e15;
  return isTime ? [{ label: t("message.receipt.ordered"), value: moment(new Date(at).toISOString()) }] : [];
}

function hasSomething({ title, subtitle, image, media, href, facts, buttons }: Card): boolean {
  return [title, subtitle, image, media, href].some(Boolean) || facts.length + buttons.length > 0;
}

const HIDDEN = new Set(["template_type", "type", "sharable", "locale", "theme_color"]);

function gather(content: Fields, found: Fact[], depth: number): void {
  for (const [name, value] of Object.entries(content)) {
    if (found.length >= 20) return;
    const text = typeof value === "boolean" ? String(value) : words(value);
    if (text !== undefined && !HIDDEN.has(name)) found.push({ label: spoken(name), value: text });
    else if (depth < 3 && typeof value === "object" && value !== null) {
      for (const inner of Array.isArray(value) ? list(value) : [fields(value)]) gather(inner, found, depth + 1);
    }
  }
}

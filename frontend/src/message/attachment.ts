/** What an attachment is to a reader, whatever of it is missing. Pure, but for the words. */
import type { Attachment } from "../api/types";
import { t } from "../words";
import { anything, type Card, template } from "./cards";
import { entry, type Fields, fields, spoken, words } from "./fields";
import { fileOf, mediaUrl, safeUrl } from "./links";

/** What is loaded from Meta; `url` is null where Meta sent no link that could be loaded. */
export interface Media {
  is: "image" | "sticker" | "audio" | "video" | "file";
  url: string | null;
  name: string;
}
export interface Place {
  is: "place";
  name: string | undefined;
  position: string | undefined;
  href: string | null;
}
export interface Cards {
  is: "cards";
  label: string;
  cards: Card[];
}
export type Shown = Media | Place | Cards;

/** How an attachment is shown; never nothing. `said` is the text of its message. */
export function shown(attachment: Attachment, said: string | null): Shown {
  const type = words(attachment.type) ?? "";
  const payload = fields(attachment.payload);
  switch (type) {
    case "image":
      return media(words(payload.sticker_id) === undefined ? "image" : "sticker", payload);
    case "sticker":
    case "audio":
    case "video":
    case "file":
      return media(type, payload);
    case "location":
      return place(attachment as Fields, payload);
    case "template":
      return { is: "cards", ...template(payload, said) };
    default:
      return {
        is: "cards",
        label: entry(NAMES, type)?.() ?? named(type),
        cards: [link(attachment as Fields, payload)],
      };
  }
}

const NAMES: Record<string, () => string> = {
  fallback: () => t("message.shared.link"),
  share: () => t("message.shared.post"),
  post: () => t("message.shared.post"),
  ig_post: () => t("message.shared.post"),
  reel: () => t("message.shared.reel"),
  ig_reel: () => t("message.shared.reel"),
  ig_story: () => t("message.shared.story"),
  story_mention: () => t("message.shared.mention"),
  appointment_booking: () => t("message.appointment"),
  ephemeral: () => t("message.ephemeral"),
};

function named(type: string): string {
  return type === "" ? t("message.attachment") : t("message.attachment.of", { type: spoken(type) });
}

function media(is: Media["is"], payload: Fields): Media {
  const url = mediaUrl(payload.url);
  return { is, url, name: url === null ? "" : fileOf(url) };
}

function place(attachment: Fields, payload: Fields): Place {
  const { lat, long } = fields(payload.coordinates);
  const [north, east] = [Number(words(lat)), Number(words(long))];
  const isPlace = Math.abs(north) <= 90 && Math.abs(east) <= 180;
  const map = `https://www.openstreetmap.org/?mlat=${north}&mlon=${east}#map=16/${north}/${east}`;
  return {
    is: "place",
    name: words(attachment.title) ?? words(payload.title),
    position: isPlace ? `${north.toFixed(5)}, ${east.toFixed(5)}` : undefined,
    href: isPlace ? map : safeUrl(payload.url ?? attachment.url),
  };
}

/** Something shared: its link stands on the attachment itself or in the payload, under one of several names. */
function link(attachment: Fields, payload: Fields): Card {
  const addresses = [payload.url, attachment.url, attachment.URL, payload.reel_video_url, payload.story_media_url];
  const href = addresses.map(safeUrl).find((url) => url !== null) ?? undefined;
  const title = words(payload.title) ?? words(attachment.title);
  const { type: _, payload: __, ...own } = attachment;
  const rest = anything({ ...own, ...payload });
  const known = new Set([title, ...addresses]);
  const facts = rest.facts.filter((fact) => !(href !== undefined && known.has(fact.value)) && fact.value !== title);
  return { ...rest, title, href, facts: facts.filter((fact) => !(href !== undefined && NOISE.has(fact.label))) };
}

/** Ids that mean nothing to a reader who can follow the link. */
const NOISE = new Set(["Id", "Reel video id", "Ig post media id", "Story media id"]);

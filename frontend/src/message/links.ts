/** Addresses in what others wrote: which of them may be followed, and where they stand in a text. Pure. */

const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The address in its normal form where following it is harmless, else null: no scripts, no data, no files. */
export function safeUrl(value: unknown): string | null {
  const url = typeof value === "string" ? parsed(value.trim()) : null;
  return url !== null && SCHEMES.has(url.protocol) ? url.href : null;
}

/** The same for what is loaded into the page: pictures and sound come over HTTP only. */
export function mediaUrl(value: unknown): string | null {
  const url = safeUrl(value);
  return url?.startsWith("http") ? url : null;
}

export type Piece = string | { text: string; href: string };

// Control and direction characters end an address: with them it could read as another one.
const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"\p{Cc}\p{Cf}]{2,2000}/giu;

/** A text as plain pieces and addresses, in order; joined they are the text again. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const href = safeUrl(/^www\./i.test(address) ? `https://${address}` : address);
    if (href === null || isInsideWord(text, match.index)) continue;
    if (match.index > done) found.push(text.slice(done, match.index));
    found.push({ text: address, href });
    done = match.index + address.length;
  }
  if (done < text.length) found.push(text.slice(done));
  return found;
}

/** When a link of Meta's content servers stops working, as the link itself says; null where it does not say so. */
export function expiresAt(url: string): number | null {
  const { hostname, searchParams } = new URL(url);
  const seconds = /\.(fbcdn\.net|cdninstagram\.com)$/.test(hostname) ? searchParams.get("oe") : null;
  return seconds !== null && /^[0-9a-f]{8}$/i.test(seconds) ? Number.parseInt(seconds, 16) * 1000 : null;
}

/** The host of an address, as a reader knows it. */
export function hostOf(url: string): string {
  return parsed(url)?.hostname.replace(/^www\./, "") ?? "";
}

/** The name of the file that an address leads to; empty where it has none. */
export function fileOf(url: string): string {
  const last = parsed(url)?.pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function parsed(value: string): URL | null {
  return URL.canParse(value) ? new URL(value) : null;
}

/** Without the punctuation of the sentence that it stands in, and without a bracket that it does not open. */
function trimmed(address: string): string {
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1] ?? "";
    const opening = last === ")" ? "(" : last === "]" ? "[" : null;
    if (opening !== null ? address.slice(0, end - 1).includes(opening) : !".,;:!?'’”…*_~".includes(last)) break;
  }
  return address.slice(0, end);
}

function isInsideWord(text: string, at: number): boolean {
  return at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
}

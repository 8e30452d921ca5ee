/** Where the operator is: everything of it is in the URL's hash, so that Back, reload and links work. */
import { useSyncExternalStore } from "react";
import type { Status } from "./api/types";

export interface Place {
  status: Status;
  q: string;
  /** The open conversation's id. */
  conversation: string | null;
  /** The message that a link leads to. */
  message: string | null;
}

export const STATUSES: readonly Status[] = ["all", "active", "paused", "waiting"];
const HOME: Place = { status: "all", q: "", conversation: null, message: null };

/** Reads a hash such as `#/waiting/messenger:1:2?q=ana&message=m_4`; what cannot be read leads home. */
export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [status = "", conversation = ""] = path.split("/");
  const named = new URLSearchParams(query);
  return {
    status: STATUSES.find((known) => known === status) ?? HOME.status,
    q: named.get("q")?.slice(0, 100) ?? "",
    conversation: decoded(conversation) || null,
    message: named.get("message") || null,
  };
}

/** The hash of a place; the other way round of `parse`. */
export function format(place: Place): string {
  const query = new URLSearchParams();
  if (place.q) query.set("q", place.q);
  if (place.message) query.set("message", place.message);
  const path = place.conversation
    ? `${place.status}/${encodeURIComponent(place.conversation).replaceAll("%3A", ":")}`
    : place.status;
  return `#/${path}${query.size > 0 ? `?${query}` : ""}`;
}

/** Goes somewhere; what is not said stays as it is. `replace` leaves no step for Back. */
export function go(change: Partial<Place>, { replace = false } = {}): void {
  const leaves = change.conversation !== undefined && !("message" in change);
  const hash = format({ ...here(), ...(leaves ? { message: null } : {}), ...change });
  if (hash === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

let known = { hash: "", place: HOME };

/** The place now; the same object as long as the hash stays the same. */
export function here(): Place {
  if (known.hash !== location.hash) known = { hash: location.hash, place: parse(location.hash) };
  return known.place;
}

export function usePlace(): Place {
  return useSyncExternalStore(onMove, here);
}

function onMove(moved: () => void): () => void {
  addEventListener("hashchange", moved);
  addEventListener("popstate", moved);
  return () => {
    removeEventListener("hashchange", moved);
    removeEventListener("popstate", moved);
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

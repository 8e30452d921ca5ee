/** Tells the operator of those who have begun to wait, outside the page: title, icon, notification, sound. */
import type { Conversation } from "../api/types";
import { t } from "../words";

/** Those who did not wait before, or have asked again; not those whom this operator paused, in whatever tab. */
export function newlyWaiting(
  known: ReadonlyMap<string, Conversation>,
  changed: readonly Conversation[],
  me: string,
): Conversation[] {
  return changed.filter(({ id, waiting_since, paused }) => {
    if (waiting_since === null || (known.get(id)?.waiting_since ?? null) !== null) return false;
    const isMine = paused?.by.type === "operator" && paused.by.id === me;
    return !isMine || waiting_since > paused.since; // later than one's own pause: the customer has written
  });
}

/** One notification for each conversation, replaced by the next; the words stay here where the name is enough. */
export function notify(conversations: readonly Conversation[], open: (id: string) => void): void {
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  for (const one of conversations.slice(0, 3)) {
    const title = t("notify.title", { customer: one.name ?? one.user_id });
    try {
      const notification = new Notification(title, { body: one.paused?.reason ?? t("notify.body"), tag: one.id });
      notification.onclick = () => {
        focus();
        open(one.id);
        notification.close();
      };
    } catch {
      return; // Chrome on Android permits them, but shows only those of a service worker
    }
  }
}

/** Two soft notes. */
export function chime(): void {
  const audio = new AudioContext();
  for (const [at, pitch] of [
    [0, 660],
    [0.14, 880],
  ] as const) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.08, audio.currentTime + at);
    volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + at + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.3);
  }
  setTimeout(() => void audio.close(), 1000);
}

/** How many wait, in the tab's title and icon. */
export function badge(waiting: number): void {
  const count = waiting >= 1000 ? "1000+" : String(waiting);
  document.title = waiting > 0 ? `(${count}) ${t("app.title")}` : t("app.title");
  document.querySelector('link[rel="icon"]')?.setAttribute("href", waiting > 0 ? "/icon-waiting.svg" : "/icon.svg");
}

import { useState } from "react";
import { Icon } from "../icon/Icon";

/** The user's picture, or their initials on a tint that follows from their id. */
export function Avatar({
  id,
  name,
  url,
  size = 36,
}: {
  id: string;
  name: string | null;
  url: string | null;
  size?: number;
}) {
  const [gone, setGone] = useState<string | null>(null);
  return (
    <span className={`avatar tint-${tint(id)}`} style={{ width: size, height: size }} aria-hidden="true">
      {url !== null && gone !== url ? (
        <img src={url} alt="" width={size} height={size} loading="lazy" onError={() => setGone(url)} />
      ) : (
        initials(name) || <Icon name="person" size={size / 2} />
      )}
    </span>
  );
}

function initials(name: string | null): string {
  const words = (name ?? "").trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase();
}

function tint(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  return sum % 6;
}

import { useState } from "react";
import { t } from "../words";
import { isReadable } from "./fields";
import { pieces } from "./links";

/** Messenger lets users write 20,000 characters; a thread shows so many of them at first. */
const SHOWN = 1500;
const TALLEST = /^(?:[^\n]*\n){40}/;
const EMOJI_ONLY =
  /^(?:(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f)\s?){1,12}$/u;

/** What somebody wrote, as text whatever is in it, with its links. */
export function Text({ text }: { text: string }) {
  const tallest = TALLEST.exec(text)?.[0] ?? text;
  const [isWhole, showWhole] = useState(text.length <= SHOWN * 1.2 && tallest === text);
  if (!isReadable(text)) return <p className="quiet">{t("message.empty")}</p>;
  const shown = isWhole ? text : `${tallest.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, "")}…`;
  return (
    <>
      <p className={EMOJI_ONLY.test(text) ? "text emoji" : "text"} dir="auto">
        <Linked text={shown} />
      </p>
      {!isWhole && (
        <button type="button" className="plain" onClick={() => showWhole(true)}>
          {t("message.whole", { count: text.length })}
        </button>
      )}
    </>
  );
}

function Linked({ text }: { text: string }) {
  let at = 0;
  return pieces(text).map((piece) => {
    const key = at;
    at += typeof piece === "string" ? piece.length : piece.text.length;
    return typeof piece === "string" ? piece : <Link key={key} href={piece.href} text={piece.text} />;
  });
}

/** A link to somebody else's page, which learns nothing of this one. Its real address shows on pointing at it. */
export function Link({ href, text, label }: { href: string; text: string; label?: string | undefined }) {
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer" aria-label={label} dir="auto">
      {text}
    </a>
  );
}

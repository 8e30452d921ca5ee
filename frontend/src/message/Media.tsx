import { useState } from "react";
import type { Message } from "../api/types";
import { Icon } from "../icon/Icon";
import { t } from "../words";
import type { Media as Shown } from "./attachment";
import type { Context } from "./context";
import { expiresAt, hostOf } from "./links";
import { Link } from "./Text";

/** An image, sticker, audio, video or file behind one of Meta's links, which expire. */
export function Media({ media, message, context }: { media: Shown; message: Message; context: Context }) {
  const [attempt, setAttempt] = useState(0);
  const [isGone, setGone] = useState(false);
  const what = t(`message.${media.is}`);
  const isUsers = message.author === "user";
  if (media.url === null) return <Gone words={t("message.media.none", { what })} />;
  // Meta gives no new link to what it has sent before: where the link itself is over, no button could help.
  if (hasExpired(media.url))
    return (
      <Gone words={t(isUsers ? "message.media.expired" : "message.media.over", { what, customer: context.customer })} />
    );
  if (isGone) {
    const again = () => {
      setAttempt(attempt + 1);
      setGone(false);
    };
    return <Gone words={t(attempt === 0 ? "message.media.gone" : "message.media.still", { what })} again={again} />;
  }
  const failed = () => setGone(true);
  const from = t("message.media.from", { what, who: context.customer });
  const alt = isUsers ? from : what;
  switch (media.is) {
    case "image":
    case "sticker":
      return (
        <a className={media.is} href={media.url} target="_blank" rel="noopener noreferrer">
          <img
            key={attempt}
            src={media.url}
            alt={alt}
            loading="lazy"
            decoding="async"
            referrerPolicy="no-referrer"
            onError={failed}
          />
        </a>
      );
    case "audio":
      // biome-ignore lint/a11y/useMediaCaption: nobody wrote captions for what a user has recorded
      return <audio key={attempt} controls preload="none" src={media.url} aria-label={alt} onError={failed} />;
    case "video":
      return (
        // biome-ignore lint/a11y/useMediaCaption: nobody wrote captions for what a user has recorded
        <video key={attempt} controls preload="metadata" src={media.url} aria-label={alt} onError={failed} />
      );
    case "file":
      return (
        <p className="file">
          <Icon name="file" />
          <Link href={media.url} text={media.name || what} />
          <span className="quiet">{hostOf(media.url)}</span>
        </p>
      );
  }
}

function Gone({ words, again }: { words: string; again?: () => void }) {
  return (
    <div className="gone">
      <Icon name="gone" />
      <p>{words}</p>
      {again && (
        <button type="button" className="plain" onClick={again}>
          {t("message.media.again")}
        </button>
      )}
    </div>
  );
}

function hasExpired(url: string | null): boolean {
  const until = url === null ? null : expiresAt(url);
  return until !== null && until < Date.now();
}

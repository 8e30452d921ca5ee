import type { Message } from "../api/types";
import { Icon } from "../icon/Icon";
import { t } from "../words";
import type { Cards as Shown, Place as ShownPlace } from "./attachment";
import type { Card as Content } from "./cards";
import type { Context } from "./context";
import { hostOf } from "./links";
import { Media } from "./Media";
import { Link } from "./Text";

interface Of {
  message: Message;
  context: Context;
}

/** A template, something shared, or an attachment of a kind that we do not know: what it is called, and its cards. */
export function Cards({ shown, ...of }: Of & { shown: Shown }) {
  return (
    <div className="cards">
      <p className="label">{shown.label}</p>
      {shown.cards.map((card, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the cards of a message never change their places
        <Card key={at} card={card} {...of} />
      ))}
    </div>
  );
}

function Card({ card, message, context }: Of & { card: Content }) {
  const { title, subtitle, image, media, href, facts, buttons } = card;
  const name = title ?? (href === undefined ? undefined : href);
  return (
    <div className="card">
      {media && <Media media={{ ...media, name: "" }} message={message} context={context} />}
      {image && <Media media={{ is: "image", url: image, name: "" }} message={message} context={context} />}
      {name !== undefined && (
        <p className="title" dir="auto">
          {href === undefined ? name : <Link href={href} text={name} />}
        </p>
      )}
      {subtitle !== undefined && <p dir="auto">{subtitle}</p>}
      {href !== undefined && title !== undefined && <p className="quiet">{hostOf(href)}</p>}
      {facts.length > 0 && (
        <dl>
          {facts.map(({ label, value }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two facts may have the same name
            <div key={at}>
              <dt>{label}</dt>
              <dd dir="auto">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {buttons.length > 0 && (
        <ul className="buttons" aria-label={t("message.buttons")}>
          {buttons.map((button, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two buttons may say the same
            <li key={at} className="button" dir="auto">
              {button.href === null ? button.title : <Link href={button.href} text={button.title} />}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A place on the map. */
export function Place({ place }: { place: ShownPlace }) {
  return (
    <div className="card">
      <p className="title" dir="auto">
        <Icon name="pin" />
        {place.name ?? t("message.location")}
      </p>
      {place.position !== undefined && <p className="quiet">{place.position}</p>}
      {place.href !== null && <Link href={place.href} text={t("message.location.map")} />}
      {place.href === null && place.position === undefined && <p className="quiet">{t("message.location.none")}</p>}
    </div>
  );
}

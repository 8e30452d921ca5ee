import { useEffect, useRef, useState } from "react";
import { Icon } from "../icon/Icon";
import { isComposing } from "../keys";
import { go, usePlace } from "../place";
import { t } from "../words";

const SETTLED_AFTER = 250;

/** Searches names and ids; what is searched for stands in the URL. */
export function Search() {
  const { q } = usePlace();
  const [text, setText] = useState(q);
  const typed = useRef(q);
  useEffect(() => {
    if (q === typed.current) return;
    typed.current = q;
    setText(q);
  }, [q]);
  useEffect(() => {
    const timer = setTimeout(() => {
      typed.current = text.trim();
      go({ q: text.trim() }, { replace: true });
    }, SETTLED_AFTER);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <search className="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        value={text}
        maxLength={100}
        placeholder={t("search.placeholder")}
        aria-label={t("search.label")}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || isComposing(event.nativeEvent)) return;
          setText("");
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </search>
  );
}

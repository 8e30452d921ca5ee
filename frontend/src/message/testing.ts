import type { Context } from "./context";

export const alone: Context = { customer: "Ana Ito", deliveredAt: null, readAt: null };

/** What a row says beside who says it and when. */
export function said(container: HTMLElement): string {
  const words = [...container.querySelectorAll(".bubble, .line > p")].map((element) => element.textContent);
  const names = [...container.querySelectorAll("img, audio, video")].map(
    (element) => element.getAttribute("alt") ?? element.getAttribute("aria-label"),
  );
  return [...words, ...names].join(" ").trim();
}

/** What must never be in a row, whatever it shows. */
export function faults(container: HTMLElement): string[] {
  const found: string[] = [];
  const words = `${container.textContent} ${[...container.querySelectorAll("[alt], [aria-label], [title]")]
    .flatMap((element) => [element.getAttribute("alt"), element.getAttribute("aria-label")])
    .join(" ")}`;
  for (const bad of ["undefined", "[object", "NaN", "Invalid Date", "message.", "{who}"]) {
    if (words.includes(bad)) found.push(`says ${bad}`);
  }
  for (const element of container.querySelectorAll("*")) {
    if (["SCRIPT", "IFRAME", "STYLE", "OBJECT", "EMBED", "FORM"].includes(element.tagName)) found.push(element.tagName);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) found.push(`${element.tagName} ${name}`);
      const isHarmless = /^(https?|mailto|tel):/.test(value);
      if ((name === "href" || name === "src") && !isHarmless) found.push(`${name} ${value}`);
    }
  }
  for (const link of container.querySelectorAll("a")) {
    if (!link.rel.includes("noopener") || link.target !== "_blank") found.push("a link that keeps hold of this page");
    if (!link.textContent.trim() && !link.querySelector("img[alt]")) found.push("a link without words");
  }
  for (const image of container.querySelectorAll("img")) if (!image.alt) found.push("an image without words");
  return found;
}

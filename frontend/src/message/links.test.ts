import { describe, expect, it } from "vitest";
import { expiresAt, fileOf, mediaUrl, pieces, safeUrl } from "./links";

describe("safeUrl", () => {
  it.each(["https://example.com/", "http://example.com/a?b=c", "mailto:ana@example.com", "tel:+15550100"])(
    "lets through what can be followed: %s",
    (url) => expect(safeUrl(url)).toBe(url),
  );

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://example.com/1",
    "/relative",
    "//example.com",
    "<ATTACHMENT_URL >",
    "",
    7,
    null,
    {},
  ])("refuses everything else: %j", (url) => expect(safeUrl(url)).toBeNull());

  it("loads media over HTTP only", () => {
    expect(mediaUrl("mailto:ana@example.com")).toBeNull();
    expect(mediaUrl("https://example.com/a.png")).toBe("https://example.com/a.png");
  });
});

describe("pieces", () => {
  const links = (text: string) => pieces(text).flatMap((piece) => (typeof piece === "string" ? [] : [piece.href]));
  const joined = (text: string) => pieces(text).map((piece) => (typeof piece === "string" ? piece : piece.text));

  it.each([
    ["see https://example.com.", ["https://example.com/"]],
    ["(https://example.com/a)", ["https://example.com/a"]],
    ["https://example.com/a_(b)!", ["https://example.com/a_(b)"]],
    ["www.example.com and HTTP://EXAMPLE.COM/x", ["https://www.example.com/", "http://example.com/x"]],
    ["“https://example.com/a?b=1&c=2”", ["https://example.com/a?b=1&c=2"]],
    ["javascript:alert(1) data:text/html,x file:///x", []],
    ["xhttps://example.com", []],
    ["https://", []],
    ["no links", []],
    ["", []],
  ])("finds the addresses: %s", (text, hrefs) => {
    expect(links(text)).toEqual(hrefs);
    expect(joined(text).join("")).toBe(text);
  });

  it("ends an address where a character turns the direction of the text", () => {
    expect(links("https://example.com/\u202egpj.exe")).toEqual(["https://example.com/"]);
  });

  it("does not take long for a text that is made to be slow", () => {
    const started = performance.now();
    for (const text of ["https://".repeat(2500), `https://a${")".repeat(20_000)}`, "www.".repeat(5000)]) pieces(text);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe("what a link says of itself", () => {
  it("says when it expires, where it is one of Meta's", () => {
    expect(expiresAt("https://scontent.xx.fbcdn.net/v/a.png?oe=5F000000")).toBe(0x5f000000 * 1000);
    expect(expiresAt("https://scontent.xx.fbcdn.net/v/a.png?oe=soon")).toBeNull();
    expect(expiresAt("https://example.com/a.png?oe=5F000000")).toBeNull();
  });

  it("names its file", () => {
    expect(fileOf("https://example.com/a/b%20c.pdf?x=1")).toBe("b c.pdf");
    expect(fileOf("https://example.com/%E0%A4%A")).toBe("%E0%A4%A");
    expect(fileOf("https://example.com/")).toBe("");
  });
});

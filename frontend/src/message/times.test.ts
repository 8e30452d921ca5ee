import { describe, expect, it } from "vitest";
import { ago, dayName, isSameDay, shortTime } from "./times";

const noon = new Date(2026, 0, 31, 12).getTime();
const earlier = (days: number, hours = 0) => new Date(noon - (days * 24 + hours) * 3_600_000).toISOString();

describe("dayName", () => {
  it.each([
    [earlier(0, 11), "Today"],
    [earlier(0, 13), "Yesterday"],
    [earlier(2), "Thursday"],
    [earlier(6), "Sunday"],
    [earlier(7), "Saturday, January 24"],
    [earlier(400), "December 27, 2024"],
  ])("%s is %s", (at, name) => expect(dayName(at, noon)).toBe(name));
});

describe("shortTime", () => {
  it.each([
    [earlier(0, 2), "10:00 AM"],
    [earlier(0, 13), "Fri"],
    [earlier(6), "Sun"],
    [earlier(7), "Jan 24"],
  ])("%s is %s", (at, words) => expect(shortTime(at, noon).replace("\u202f", " ")).toBe(words));
});

describe("isSameDay", () => {
  it("is by the local day", () => {
    expect(isSameDay(earlier(0, 11), earlier(0))).toBe(true);
    expect(isSameDay(earlier(0, 13), earlier(0))).toBe(false);
  });
});

describe("ago", () => {
  it.each([
    [0, "now"],
    [61, "1 minute ago"],
    [7300, "2 hours ago"],
    [90_000, "1 day ago"],
  ])("%i seconds: %s", (seconds, words) => {
    expect(ago(new Date(noon - seconds * 1000).toISOString(), noon)).toBe(words);
  });

  it("is never in the future, whatever a clock says", () => {
    expect(ago(new Date(noon + 5000).toISOString(), noon)).toBe("now");
  });
});

import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const PLACES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Debian's Chromium or Chrome: nothing is downloaded. */
const executablePath = PLACES.find((place) => place !== undefined && existsSync(place));
if (executablePath === undefined) {
  throw new Error("Chromium is needed: on Debian run apt-get install chromium, or say where it is with CHROMIUM=path.");
}

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One stack for all, and one test at a time: each has customers of its own, but the machine may have two cores.
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: "list",
  use: {
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    launchOptions: { executablePath },
    trace: "retain-on-failure",
  },
});

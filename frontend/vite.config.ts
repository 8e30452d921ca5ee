import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // The content security policy allows no data: scripts or styles, so everything is a file of its own.
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022" },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/test/setup.ts"] },
});

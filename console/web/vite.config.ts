import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `STREAMGATE_CONSOLE` points `npm run dev` at a running console (docs/developers/console-api.md).
const target = process.env["STREAMGATE_CONSOLE"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy allows no data: addresses
    modulePreload: { polyfill: false },
    target: "es2022",
    // The console's page, and the two of the public address, which share neither router nor components with it.
    rolldownOptions: { input: ["index.html", "watch.html", "overlay.html"] },
  },
  server: { proxy: { "/api": { target, ws: true }, "/healthz": { target }, "/hls": { target } } },
  test: { include: ["src/**/*.test.ts"] },
});

import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import page from "../vite.config.js";

/** Pages that only benchmarks open, beside the page itself: `sh deploy/page.sh bench`. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  publicDir: false,
  plugins: [vue()],
  resolve: page.resolve,
  define: page.define,
  build: {
    ...page.build,
    outDir: fileURLToPath(new URL("../../../.cache/bench", import.meta.url)),
    emptyOutDir: true,
    rolldownOptions: { ...page.build.rolldownOptions, input: fileURLToPath(new URL("flow.html", import.meta.url)) },
  },
});

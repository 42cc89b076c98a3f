import { describe, expect, it } from "vitest";
import { allMessages, i18n, LOCALES } from "./index";
import type { Messages } from "./messages";

const sources = import.meta.glob<string>("../**/*.{vue,ts}", { eager: true, query: "?raw", import: "default" });

function keysOf(tree: Messages, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [prefix + key] : keysOf(value, `${prefix}${key}.`),
  );
}

function textAt(tree: Messages, key: string): string {
  return String(key.split(".").reduce<Messages | string | undefined>((at, step) => (typeof at === "object" ? at[step] : at), tree));
}

function gapsOf(text: string): string[] {
  return [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();
}

const all = allMessages();
const known = new Set(keysOf(all["zh-CN"]));

describe("messages", () => {
  it("have the same keys in both languages, and a text for each", () => {
    expect(keysOf(all.en).toSorted()).toEqual([...known].toSorted());
    for (const locale of LOCALES) expect(JSON.stringify(all[locale])).not.toContain('""');
  });

  it.each(LOCALES)("can be written in %s, each of them", (locale) => {
    const { t } = i18n.global;
    // A sign that the message syntax takes for its own throws.
    for (const key of known) expect(t(key, {}, { locale }).length).toBeGreaterThan(0);
  });

  it("have the same gaps in both languages", () => {
    for (const key of known) expect([key, gapsOf(textAt(all.en, key))]).toEqual([key, gapsOf(textAt(all["zh-CN"], key))]);
  });

  it("exist for every key that a source names", () => {
    const missing = Object.entries(sources).flatMap(([path, text]) =>
      [...text.matchAll(/\bt\(\s*["']([\w.-]+)["']/g)].map(([, key]) => key ?? "").filter((key) => !known.has(key)).map((key) => `${path}: ${key}`),
    );
    expect(missing).toEqual([]);
  });
});

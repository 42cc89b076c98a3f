import { createI18n } from "vue-i18n";
import type { Locale } from "@/api/types";
import common from "./common";
import type { Messages } from "./messages";

const KEPT = "nengtan.language";
export const LOCALES: readonly Locale[] = ["zh-CN", "en"];

type Both = Record<Locale, Messages>;

/** Messages of a view stand in its folder and below its name: src/views/flow/messages.ts is `flow.…`. */
const ofViews = import.meta.glob<{ default: Both }>("../views/*/messages.ts", { eager: true });

export function allMessages(): Both {
  const all: Both = { "zh-CN": { ...common["zh-CN"] }, en: { ...common.en } };
  for (const [path, { default: both }] of Object.entries(ofViews)) {
    const view = path.split("/").at(-2) ?? path;
    for (const locale of LOCALES) all[locale][view] = both[locale];
  }
  return all;
}

const asked = localeOf(new URLSearchParams(globalThis.location?.search ?? "").get("lang"));

export const i18n = createI18n({
  legacy: false,
  locale: asked ?? localeOf(globalThis.localStorage?.getItem(KEPT) ?? null) ?? "zh-CN",
  fallbackLocale: false,
  missingWarn: true,
  messages: allMessages(),
});

export function chooseLocale(locale: Locale): void {
  i18n.global.locale.value = locale;
  localStorage.setItem(KEPT, locale);
}

function localeOf(text: string | null): Locale | null {
  return LOCALES.find((locale) => locale === text) ?? null;
}

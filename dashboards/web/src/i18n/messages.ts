import type { Locale } from "@/api/types";

export interface Messages {
  [key: string]: string | Messages;
}

/** The same keys, whatever the texts. */
type SameKeys<T> = { [K in keyof T]: T[K] extends string ? string : SameKeys<T[K]> };

/** Messages in both languages; a key that one of them lacks does not compile. */
export function messages<T extends Messages>(zh: T, en: SameKeys<T>): Record<Locale, Messages> {
  return { "zh-CN": zh, en: en as Messages };
}

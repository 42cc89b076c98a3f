import { useI18n } from "vue-i18n";
import type { Bilingual } from "@/api/types";

/** A text in both languages, for what is kept until it is shown. */
export function useBoth(): (key: string) => Bilingual {
  const { t } = useI18n();
  return (key) => ({ zh: t(key, {}, { locale: "zh-CN" }), en: t(key, {}, { locale: "en" }) });
}

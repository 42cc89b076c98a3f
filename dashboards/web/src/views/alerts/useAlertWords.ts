import { useI18n } from "vue-i18n";
import type { Alert } from "@/api/types";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { useSites } from "@/session/useSite";
import { useFormat } from "@/use/useFormat";
import { durationParts } from "./story";

const OBJECTS = ["node", "flow", "point", "product", "meter", "unit", "gateway", "service"];

export interface AlertWords {
  summary(alert: Alert): string;
  description(alert: Alert): string;
  /** Site and object that it is of. */
  place(alert: Alert): string;
  /** "2 h 5 min" */
  duration(ms: number): string;
  figure(alert: Alert, which: "value" | "value_worst" | "limit_value"): Subject;
}

/** What is said of alerts, in the reader's language. */
export function useAlertWords(): AlertWords {
  const { t } = useI18n();
  const both = useBoth();
  const format = useFormat();
  const { sites } = useSites();
  const text = (alert: Alert, name: string): string => alert.texts[`${name}_${format.locale.value === "en" ? "en" : "zh"}`] ?? alert.texts[`${name}_zh`] ?? "";
  const summary = (alert: Alert): string => text(alert, "summary") || alert.rule;
  return {
    summary,
    description: (alert) => text(alert, "description"),
    place: (alert) => {
      const site = sites.value.find(({ code }) => code === alert.site);
      const object = OBJECTS.find((name) => name in alert.labels);
      return [site ? format.nameOf(site) : alert.site, object === undefined ? null : `${t(`alerts.objects.${object}`)} ${alert.labels[object]}`].filter(Boolean).join(" · ") || t("alerts.centre");
    },
    duration: (ms) => {
      const { days, hours, minutes, seconds } = durationParts(ms);
      if (days > 0) return t("alerts.time.days", { days, hours });
      if (hours > 0) return t("alerts.time.hours", { hours, minutes });
      return minutes > 0 ? t("alerts.time.minutes", { minutes }) : t("alerts.time.seconds", { seconds });
    },
    figure: (alert, which) => ({
      label: `${summary(alert)} · ${t(`alerts.${which}`)}`,
      quantity: "alert_value",
      value: alert[which],
      unit: alert.unit,
      start: alert.active_at,
      end: alert.fired_at,
      how: both(`alerts.how.${which}`),
    }),
  };
}

import { computed } from "vue";
import { useI18n } from "vue-i18n";
import type { Bilingual } from "@/api/types";
import { useNomenclature } from "@/session/useNomenclature";
import { useFormat } from "@/use/useFormat";
import type { Flow } from "./network";
import type { Link, Picture, Stop } from "./picture";

export interface FlowNames {
  stopName(stop: Stop | undefined): string;
  linkName(link: Link): string;
  carrierName(link: Link): string;
  flowName(flow: Flow): string;
  placeName(code: string): string;
  /** How a number was formed, in both languages. */
  how(key: string): Bilingual;
}

/** Names of what is drawn, in the language of the reader. */
export function useFlowNames(picture: () => Picture): FlowNames {
  const { t, messages } = useI18n();
  const { name } = useFormat();
  const names = useNomenclature();
  const placeName = (code: string): string => {
    const place = picture().tree.place(code);
    return place ? name(place.name) : code;
  };
  const stopName = (stop: Stop | undefined): string => {
    if (stop === undefined) return "—";
    if (stop.name === null) return t(`flow.${stop.kind}`);
    const own = name(stop.name);
    if (stop.side === "back") return t("flow.back_name", { name: own });
    if (stop.side === null || (stop.isOutside && !hasTwin(picture(), stop))) return own;
    return t("flow.side_name", { name: own, side: t(`flow.side.${stop.side}`) });
  };
  const stops = computed(() => new Map(picture().stops.map((stop) => [stop.id, stop])));
  const stopAt = (id: string): string => stopName(stops.value.get(id));
  const textOf = (locale: string, key: string): string =>
    (messages.value[locale] as { flow: { how: Record<string, string> } }).flow.how[key] ?? "";
  return {
    placeName,
    stopName,
    linkName: (link) => `${stopAt(link.source)} → ${stopAt(link.target)}`,
    carrierName: (link) => (link.carrier === null ? t(`flow.${link.kind}`) : name(names.carrierName(link.carrier))),
    flowName: (flow) => (flow.name ? name(flow.name) : `${placeName(flow.source)} → ${placeName(flow.target)}`),
    how: (key) => ({ zh: textOf("zh-CN", key), en: textOf("en", key) }),
  };
}

/** Whether the same place is drawn on the other side too. */
function hasTwin(picture: Picture, stop: Stop): boolean {
  return picture.stops.some(({ code, id, side }) => code === stop.code && id !== stop.id && side !== "back");
}

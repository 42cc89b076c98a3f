import { computed } from "vue";
import { useI18n } from "vue-i18n";
import type { Subject } from "@/parts/explain";
import { useFormat } from "@/use/useFormat";
import type { Words } from "./scene";
import type { Measured } from "./measured";
import type { Flow } from "./network";
import type { Link, Picture, Stop } from "./picture";
import { useFlowNames, type FlowNames } from "./useFlowNames";

export interface FlowWords extends Words, FlowNames {
  linkSubject(link: Link): Subject;
  flowSubject(flow: Flow): Subject;
}

/** Names and numbers of a picture as the reader is told them. */
export function useFlowWords(picture: () => Picture, measured: () => Measured): FlowWords {
  const { t } = useI18n();
  const format = useFormat();
  const names = useFlowNames(picture);
  const throughputs = computed(() => throughputsOf(picture()));
  const value = (of: number | null, isWhole = true): string => {
    const { number, unit } = format.shown(of, measured().unit);
    return of === null ? t("flow.unknown") : `${isWhole ? "" : "≥ "}${number} ${unit}`;
  };
  const amount = (link: Link): string =>
    link.value === null && link.known > 0 ? t("flow.partly", { known: value(link.known), count: link.unknownCount }) : value(link.value);
  const reason = (link: Pick<Link, "unknownCount">): string => t("flow.reason.unknown", { count: link.unknownCount });
  const subject = (label: string, of: { value: number | null; grade: Link["grade"]; flags: readonly string[] }, key: string): Subject => ({
    label,
    quantity: measured().quantity,
    value: of.value,
    unit: measured().unit,
    start: measured().start,
    end: measured().end,
    grade: of.grade,
    flags: of.flags,
    how: names.how(measured().isLive && key === "flow" ? "live" : key),
    isLive: measured().isLive,
  });
  const side = (stop: Stop, end: "source" | "target"): string[] => {
    const links = picture().links.filter((link) => link[end] === stop.id);
    if (links.length === 0) return [];
    const text = value(knownOf(links), isWhole(links));
    return [`${t(end === "target" ? "flow.tooltip.in" : "flow.tooltip.out")}  ${text}`];
  };
  return {
    ...names,
    label: (stop) => {
      const { known, isWhole } = throughputs.value.get(stop.id) ?? { known: null, isWhole: true };
      return { name: stop.canOpen ? `${names.stopName(stop)} ›` : names.stopName(stop), value: value(known, isWhole) };
    },
    aboutStop: (stop) => {
      const hint = stop.canOpen ? [t("flow.tooltip.open")] : stop.code === null ? [] : [t("flow.tooltip.detail")];
      return [names.stopName(stop), ...side(stop, "target"), ...side(stop, "source"), ...hint].join("\n");
    },
    aboutLink: (link) => {
      const intensity = `${t("flow.tooltip.intensity")}  ${format.number(link.intensity, 3)} ${t("flow.intensityUnit")}`;
      const more = [...(link.isSuspect ? [`◆ ${t("flow.suspect")}`] : []), ...(link.intensity === null ? [] : [intensity]), ...(link.grade === "good" ? [] : [t(`grade.${link.grade}`)])];
      return [names.linkName(link), names.carrierName(link), amount(link), ...more, t("flow.tooltip.detail")].join("\n");
    },
    linkSubject: (link) => ({
      ...subject(`${names.linkName(link)} · ${names.carrierName(link)}`, link, link.kind),
      reason: link.value !== null ? null : link.known > 0 ? `${reason(link)} · ${amount(link)}` : reason(link),
    }),
    flowSubject: (flow) => ({
      ...subject(names.flowName(flow), flow, "flow"),
      reason: flow.value === null ? reason({ unknownCount: 1 }) : null,
    }),
  };
}

/** Of every stop the greater of what is known to enter and to leave; null where nothing is known of either. */
export function throughputsOf(picture: Picture): Map<string, Throughput> {
  const found = new Map<string, Throughput>();
  for (const end of ["source", "target"] as const) {
    for (const [id, links] of linksBy(picture, end)) {
      const known = knownOf(links);
      if (known !== null && known >= (found.get(id)?.known ?? 0)) found.set(id, { known, isWhole: isWhole(links) });
    }
  }
  return found;
}

interface Throughput {
  known: number;
  /** Nothing of it is unknown. */
  isWhole: boolean;
}

function linksBy(picture: Picture, end: "source" | "target"): Map<string, Link[]> {
  const found = new Map<string, Link[]>();
  for (const link of picture.links) {
    const links = found.get(link[end]);
    if (links) links.push(link);
    else found.set(link[end], [link]);
  }
  return found;
}

function knownOf(links: readonly Link[]): number | null {
  return links.every((link) => link.unknownCount > 0 && link.known === 0) ? null : links.reduce((sum, link) => sum + link.known, 0);
}

function isWhole(links: readonly Link[]): boolean {
  return links.every(({ unknownCount }) => unknownCount === 0);
}

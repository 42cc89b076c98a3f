import type { RouteLocationRaw } from "vue-router";
import type { Alert, Bilingual, PlantDocument, SequenceGap } from "@/api/types";
import type { Format } from "@/use/useFormat";
import type { Cause } from "./causes";
import type { Exchange, Silent } from "./meterNotices";
import type { OverEmission } from "./overEmission";
import type { Places } from "./places";

/** Something that is wrong now, or has happened today, in words. */
export interface Notice {
  key: string;
  severity: "bad" | "uncertain" | "info";
  title: string;
  text: string;
  since: string | number | null;
  to: RouteLocationRaw;
  action: string;
}

/** What notices are written with. */
export interface Words {
  t(key: string, named?: Record<string, unknown>): string;
  format: Format;
  places: Places;
  carrierName(code: string): Bilingual;
}

/** A step withheld from a point, and the start of the newest interval that has it. */
export interface Withheld {
  point: string;
  flag: "spike" | "decrease";
  at: string | null;
}

const NAMED_MAX = 3;

function atMeters({ t }: Words, point?: string): Pick<Notice, "to" | "action"> {
  return { to: { name: "meters", query: point ? { point } : {} }, action: t("overview.attention.toMeters") };
}

function list({ format }: Words, names: string[]): string {
  return names.join(format.locale.value === "en" ? ", " : "、");
}

function placed({ format, places }: Words, point: string): { meter: string; place: string } {
  return { meter: format.name(places.meter(point)), place: format.name(places.node(point)) };
}

const SEVERITY_OF = { critical: "bad", warning: "uncertain", info: "info" } as const;

/** An alert that fires, in its own words. */
export function alertNotice({ t, format }: Words, alert: Alert): Notice {
  const { texts } = alert;
  return {
    key: `alert ${alert.id}`,
    severity: SEVERITY_OF[alert.severity],
    title: format.name({ zh: texts.summary_zh ?? alert.rule, en: texts.summary_en ?? alert.rule }),
    text: alert.acknowledged_by === null ? t("overview.attention.firing") : t("overview.attention.firingSeen", { who: alert.acknowledged_by }),
    since: alert.fired_at,
    to: { path: `/alerts/${alert.id}` },
    action: t("overview.attention.toAlert"),
  };
}

export function emissionNotice(words: Words, { start, rate, usual, dayCount }: OverEmission, causes: readonly Cause[]): Notice {
  const { t, format, carrierName } = words;
  const written = (value: number): string => {
    const { number, unit } = format.shown(value, "tCO2e/h");
    return `${number} ${unit}`;
  };
  const named = causes.map(({ link, target }) =>
    t("overview.attention.cause", { node: format.nameOf(target), carrier: format.name(carrierName(link.carrier)) }),
  );
  const given = {
    time: format.clock(start),
    rate: written(rate),
    usual: written(usual),
    ratio: format.number(rate / usual, 2),
    days: dayCount,
    causes: list(words, named),
  };
  return {
    key: "over-emission",
    severity: "bad",
    title: t("overview.attention.overEmission"),
    text: t("overview.attention.overEmissionText", given) + (named.length ? t("overview.attention.causes", given) : ""),
    since: start,
    to: { name: "flow", query: { unit: "tCO2e" } },
    action: t("overview.attention.toFlow"),
  };
}

export function silentNotice(words: Words, { gateway, points, isWholeGateway, since }: Silent): Notice {
  const { t, format, places } = words;
  const shown = points.slice(0, NAMED_MAX).map((point) => format.name(places.meter(point)));
  const given = {
    gateway: format.name(places.gateway(gateway)),
    count: points.length,
    points: list(words, [...new Set(shown)]) + (points.length > NAMED_MAX ? " …" : ""),
    time: format.clock(since, "second"),
  };
  return {
    key: `silent ${gateway}`,
    severity: isWholeGateway ? "bad" : "uncertain",
    title: t(isWholeGateway ? "overview.attention.silentGateway" : "overview.attention.silentPoints", given),
    text: t(isWholeGateway ? "overview.attention.silentGatewayText" : "overview.attention.silentPointsText", given),
    since,
    to: { name: "meters", query: points.length === 1 ? { point: points[0] } : { gateway } },
    action: t("overview.attention.toMeters"),
  };
}

export function withheldNotice(words: Words, { point, flag, at }: Withheld): Notice {
  const given = { ...placed(words, point), time: words.format.clock(at) };
  return {
    key: `${flag} ${point}`,
    severity: "uncertain",
    title: words.t(`overview.attention.${flag}`, given),
    text: words.t(`overview.attention.${flag}Text`, given),
    since: at,
    // There the readings stand side by side, and the verdict is given.
    to: { name: "review", query: { check: flag, period: "today" } },
    action: words.t("overview.attention.toReview"),
  };
}

export function gapNotice(words: Words, { gateway, epoch, first_seq: first, last_seq: last, last_received_at: since }: SequenceGap): Notice {
  const { t, format, places } = words;
  return {
    key: `gap ${gateway} ${epoch} ${first}`,
    severity: "uncertain",
    title: t("overview.attention.gap", { gateway: format.name(places.gateway(gateway)) }),
    text: t("overview.attention.gapText", { count: last - first + 1, first, last }),
    since,
    to: { name: "meters", query: { gateway } },
    action: t("overview.attention.toMeters"),
  };
}

export function exchangeNotice(words: Words, { point, replaced, at }: Exchange): Notice {
  const kind = replaced === null ? "added" : "exchange";
  const given = { ...placed(words, point), point, replaced };
  return {
    key: `exchange ${point}`,
    severity: "info",
    title: words.t(`overview.attention.${kind}`, given),
    text: words.t(`overview.attention.${kind}Text`, given),
    since: at,
    ...atMeters(words, point),
  };
}

export function plantNotice(words: Words, plant: PlantDocument): Notice {
  const given = { version: plant.version, by: plant.applied_by, time: words.format.instant(plant.valid_from) };
  return {
    key: `plant ${plant.version}`,
    severity: "info",
    title: words.t("overview.attention.description", given),
    text: words.t("overview.attention.descriptionText", given),
    since: plant.applied_at,
    ...atMeters(words),
  };
}

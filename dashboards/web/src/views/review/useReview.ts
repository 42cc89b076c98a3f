import { computed, type ComputedRef } from "vue";
import { getCollection, getPlant, listDecisions, listFindings, listSilences } from "@/api/routes";
import type { Bilingual, CheckName, Collection, Decisions, Finding, Findings, FindingState, Silences } from "@/api/types";
import { plantOf } from "@/parts/plant";
import { useToday } from "@/parts/useToday";
import { useSite } from "@/session/useSite";
import { periodOf, type Period } from "@/use/period";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { spanOf } from "@/use/usePeriod";

const DECISIONS_SHOWN = 50;
const SILENCES_EVERY_MS = 30_000;

export interface Wanted {
  period: Period;
  state: FindingState | null;
  check: CheckName | null;
  limit: number;
}

export interface Review {
  findings: AnswerUse<Findings>;
  decisions: AnswerUse<Decisions>;
  silences: AnswerUse<Silences>;
  collection: AnswerUse<Collection>;
  nameOf(code: string): Bilingual;
}

/** What fails a check, what was decided, and what was collected this month. */
export function useReview(wanted: ComputedRef<Wanted>): Review {
  const site = useSite();
  const today = useToday();
  const month = computed(() => periodOf({ kind: "month" }, today.value.end - 1, site.value));
  const findings = useAnswer(
    (signal) => {
      const { period, state, check, limit } = wanted.value;
      return listFindings({ ...spanOf(site.value.code, period), state, check, limit }, signal);
    },
    { on: [wanted], isEmpty: (found) => found.findings.length === 0, follow: true },
  );
  const decisions = useAnswer((signal) => listDecisions({ site: site.value.code, limit: DECISIONS_SHOWN }, signal), {
    isEmpty: (found) => found.decisions.length === 0,
  });
  const silences = useAnswer((signal) => listSilences(site.value.code, signal), { everyMs: SILENCES_EVERY_MS });
  const collection = useAnswer((signal) => getCollection(spanOf(site.value.code, month.value), signal), {
    isEmpty: (found) => found.meters.length === 0,
  });
  const plant = useAnswer(async (signal) => plantOf(await getPlant(site.value.code, signal)));
  const names = computed(() => {
    const known = new Map<string, Bilingual | null>();
    for (const node of plant.answer.value?.nodes ?? []) known.set(node.code, node.name);
    for (const meter of plant.answer.value?.meters ?? []) {
      known.set(meter.code, meter.name);
      for (const point of meter.points) known.set(point.code, meter.name);
    }
    return known;
  });
  return { findings, decisions, silences, collection, nameOf: (code) => names.value.get(code) ?? { zh: code, en: code } };
}

interface Term {
  value: number | null;
  unit: string;
}

/** Value and limit of a finding, in the terms of its check. */
export function termsOf(finding: Finding, which: "value" | "limit"): Term {
  const value = finding[which];
  if (finding.check === "balance") return { value: value === null ? null : value * 100, unit: "%" };
  if (finding.check === "gap" || finding.check === "skew") return { value, unit: "s" };
  const unit = finding.unit ?? "";
  if (which === "limit" && finding.check === "frozen") return { value, unit: "h" };
  return { value, unit: which === "limit" && finding.check === "rate" ? `${unit}/h` : unit };
}

import { onScopeDispose, watch } from "vue";
import { queryEnergy, type Choice } from "@/api/routes";
import type { Energy, Interval, Series, Sum } from "@/api/types";
import { useLive } from "@/live/useLive";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { spanOf } from "@/use/usePeriod";
import type { Beside } from "./compare";
import { byStart, joined, touchedEdges, withSpan, type RowsByStart } from "./slots";

/** Changes of results come every few seconds while an interval is open; the chart follows at its own pace. */
const PATCH_WAIT_MS = 3_000;

interface Bounds {
  start: number;
  end: number;
}

/** One series over a period: rows of whole intervals, and the total of the period itself. */
export interface EnergyRequest {
  /** What the view needs it for. */
  role: "main" | "closed" | "compared" | "part" | "node" | "product";
  site: string;
  of: Choice;
  interval: Interval;
  period: Bounds;
  /** Edges of the intervals [ms]; the last one ends the last interval. None where only the total is wanted. */
  edges: readonly number[];
  beside?: Beside;
}

export interface EnergyResult {
  request: EnergyRequest;
  series: Series;
  rows: RowsByStart;
  total: Sum;
  /** Instant of the snapshot [ms]. */
  asOf: number;
  completeUntil: number | null;
}

/**
 * Several series, kept fresh: asked for whole when the request changes, and where results change only the
 * intervals of that span, all that came within some seconds at once.
 */
export function useEnergies(requests: { readonly value: readonly EnergyRequest[] }): AnswerUse<EnergyResult[]> {
  const key = (): string => JSON.stringify(requests.value.map(({ edges, ...rest }) => [rest, edges[0], edges.at(-1)]));
  const use = useAnswer((signal) => Promise.all(requests.value.map((request) => readWhole(request, signal))), {
    on: [key],
    isEmpty: (results) => results.every((result) => result.rows.size === 0),
  });
  const { results: changed } = useLive();
  let waiting: Bounds | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const abort = new AbortController();

  function follow(span: Bounds): void {
    waiting = joined(waiting, span);
    timer ??= setTimeout(() => {
      timer = null;
      void patch();
    }, PATCH_WAIT_MS);
  }

  async function patch(): Promise<void> {
    const [held, span] = [use.answer.value, waiting];
    waiting = null;
    if (held === null || span === null) return;
    // What is being asked for may be older than the change: look again when it is here.
    if (use.isLoading.value) return follow(span);
    try {
      const newer = await Promise.all(held.map((result) => readSpan(result, span, abort.signal)));
      if (use.answer.value === held) use.answer.value = newer;
      else follow(span);
    } catch {
      // The whole is asked for again, and says what is wrong.
      if (!abort.signal.aborted) use.reload();
    }
  }

  // At once: of several events in one burst each has a span of its own.
  watch(
    changed,
    (event) => {
      if (event !== null) follow({ start: Date.parse(event.start), end: Date.parse(event.end) });
    },
    { flush: "sync" },
  );
  onScopeDispose(() => {
    abort.abort();
    if (timer !== null) clearTimeout(timer);
  });
  return use;
}

async function readWhole(request: EnergyRequest, signal: AbortSignal): Promise<EnergyResult> {
  const { edges, period } = request;
  const around = { start: edges[0] ?? period.start, end: edges.at(-1) ?? period.end };
  const isExact = edges.length > 0 && around.start === period.start && around.end === period.end;
  const [rows, total] = await Promise.all([
    edges.length === 0 ? null : readRows(request, around, signal),
    isExact ? null : readTotal(request, signal),
  ]);
  return resultOf(request, rows ?? total, byStart(rows?.rows ?? []), total ?? rows);
}

function resultOf(request: EnergyRequest, about: Energy | null, rows: RowsByStart, summed: Energy | null): EnergyResult {
  if (about === null || summed === null) throw new Error("neither rows nor a total were asked for");
  return {
    request,
    series: about.series,
    rows,
    total: { ...summed.total, cost_cny: summed.cost.cost_cny },
    asOf: Date.parse(about.as_of),
    completeUntil: about.complete_until === null ? null : Date.parse(about.complete_until),
  };
}

/** The same result with the intervals that a span touches read anew; the same object where it touches none. */
async function readSpan(result: EnergyResult, span: Bounds, signal: AbortSignal): Promise<EnergyResult> {
  const { request } = result;
  const touched = touchedEdges(request.edges, span);
  const isTouched = span.start < request.period.end && span.end > request.period.start;
  if (touched === null && !isTouched) return result;
  const [rows, total] = await Promise.all([touched === null ? null : readRows(request, touched, signal), readTotal(request, signal)]);
  return resultOf(request, rows ?? total, rows === null || touched === null ? result.rows : withSpan(result.rows, touched, rows.rows), total);
}

function readRows(request: EnergyRequest, bounds: Bounds, signal: AbortSignal): Promise<Energy> {
  return queryEnergy({ ...spanOf(request.site, bounds), ...request.of, interval: request.interval, limit: 10_000 }, signal);
}

/** The total of the period itself, which need not be of whole hours or days. */
function readTotal(request: EnergyRequest, signal: AbortSignal): Promise<Energy> {
  return queryEnergy({ ...spanOf(request.site, request.period), ...request.of, interval: "base", limit: 1 }, signal);
}

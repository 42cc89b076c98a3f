import type { Benchmarks, BenchmarkUnit } from "@/api/types";
import type { LiveBenchmark } from "@/live/payload";

/** Units of an open period with the figures of the live event; words of levels stay those of the answer. */
export function freshened(answer: Benchmarks, live: LiveBenchmark | null): BenchmarkUnit[] {
  if (live === null || !answer.is_open) return answer.units;
  const index = new Map(live.code.map((code, at) => [code, at]));
  return answer.units.map((unit) => {
    const at = index.get(unit.code);
    if (at === undefined) return unit;
    const { forecast } = unit;
    return {
      ...unit,
      value: live.value[at] ?? null,
      grade: live.grade[at] ?? unit.grade,
      gap_tce: live.gap_tce[at] ?? null,
      gap_tco2e: live.gap_tco2e[at] ?? null,
      forecast: { ...forecast, value: live.forecast[at] ?? null, low: live.low[at] ?? null, high: live.high[at] ?? null },
    };
  });
}

/** Whether a unit has reached another level than the answer says: its words must be asked for again. */
export function hasOtherLevel(answer: Benchmarks, live: LiveBenchmark | null): boolean {
  if (live === null || !answer.is_open) return false;
  const units = new Map(answer.units.map((unit) => [unit.code, unit]));
  return live.code.some((code, at) => {
    const unit = units.get(code);
    return unit !== undefined && (["level", "level_end", "list_level", "list_level_end"] as const).some((name) => unit[name] !== (live[name][at] ?? null));
  });
}

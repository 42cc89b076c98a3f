import { computed, type ComputedRef } from "vue";
import { queryPark } from "@/api/routes";
import type { Grade, Measures, Park, ParkMemberSum } from "@/api/types";
import type { LiveSum } from "@/live/payload";
import { useLive } from "@/live/useLive";
import { useToday } from "@/parts/useToday";
import { useSite } from "@/session/useSite";
import { useAnswer, type AnswerUse } from "@/use/useAnswer";
import { shiftDay, type CalendarDay } from "@/use/zone";
import { lastDays, memberSites, runningDay, spanOfDays, withoutSums, type MemberSite } from "./sums";

const DAYS = 14;
const EVERY_MS = 30_000;
const LIMIT = 10_000;
/** Beyond that many pages a park is too large for one screen. */
const PAGES_MAX = 5;

interface ParkAnswer {
  asOf: string;
  members: Park["members"];
  days: MemberSite[];
  months: MemberSite[];
}

/** What a member has used of its day so far; emission is direct and purchased together. */
export interface DaySum {
  energy_kwh: number | null;
  coal_equivalent_tce: number | null;
  coal_equal_tce: number | null;
  emission_tco2e: number | null;
  grade: Grade;
  flags: string[];
  coveredShare: number | null;
  isLive: boolean;
}

export interface MemberToday {
  site: MemberSite;
  start: string | null;
  today: DaySum | null;
  before: { day: CalendarDay; start: string; sum: DaySum } | null;
}

export interface ParkUse {
  use: AnswerUse<ParkAnswer>;
  members: ComputedRef<MemberToday[]>;
  days: ComputedRef<CalendarDay[]>;
  notSeen: ComputedRef<string[]>;
  end: ComputedRef<number>;
}

/** The sums of the park's members: of stored days and months, and of today as live events tell it. */
export function usePark(): ParkUse {
  const site = useSite();
  const period = useToday();
  const { payload, isStanding } = useLive();
  const end = computed(() => period.value.end);
  const days = computed(() => lastDays(DAYS, period.value.start, site.value));

  const use = useAnswer<ParkAnswer>(
    async (signal) => {
      const span = spanOfDays(days.value, end.value, site.value);
      // The month before begins in the last days of two months ago, where a member's zone is another.
      const monthsFrom = shiftDay(`${(days.value.at(-1) ?? "").slice(0, 8)}01`, -32);
      const monthSpan = spanOfDays([`${monthsFrom.slice(0, 8)}01`], end.value, site.value);
      const [daily, monthly] = await Promise.all([readAll(span, "day", signal), readAll(monthSpan, "month", signal)]);
      return { asOf: daily.asOf, members: daily.members, days: memberSites(daily.rows), months: memberSites(monthly.rows) };
    },
    { on: [days], everyMs: EVERY_MS, follow: true, isEmpty: (found) => found.members.length === 0 },
  );

  const live = computed(() => (isStanding.value ? [] : (payload.value?.members ?? [])));
  const members = computed(() => {
    // The instant of the answer, not of this machine's clock.
    const now = Date.parse(use.answer.value?.asOf ?? "");
    return (use.answer.value?.days ?? []).map((member): MemberToday => {
      const { running, before } = runningDay(member, now);
      const told = live.value.find((found) => found.member_code === member.member && found.site_code === member.site);
      const stored = running === null ? null : storedSum(running.sum);
      return {
        site: member,
        start: running?.start ?? null,
        today: told ? liveSum(told.day) : stored,
        before: before && { day: before.day, start: before.start, sum: storedSum(before.sum) },
      };
    });
  });

  return {
    use,
    members,
    days,
    notSeen: computed(() => withoutSums(use.answer.value?.members ?? [], use.answer.value?.days ?? [], Date.parse(use.answer.value?.asOf ?? ""))),
    end,
  };
}

async function readAll(
  span: { start: string; end: string },
  interval: "day" | "month",
  signal: AbortSignal,
): Promise<{ asOf: string; members: Park["members"]; rows: ParkMemberSum[] }> {
  const first = await queryPark({ ...span, interval, limit: LIMIT }, signal);
  const rows = [...first.rows];
  let cursor = first.next_cursor;
  for (let page = 1; cursor !== null && page < PAGES_MAX; page += 1) {
    const next = await queryPark({ ...span, interval, limit: LIMIT, cursor }, signal);
    rows.push(...next.rows);
    cursor = next.next_cursor;
  }
  return { asOf: first.as_of, members: first.members, rows };
}

export function storedSum(sum: Measures): DaySum {
  const { emission_direct_tco2e: direct, emission_purchased_tco2e: purchased } = sum;
  return {
    energy_kwh: sum.energy_kwh,
    coal_equivalent_tce: sum.coal_equivalent_tce,
    coal_equal_tce: sum.coal_equal_tce,
    emission_tco2e: direct === null || purchased === null ? null : direct + purchased,
    grade: sum.grade,
    flags: sum.flags,
    coveredShare: null,
    isLive: false,
  };
}

function liveSum(day: LiveSum): DaySum {
  return { ...day, flags: [], coveredShare: day.covered_share, isLive: true };
}

import { useI18n } from "vue-i18n";
import type { Subject } from "@/parts/explain";
import { useBoth } from "@/parts/useBoth";
import { useSite } from "@/session/useSite";
import { useFormat } from "@/use/useFormat";
import type { GatewaySum, MeterRow } from "./rows";

export interface Bounds {
  start: number;
  end: number;
}

/** The numbers of the view, with what they are. */
export function useSubjects(): {
  lastOf(row: MeterRow): Subject;
  todayOf(row: MeterRow, closed: Bounds): Subject;
  receivedOf(gateway: GatewaySum, which: "received" | "quarantined" | "missing", today: Bounds): Subject;
} {
  const { t } = useI18n();
  const both = useBoth();
  const { name } = useFormat();
  const site = useSite();
  return {
    lastOf: (row) => {
      const { point } = row;
      // The base interval that it lies in: that is what it was computed into.
      const at = point.last_ts === null ? null : Math.floor(Date.parse(point.last_ts) / site.value.baseIntervalMs) * site.value.baseIntervalMs;
      return {
        label: `${name(row.name)} · ${point.code} · ${t("meters.last")}`,
        quantity: "reading",
        value: point.last_value,
        // A register is read as it stands: before its multiplier its digits are no amount of the unit.
        unit: point.kind === "register" ? t("meters.registerUnit", { unit: point.unit }) : point.unit,
        ...(row.described?.digits ? { decimals: row.described.digits.decimal } : {}),
        start: at ?? 0,
        end: at === null ? site.value.baseIntervalMs : at + site.value.baseIntervalMs,
        grade: point.grade,
        flags: point.flags,
        how: both("meters.howLast"),
      };
    },
    todayOf: (row, closed) => ({
      label: `${name(row.name)} · ${row.point.code} · ${t("meters.completeness")}`,
      quantity: "covered_share",
      value: row.today === null ? null : Math.floor(row.today.covered_share * 1_000 + 1e-9) / 10,
      unit: "%",
      decimals: 1,
      ...closed,
      ...(row.today === null ? {} : { flags: row.today.flags, readingCount: row.today.reading_count }),
      how: both("meters.howToday"),
    }),
    receivedOf: (gateway, which, today) => ({
      label: `${name(gateway.name)} · ${t(`meters.${which}`)}`,
      quantity: "reading_count",
      value: gateway[which],
      unit: "",
      decimals: 0,
      start: today.start,
      end: today.end,
      how: both(which === "missing" ? "meters.howMissing" : "meters.howReceived"),
    }),
  };
}

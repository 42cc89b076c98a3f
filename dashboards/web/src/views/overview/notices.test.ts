import { describe, expect, it } from "vitest";
import type { Format } from "@/use/useFormat";
import { exchangeNotice, gapNotice, withheldNotice, type Words } from "./notices";

const format = { name: ({ zh }: { zh: string }) => zh, clock: () => "08:00" } as unknown as Format;
const both = (code: string): { zh: string; en: string } => ({ zh: code, en: code });
const words: Words = { t: (key) => key, format, places: { gateway: both, meter: both, node: both }, carrierName: both };

describe("a notice leads to the view that explains it", () => {
  it("of a withheld step to its verdict, with the check and the day chosen", () => {
    const { to, action } = withheldNotice(words, { point: "p", flag: "spike", at: null });
    expect(to).toEqual({ name: "review", query: { check: "spike", period: "today" } });
    expect(action).toBe("overview.attention.toReview");
  });

  it("of missing messages to the points of the gateway", () => {
    const gap = { gateway: "gw", epoch: "e", first_seq: 3, last_seq: 5, last_received_at: "2026-01-01T00:00:00Z" };
    expect(gapNotice(words, gap).to).toEqual({ name: "meters", query: { gateway: "gw" } });
  });

  it("of an exchange to the life of the meter", () => {
    expect(exchangeNotice(words, { meter: "m", point: "p2", replaced: "p", at: "2026-01-01T00:00:00Z" }).to).toEqual({ name: "meters", query: { point: "p2" } });
  });
});

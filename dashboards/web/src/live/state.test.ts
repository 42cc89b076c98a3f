import { describe, expect, it } from "vitest";
import type { LivePayload } from "./payload";
import { initial, isSuspicious, reduce, statusOf, type LiveSignal, type LiveState, type LiveStatus } from "./state";

function live(now: number, part: { ingest?: boolean; readingAgeS?: number | null } = {}): LiveSignal {
  const end = Date.parse("2026-01-01T00:00:00Z") + now;
  const age = part.readingAgeS === undefined ? 1 : part.readingAgeS;
  const payload = {
    window_end: new Date(end).toISOString(),
    newest_reading: age === null ? null : new Date(end - age * 1_000).toISOString(),
    services: { ingest: part.ingest ?? true },
  };
  return { kind: "live", now, payload: payload as LivePayload };
}

function after(...signals: LiveSignal[]): LiveState {
  return signals.reduce(reduce, initial(0));
}

const opened: LiveSignal = { kind: "opened", now: 100 };
const probed = (found: "ready" | "unreachable" | "database-away"): LiveSignal => ({ kind: "probed", found });

describe("the state of the stream", () => {
  it.each<[string, LiveSignal[], number, LiveStatus]>([
    ["begins by connecting", [], 0, "connecting"],
    ["still connects before the first value", [opened], 3_000, "connecting"],
    ["is live with a value", [opened, live(1_000)], 2_000, "live"],
    ["is live just before 4 s", [opened, live(1_000)], 4_999, "live"],
    ["has values standing after 4 s", [opened, live(1_000)], 5_000, "values-standing"],
    ["has values standing if none ever came", [opened], 4_100, "values-standing"],
    ["has values standing though the centre is ready", [opened, live(1_000), probed("ready")], 6_000, "values-standing"],
    ["is live again with the next value", [opened, live(1_000), live(9_000)], 9_500, "live"],
    ["has collection standing if ingest stopped", [opened, live(1_000, { ingest: false })], 2_000, "collection-standing"],
    ["has collection standing on old readings", [opened, live(1_000, { readingAgeS: 61 })], 2_000, "collection-standing"],
    ["takes readings of 60 s", [opened, live(1_000, { readingAgeS: 60 })], 2_000, "live"],
    ["has collection standing without any reading", [opened, live(1_000, { readingAgeS: null })], 2_000, "collection-standing"],
    ["is unreachable when nobody answers", [opened, live(1_000), { kind: "closed", now: 2_000 }, probed("unreachable")], 2_100, "unreachable"],
    ["has the database away on its word", [opened, live(1_000), { kind: "closed", now: 2_000 }, probed("database-away")], 2_100, "database-away"],
    ["has the database away though the stream stands", [opened, live(1_000), probed("database-away")], 5_000, "database-away"],
    ["keeps a fault while it connects again", [{ kind: "closed", now: 50 }, probed("unreachable")], 500, "unreachable"],
    ["connects again once the centre answers", [opened, { kind: "closed", now: 2_000 }, probed("ready")], 9_000, "connecting"],
    ["forgets a fault with a value", [opened, probed("unreachable"), live(7_000)], 7_100, "live"],
    ["forgets everything of another site", [opened, live(1_000), { kind: "started", now: 9_000 }], 9_100, "connecting"],
  ])("%s", (_name, signals, now, status) => {
    expect(statusOf(after(...signals), now)).toBe(status);
  });

  it("asks what is wrong early enough to say so within 5 s", () => {
    const state = after(opened, live(1_000));
    expect([1_500, 2_999, 3_000].map((now) => isSuspicious(state, now))).toEqual([false, false, true]);
    expect(isSuspicious(after(opened, { kind: "closed", now: 1_100 }), 1_100)).toBe(true);
  });
});

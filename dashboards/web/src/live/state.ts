import type { LivePayload } from "./payload";

/** Without a live event for so long, the calculation stands still. */
export const SILENCE_MS_MAX = 4_000;
/** Half of it: from then on the centre is asked what is wrong, so that the verdict comes in time. */
export const SUSPICION_MS = 2_000;
const READING_AGE_MS_MAX = 60_000;

/** Which part of the path from the meter to this page stands still. */
export type LiveStatus =
  | "connecting"
  | "live"
  | "values-standing"
  | "collection-standing"
  | "unreachable"
  | "database-away";

export type Probe = "unknown" | "ready" | "unreachable" | "database-away";

/** All that is known of the stream. Times are of one steady clock [ms]. */
export interface LiveState {
  readonly stream: "closed" | "open";
  readonly since: number;
  readonly lastLive: number | null;
  readonly collects: boolean;
  readonly probe: Probe;
}

export type LiveSignal =
  | { kind: "started"; now: number }
  | { kind: "opened"; now: number }
  | { kind: "closed"; now: number }
  | { kind: "live"; now: number; payload: LivePayload }
  | { kind: "probed"; found: Probe };

export function initial(now: number): LiveState {
  return { stream: "closed", since: now, lastLive: null, collects: true, probe: "unknown" };
}

/** The state after a signal. */
export function reduce(state: LiveState, signal: LiveSignal): LiveState {
  switch (signal.kind) {
    case "started":
      return initial(signal.now);
    case "opened":
      return { ...state, stream: "open", since: signal.now, probe: "unknown" };
    case "closed":
      return { ...state, stream: "closed", since: signal.now };
    case "live":
      return {
        stream: "open",
        since: state.since,
        lastLive: signal.now,
        collects: collects(signal.payload),
        probe: "unknown",
      };
    case "probed":
      return { ...state, probe: signal.found };
  }
}

/** What the reader is told. A fault that a probe has seen stands until live events flow again. */
export function statusOf(state: LiveState, now: number): LiveStatus {
  if (state.stream === "open" && state.lastLive !== null && now - state.lastLive < SILENCE_MS_MAX) {
    return state.collects ? "live" : "collection-standing";
  }
  if (state.probe === "unreachable" || state.probe === "database-away") return state.probe;
  const waiting = now - Math.max(state.since, state.lastLive ?? 0);
  return state.stream === "closed" || waiting < SILENCE_MS_MAX ? "connecting" : "values-standing";
}

/** Whether the centre should be asked what is wrong. */
export function isSuspicious(state: LiveState, now: number): boolean {
  if (state.stream === "closed") return true;
  return now - Math.max(state.since, state.lastLive ?? 0) >= SUSPICION_MS;
}

/** Compared within the centre's own clock: that of this machine may be wrong. */
function collects(payload: LivePayload): boolean {
  if (!payload.services.ingest || payload.newest_reading === null) return false;
  const age = Date.parse(payload.window_end) - Date.parse(payload.newest_reading);
  return age <= READING_AGE_MS_MAX;
}

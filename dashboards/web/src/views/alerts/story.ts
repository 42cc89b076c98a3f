import type { AlertStoryAnswer } from "@/api/types";

export const LINE_KINDS = [
  "began", "fired", "resolved", "acknowledged", "comment", "assigned", "escalated", "silenced", "held", "delivered", "failed", "abandoned",
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** One line of the story. */
export interface Line {
  key: string;
  at: string;
  kind: LineKind;
  actor: string;
  text: string;
  channel: string | null;
}

/** Everything that happened to an alert in the order of time: the condition, what people did, what was delivered. */
export function linesOf({ alert, notes, deliveries }: Pick<AlertStoryAnswer, "alert" | "notes" | "deliveries">): Line[] {
  const lines: Line[] = notes.map(({ id, at, kind, actor, text }) => ({
    key: `note ${id}`,
    at,
    kind: LINE_KINDS.find((known) => known === kind) ?? "comment",
    actor,
    text,
    channel: null,
  }));
  for (const { id, channel, delivered_at } of deliveries) {
    if (delivered_at !== null) lines.push({ key: `delivery ${id}`, at: delivered_at, kind: "delivered", actor: "", text: "", channel });
  }
  const has = (kind: LineKind): boolean => lines.some((line) => line.kind === kind);
  const bare = { actor: "", text: "", channel: null };
  if (Date.parse(alert.active_at) < Date.parse(alert.fired_at)) lines.push({ key: "began", at: alert.active_at, kind: "began", ...bare });
  if (!has("fired")) lines.push({ key: "fired", at: alert.fired_at, kind: "fired", ...bare });
  if (alert.resolved_at !== null && !has("resolved")) lines.push({ key: "resolved", at: alert.resolved_at, kind: "resolved", ...bare });
  return lines.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || LINE_KINDS.indexOf(a.kind) - LINE_KINDS.indexOf(b.kind));
}

/** How long, in the two largest units that count. */
export function durationParts(ms: number): { days: number; hours: number; minutes: number; seconds: number } {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return { days: Math.floor(seconds / 86_400), hours: Math.floor(seconds / 3_600) % 24, minutes: Math.floor(seconds / 60) % 60, seconds: seconds % 60 };
}

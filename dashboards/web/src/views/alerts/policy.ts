import type { PolicyDocument } from "@/api/types";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const CHANNEL_KINDS = ["webhook", "alertmanager", "mail", "wecom", "dingtalk", "feishu"] as const;

/** What a kind of channel needs, as the centre asks for it. */
export const NEEDS: Record<string, readonly ("url" | "secret" | "to")[]> = {
  webhook: ["url", "secret"],
  alertmanager: ["url"],
  mail: ["to"],
  wecom: ["secret"],
  dingtalk: ["secret"],
  feishu: ["secret"],
};

/** A policy to begin with: nobody is told yet, everything is routed to the first shift. */
export function firstPolicy(timeZone: string): PolicyDocument {
  return {
    schema: "nengtan.alert-policy/1",
    time_zone: timeZone,
    channels: [{ code: "duty-mail", name: { zh: "值班邮箱", en: "Mail of duty" }, kind: "mail", to: [""] }],
    shifts: [{ code: "duty", name: { zh: "值班", en: "Duty" }, hours: [{ from: "00:00", to: "24:00" }], channels: ["duty-mail"] }],
    routes: [{ steps: [{ after_minutes: 0, tell: ["duty"] }] }],
    quiet_hours: [],
  };
}

/** A code that none of them has. */
export function freeCode(stem: string, taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const code = count === 1 ? stem : `${stem}-${count}`;
    if (!taken.includes(code)) return code;
  }
}

/** Every code that steps and shifts may name: of channels, of shifts, and those that stand there already. */
export function codesOf(policy: PolicyDocument): string[] {
  return [...(policy.channels ?? []), ...(policy.shifts ?? [])].map(({ code }) => code);
}

/** The text as a document; null where it is no JSON object. */
export function documentOf(text: string): PolicyDocument | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as PolicyDocument) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

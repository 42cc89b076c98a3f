/** Alerts, their rules, and to whom they go. */
export const SEVERITIES = ["critical", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Colour = "green" | "yellow" | "red";

export interface Alert {
  id: number;
  rule: string;
  group_code: string;
  revision: number;
  severity: Severity;
  site: string | null;
  labels: Record<string, string>;
  /** summary_zh, summary_en, and the same of description where the rule has one. */
  texts: Record<string, string>;
  active_at: string;
  fired_at: string;
  resolved_at: string | null;
  resolved_by: "condition" | "rule" | "object" | "sender" | "lapsed" | null;
  value: number | null;
  value_worst: number | null;
  limit_value: number | null;
  unit: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
}

export interface ActiveAlerts {
  as_of: string;
  evaluated_at: string | null;
  alerts: Alert[];
  more: boolean;
}

export interface AlertHistory {
  as_of: string;
  alerts: Alert[];
  next_cursor: string | null;
}

export interface AlertNote {
  id: number;
  at: string;
  kind: string;
  actor: string;
  text: string;
}

export interface AlertDelivery {
  id: number;
  kind: string;
  channel: string;
  step: number;
  created_at: string;
  due_at: string;
  attempt_count: number;
  delivered_at: string | null;
  abandoned_at: string | null;
  problem: string;
}

export interface AlertStoryAnswer {
  as_of: string;
  alert: Alert;
  explanation: Record<string, unknown> | null;
  notes: AlertNote[];
  deliveries: AlertDelivery[];
}

/** What the stream says when something happens to an alert. */
export interface AlertEvent {
  change: string;
  id: number;
  alertname: string;
  severity: Severity;
  site: string | null;
  summary_zh: string;
  summary_en: string;
}

export interface PlaceWeather {
  name_zh: string;
  name_en: string;
  colour: Colour;
  alerts: number[];
}

export interface Weather {
  as_of: string;
  evaluated_at: string | null;
  colour: Colour;
  sites: (PlaceWeather & { site: string; nodes: (PlaceWeather & { node: string; parent: string | null })[] })[];
}

/** As Alertmanager writes it. */
export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface AlertSilence {
  id: string;
  state: "pending" | "active" | "expired";
  matchers: Matcher[];
  start: string;
  end: string;
  comment: string;
  created_by: string;
  created_at: string;
  expired_by: string | null;
}

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
  /** What its value is of; null of another system's. */
  headline: AlertHeadline | null;
  explanation: Record<string, unknown> | null;
  notes: AlertNote[];
  deliveries: AlertDelivery[];
}

/** What the condition of a rule asks for first. */
export interface AlertHeadline {
  measure: string;
  period: "live" | "interval" | "hour" | "day" | "month" | "year";
  function: "value" | "forecast" | "previous" | "budget";
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

export interface Wording {
  zh: string;
  en: string;
}

/** A rule as people write it, in the shape of Prometheus. */
export interface RuleDocument {
  alert: string;
  expr: string;
  for?: string;
  keep_firing_for?: string;
  resolve_when?: string | null;
  severity?: Severity;
  labels?: Record<string, string>;
  annotations: { summary: Wording; description?: Wording | null };
}

export interface RuleGroupDocument {
  name: string;
  rules: RuleDocument[];
}

/** A statement of a group; of a group the highest revision holds, unless it is withdrawn. */
export interface RuleGroupStated {
  group: string;
  revision: number;
  holds: boolean;
  stated_at: string;
  stated_by: string;
  document: RuleGroupDocument | null;
}

/** One fault of a condition; the first character has position 1. */
export interface RuleFault {
  code: string;
  position: number;
  length: number;
  found: string;
  nearest: string | null;
  message_zh: string;
  message_en: string;
  remedy_zh: string;
  remedy_en: string;
}

export interface RuleCompletion extends Wording {
  text: string;
  position: number;
  length: number;
}

export interface CheckedRule {
  faults: RuleFault[];
  completions: RuleCompletion[];
  unit: string;
  objects_count: number;
}

/** When the rules of a group would have fired; what is of the last minute is the mean of a step. */
export interface RuleTrial {
  start: string;
  end: string;
  resolution: "base" | "hour";
  rules: { alert: string; count: number; day_most: number; too_many: boolean; not_tried: string[]; approximated: string[] }[];
  times: { alert: string; labels: Record<string, string>; fired_at: string; resolved_at: string | null; value: number | null; limit: number | null }[];
  /** Only the first are listed. */
  more: boolean;
}

export interface PolicyHours {
  days?: string[];
  from: string;
  to: string;
}

export interface PolicyChannel {
  code: string;
  name: Wording;
  kind: string;
  url?: string | null;
  secret?: string | null;
  to?: string[];
  then?: string | null;
}

export interface PolicyShift {
  code: string;
  name: Wording;
  hours: PolicyHours[];
  channels: string[];
}

/** To whom alerts go; what the form does not show stays as it is. */
export interface PolicyDocument {
  schema: string;
  time_zone?: string;
  channels?: PolicyChannel[];
  shifts?: PolicyShift[];
  routes?: { matchers?: Matcher[]; steps: { after_minutes?: number; tell: string[] }[] }[];
  quiet_hours?: (PolicyHours & { severities?: string[] })[];
}

export interface AlertPolicy {
  revision: number | null;
  document: PolicyDocument | null;
  stated_at: string | null;
  stated_by: string | null;
  on_duty: { shift: string; until: string }[];
  channels: { channel: string; delivered_at: string | null; open_count: number; problem: string | null }[];
  secrets: { code: string; stated_at: string; stated_by: string }[];
  watched_at: string | null;
}

/** What is wrong or doubtful with a document. */
export interface DocumentWarning {
  pointer: string;
  detail: string;
  detail_zh: string;
  remedy: string;
  remedy_zh: string;
}

export type BudgetPeriod = "day" | "month" | "year";

/** What a node may use in a period; node "" is the whole site. */
export interface BudgetStated {
  node: string;
  quantity: string;
  unit: string;
  period: BudgetPeriod;
  start: string;
  revision: number;
  /** null: withdrawn. */
  amount: number | null;
  reason: string;
  stated_at: string;
  stated_by: string;
}

/** A budget that holds, and where its period stands; null is not known. */
export interface Budget extends BudgetStated {
  end: string;
  used: number | null;
  forecast: number | null;
  forecast_low: number | null;
  forecast_high: number | null;
  time_share: number;
}

export interface BudgetStatement extends BudgetStated {
  holds: boolean;
}

export interface BudgetBody {
  node: string | null;
  quantity: string;
  period: BudgetPeriod;
  start: string;
  amount: number | null;
  reason: string;
}

import { request } from "./client";
import type {
  ActiveAlerts,
  Alert,
  AlertHistory,
  AlertPolicy,
  AlertSilence,
  AlertStoryAnswer,
  Budget,
  BudgetBody,
  BudgetStated,
  BudgetStatement,
  CheckedRule,
  DocumentWarning,
  Matcher,
  PolicyDocument,
  RuleGroupDocument,
  RuleGroupStated,
  RuleTrial,
  Severity,
  Weather,
} from "./types";

/** What fires now, in all sites. */
export function listAlerts(signal?: AbortSignal): Promise<ActiveAlerts> {
  return request("/alerts", { query: { limit: 500 }, ...at(signal) });
}

export function listAlertHistory(
  query: { start: string; end: string; site?: string; severity?: Severity | null; limit?: number; cursor?: string | null },
  signal?: AbortSignal,
): Promise<AlertHistory> {
  return request("/alerts/history", { query, ...at(signal) });
}

export function getAlert(id: number, signal?: AbortSignal): Promise<AlertStoryAnswer> {
  return request(`/alerts/${id}`, at(signal));
}

export function acknowledgeAlert(id: number, note: string): Promise<Alert> {
  return request(`/alerts/${id}/acknowledge`, { method: "POST", body: { note } });
}

export function commentAlert(id: number, note: string): Promise<Alert> {
  return request(`/alerts/${id}/comment`, { method: "POST", body: { note } });
}

export function getWeather(signal?: AbortSignal): Promise<Weather> {
  return request("/weather", at(signal));
}

export function listAlertSilences(signal?: AbortSignal): Promise<{ silences: AlertSilence[] }> {
  return request("/alert-silences", at(signal));
}

export function createAlertSilence(body: { matchers: Matcher[]; end: string; comment: string }): Promise<AlertSilence> {
  return request("/alert-silences", { method: "POST", body });
}

export function endAlertSilence(id: string): Promise<AlertSilence> {
  return request(`/alert-silences/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** The budgets of the open periods of a site, and how they will end. */
export function listBudgets(site: string, signal?: AbortSignal): Promise<{ budgets: Budget[] }> {
  return request(`/sites/${encodeURIComponent(site)}/budgets`, at(signal));
}

/** Everything stated of periods that begin in a span. */
export function listBudgetStatements(site: string, query: { start: string; end: string }, signal?: AbortSignal): Promise<{ budgets: BudgetStatement[] }> {
  return request(`/sites/${encodeURIComponent(site)}/budgets/history`, { query, ...at(signal) });
}

export function stateBudget(site: string, body: BudgetBody): Promise<BudgetStated> {
  return request(`/sites/${encodeURIComponent(site)}/budgets`, { method: "PUT", body });
}

/** Every statement of every group, by group and revision. */
export function listAlertRules(signal?: AbortSignal): Promise<{ groups: RuleGroupStated[] }> {
  return request("/alert-rules", at(signal));
}

export function listReadyMadeRules(signal?: AbortSignal): Promise<{ groups: RuleGroupDocument[] }> {
  return request("/alert-rules/ready-made", at(signal));
}

/** What is wrong with a condition as it is typed, and what fits where the cursor is. */
export function checkAlertRule(body: { expr: string; alert: string; cursor: number | null }, signal?: AbortSignal): Promise<CheckedRule> {
  return request("/alert-rules/check", { method: "POST", body, ...at(signal) });
}

export function stateAlertRules(document: RuleGroupDocument, ifRevision: number): Promise<{ revision: number; changed: boolean }> {
  return request(`/alert-rules/${encodeURIComponent(document.name)}`, { method: "PUT", body: document, ifRevision });
}

const TRIAL_TIMEOUT_MS = 120_000;

/** When the rules of a group would have fired in a span of the past; the group need not be stated. */
export function tryAlertRules(group: RuleGroupDocument, query: { start: string; end: string }, signal?: AbortSignal): Promise<RuleTrial> {
  return request("/alert-rules/trial", { method: "POST", query, body: group, timeoutMs: TRIAL_TIMEOUT_MS, ...at(signal) });
}

export function getAlertPolicy(signal?: AbortSignal): Promise<AlertPolicy> {
  return request("/alert-policy", at(signal));
}

export function checkAlertPolicy(document: PolicyDocument): Promise<{ warnings: DocumentWarning[] }> {
  return request("/alert-policy/check", { method: "POST", body: document });
}

export function stateAlertPolicy(document: PolicyDocument, ifRevision: number): Promise<{ revision: number; changed: boolean; warnings: DocumentWarning[] }> {
  return request("/alert-policy", { method: "PUT", body: document, ifRevision });
}

export function putAlertSecret(code: string, secret: string): Promise<unknown> {
  return request(`/alert-policy/secrets/${encodeURIComponent(code)}`, { method: "PUT", body: { secret } });
}

export function testAlertChannel(code: string): Promise<unknown> {
  return request(`/alert-policy/channels/${encodeURIComponent(code)}/test`, { method: "POST" });
}

function at(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

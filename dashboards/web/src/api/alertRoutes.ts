import { request } from "./client";
import type { ActiveAlerts, Alert, AlertHistory, AlertSilence, AlertStoryAnswer, Matcher, Severity, Weather } from "./types";

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

function at(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

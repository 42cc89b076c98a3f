import { request } from "./client";
import type {
  Balance,
  BalanceHistory,
  BalanceTable,
  BenchmarkPeriod,
  Benchmarks,
  Bill,
  CarbonBasis,
  CarbonFlow,
  CarbonIntensity,
  CheckName,
  Collection,
  Completeness,
  Conflicts,
  Consumption,
  Decisions,
  Energy,
  EnergyFlow,
  FileImport,
  FileImports,
  Findings,
  FindingState,
  FindingSubject,
  FlowUnit,
  HourlyYear,
  ImportKind,
  Interval,
  Me,
  MeterCalibration,
  MeterChange,
  MeterFact,
  MeterFacts,
  MeterProvisions,
  MeterRegister,
  Nomenclature,
  Park,
  PlantDocument,
  Points,
  Policy,
  Provenance,
  Readings,
  Ready,
  Received,
  SequenceGaps,
  Series,
  SeriesKind,
  Silences,
  SiteAnswer,
  SiteListed,
  StatedHours,
  TableBasis,
  Tariffs,
} from "./types";
import type { LiveAnswer } from "@/live/payload";

/** A site and a half-open span as the centre is asked for it; both ends on edges of its base interval. */
export interface Span {
  site: string;
  start: string;
  end: string;
}

/** What a series of results is of: exactly one of them, and a carrier for other than the total. */
export interface Choice {
  node?: string;
  flow?: string;
  point?: string;
  product?: string;
  residual?: string;
  carrier?: string;
}

interface Page {
  limit?: number;
  cursor?: string | null;
}

export function signIn(login: string, password: string): Promise<Me> {
  return request("/session", { method: "POST", body: { login, password, cookie: true }, isUrgent: true });
}

export function getSession(): Promise<Me> {
  return request("/session", { isUrgent: true });
}

export function signOut(): Promise<void> {
  return request("/session", { method: "DELETE" });
}

export function getReady(timeoutMs: number): Promise<Ready> {
  return request("/health/ready", { timeoutMs, isUrgent: true });
}

export function listSites(): Promise<SiteListed[]> {
  return request("/sites");
}

export function getSite(site: string, signal?: AbortSignal): Promise<SiteAnswer> {
  return request(`/sites/${encodeURIComponent(site)}`, at(signal));
}

export function getPlant(site: string, signal?: AbortSignal): Promise<PlantDocument> {
  return request(`/sites/${encodeURIComponent(site)}/plant`, at(signal));
}

export function getMeterRegister(site: string, signal?: AbortSignal): Promise<MeterRegister> {
  return request(`/sites/${encodeURIComponent(site)}/meter-register`, at(signal));
}

export function getMeterProvision(site: string, signal?: AbortSignal): Promise<MeterProvisions> {
  return request(`/sites/${encodeURIComponent(site)}/meter-provision`, at(signal));
}

export function listMeterFacts(site: string, signal?: AbortSignal): Promise<MeterFacts> {
  return request(`/sites/${encodeURIComponent(site)}/meter-facts`, at(signal));
}

export function addPointChange(site: string, point: string, body: MeterChange): Promise<MeterFact> {
  return request(`/sites/${encodeURIComponent(site)}/points/${encodeURIComponent(point)}/life`, { method: "POST", body });
}

export function addCalibration(site: string, meter: string, body: MeterCalibration): Promise<MeterFact> {
  return request(`/sites/${encodeURIComponent(site)}/meters/${encodeURIComponent(meter)}/calibrations`, { method: "POST", body });
}

export function withdrawMeterFact(site: string, fact: number, reason: string): Promise<MeterFact> {
  return request(`/sites/${encodeURIComponent(site)}/meter-facts/${fact}/withdrawal`, { method: "POST", body: { reason } });
}

export function getNomenclature(): Promise<Nomenclature> {
  return request("/nomenclature");
}

export function getLive(site: string, signal?: AbortSignal): Promise<LiveAnswer> {
  return request("/live", { query: { site }, ...at(signal) });
}

export function listSeries(
  query: { site: string; kind?: SeriesKind },
  signal?: AbortSignal,
): Promise<{ series: Series[] }> {
  return request("/series", { query, ...at(signal) });
}

export function queryEnergy(
  query: Span & Choice & Page & { interval: Interval },
  signal?: AbortSignal,
): Promise<Energy> {
  return request("/energy", { query, ...at(signal) });
}

export function getConsumption(query: Span, signal?: AbortSignal): Promise<Consumption> {
  return request("/consumption", { query, ...at(signal) });
}

/** The bills of the calendar months that the span touches, each month whole. */
export function getBill(query: Span, signal?: AbortSignal): Promise<Bill> {
  return request("/bill", { query, ...at(signal) });
}

export function listTariffs(site: string, signal?: AbortSignal): Promise<Tariffs> {
  return request(`/sites/${encodeURIComponent(site)}/tariffs`, at(signal));
}

export function getEnergyFlow(query: Span & { unit: FlowUnit }, signal?: AbortSignal): Promise<EnergyFlow> {
  return request("/energy-flow", { query, ...at(signal) });
}

export function getBalance(query: Span, signal?: AbortSignal): Promise<Balance> {
  return request("/balance", { query, ...at(signal) });
}

export function getBalanceHistory(query: Span & { interval: "base" | "day" }, signal?: AbortSignal): Promise<BalanceHistory> {
  return request("/balance/history", { query, ...at(signal) });
}

export function getBalanceTable(query: Span & { basis: TableBasis }, signal?: AbortSignal): Promise<BalanceTable> {
  return request("/balance-table", { query, ...at(signal) });
}

export function getCarbonFlow(query: Span, signal?: AbortSignal): Promise<CarbonFlow> {
  return request("/carbon-flow", { query, ...at(signal) });
}

export function getCarbonIntensity(query: Span & { basis: CarbonBasis }, signal?: AbortSignal): Promise<CarbonIntensity> {
  return request("/carbon-flow/intensity", { query, ...at(signal) });
}

export function getBenchmarks(
  query: { site: string; period: BenchmarkPeriod; at?: string | null },
  signal?: AbortSignal,
): Promise<Benchmarks> {
  return request("/benchmarks", { query, ...at(signal) });
}

export function listPoints(query: { site: string } & Page, signal?: AbortSignal): Promise<Points> {
  return request("/points", { query, ...at(signal) });
}

export function queryReadings(
  query: Span & Page & { point: string },
  signal?: AbortSignal,
): Promise<Readings> {
  return request("/readings", { query, ...at(signal) });
}

export function listReceived(query: Span & Page, signal?: AbortSignal): Promise<Received> {
  return request("/data-quality/received", { query, ...at(signal) });
}

export function listGaps(site: string, signal?: AbortSignal): Promise<SequenceGaps> {
  return request("/data-quality/gaps", { query: { site }, ...at(signal) });
}

export function listConflicts(site: string, signal?: AbortSignal): Promise<Conflicts> {
  return request("/data-quality/conflicts", { query: { site }, ...at(signal) });
}

export function getCompleteness(query: Span, signal?: AbortSignal): Promise<Completeness> {
  return request("/data-quality/completeness", { query, ...at(signal) });
}

export function listFindings(
  query: Span & Page & { check?: CheckName | null; subject?: string; state?: FindingState | null },
  signal?: AbortSignal,
): Promise<Findings> {
  return request("/data-audit/findings", { query, ...at(signal) });
}

export function decideFinding(
  body: Span & { subject_kind: FindingSubject; subject: string; check: CheckName; verdict: "accept" | "reject"; reason: string },
): Promise<{ decision_id: number }> {
  return request("/data-audit/decisions", { method: "POST", body });
}

/** A value that stands for the reading of an instant; null leaves it out. */
export function correctReading(
  body: { site: string; point: string; ts: string; value: number | null; reason: string },
): Promise<{ decision_id: number }> {
  return request("/data-audit/corrections", { method: "POST", body });
}

export function listDecisions(query: { site: string } & Page, signal?: AbortSignal): Promise<Decisions> {
  return request("/data-audit/decisions", { query, ...at(signal) });
}

export function undoDecision(decision: number, reason: string): Promise<{ decision_id: number }> {
  return request(`/data-audit/decisions/${decision}/undo`, { method: "POST", body: { reason } });
}

export function listSilences(site: string, signal?: AbortSignal): Promise<Silences> {
  return request("/data-audit/silences", { query: { site }, ...at(signal) });
}

export function getCollection(query: Span, signal?: AbortSignal): Promise<Collection> {
  return request("/data-audit/collection", { query, ...at(signal) });
}

export function getProvenance(query: Span & Page, signal?: AbortSignal): Promise<Provenance> {
  return request("/provenance", { query, ...at(signal) });
}

export function queryPark(
  query: { start: string; end: string; interval: "day" | "month" } & Page,
  signal?: AbortSignal,
): Promise<Park> {
  return request("/park", { query, ...at(signal) });
}

const UPLOAD_TIMEOUT_MS = 900_000;

/** Keeps a file and answers with what was found in it; nothing of it is taken yet. */
export function uploadImport(
  query: { site: string; name: string; records: ImportKind },
  file: Blob,
  signal?: AbortSignal,
): Promise<FileImport> {
  return request("/imports", { method: "POST", query, file, timeoutMs: UPLOAD_TIMEOUT_MS, isUrgent: true, ...at(signal) });
}

export function listImports(query: { site: string } & Page, signal?: AbortSignal): Promise<FileImports> {
  return request("/imports", { query, ...at(signal) });
}

export function getImport(id: number, signal?: AbortSignal): Promise<FileImport> {
  return request(`/imports/${id}`, at(signal));
}

/** Has a file taken that was looked at: `sha256` is of the one whose preview was seen. */
export function takeImport(id: number, body: { sha256: string; policy: Policy }): Promise<FileImport> {
  return request(`/imports/${id}/take`, { method: "POST", body });
}

export function cancelImport(id: number): Promise<FileImport> {
  return request(`/imports/${id}/cancel`, { method: "POST" });
}

export function undoImport(id: number, reason: string): Promise<FileImport> {
  return request(`/imports/${id}/undo`, { method: "POST", body: { reason } });
}

function at(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/** What stands of hourly grid factors, by place and year of the site. */
export function listHourlyYears(query: { site: string }, signal?: AbortSignal): Promise<HourlyYear[]> {
  return request("/hourly-factors/years", { query, ...at(signal) });
}

/** States the hours of a file; what they change is computed again. */
export function stateHours(query: { region: string; source: string }, file: Blob, signal?: AbortSignal): Promise<StatedHours> {
  return request("/hourly-factors", { method: "POST", query, file, fileType: "text/csv", isUrgent: true, ...at(signal) });
}

import { Gate } from "./gate";
import { Problem, problemOf, unanswered, unreachable } from "./problem";

const PREFIX = "/api/v1";
const TIMEOUT_MS = 20_000;

/** Names and values of a query; what is null or undefined is left out. */
export type Query = object;

interface Ask {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  query?: Query;
  body?: unknown;
  /** The revision that the change was made from, 0 for none: refused where another was stated since. */
  ifRevision?: number;
  /** Sent as it is, instead of a body. */
  file?: Blob;
  /** What the file is, where the centre has to know. */
  fileType?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Does not wait for others. */
  isUrgent?: boolean;
}

/** A view asks for much at once; the centre, and everybody else who asks it, shall not wait for one page. */
const AT_ONCE_MAX = 4;
const gate = new Gate(AT_ONCE_MAX);

let onSignedOut: () => void = () => undefined;

/** Says what is to happen when the centre no longer knows who asks. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

export function addressOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${PREFIX}${path}${text ? `?${text}` : ""}`;
}

async function send(path: string, ask: Ask): Promise<Response> {
  const limit = AbortSignal.timeout(ask.timeoutMs ?? TIMEOUT_MS);
  const headers: Record<string, string> = { Accept: "application/json" };
  const init: RequestInit = {
    method: ask.method ?? "GET",
    credentials: "same-origin",
    signal: ask.signal ? AbortSignal.any([ask.signal, limit]) : limit,
    headers,
  };
  if (ask.ifRevision !== undefined) headers["If-Match"] = `"${ask.ifRevision}"`;
  if (ask.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(ask.body);
  } else if (ask.file !== undefined) {
    headers["Content-Type"] = ask.fileType ?? "application/octet-stream";
    init.body = ask.file;
  }
  try {
    return await fetch(addressOf(path, ask.query), init);
  } catch (error) {
    if (ask.signal?.aborted) throw error;
    throw init.method === "GET" ? unreachable() : unanswered();
  }
}

/**
 * Asks the centre.
 *
 * Throws a Problem for everything that is no success, and the abort of `signal` as it is.
 */
export async function request<T>(path: string, ask: Ask = {}): Promise<T> {
  const response = ask.isUrgent ? await send(path, ask) : await gate.run(() => send(path, ask), ask.signal);
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401 && ask.method !== "POST") onSignedOut();
    throw problem;
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Any fault as a Problem; one that nobody expected says its own words. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new Problem(0, "page_fault", { zh: "页面错误", en: "A fault of the page" }, { zh: words, en: words });
}

import { addressOf } from "@/api/client";
import type { AlertEvent } from "@/api/types";
import type { LiveEvent, ResultsSpan } from "./payload";

const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;

export interface StreamListener {
  opened(): void;
  closed(): void;
  live(event: LiveEvent): void;
  results(span: ResultsSpan): void;
  alert(event: AlertEvent): void;
  /** Events may have been missed: everything is to be read anew. */
  resync(): void;
}

/**
 * One server-sent stream of a site.
 *
 * The browser comes back by itself, with the last id that it saw, while it can. Where it has given up (an
 * answer other than 200) we try again, ever more slowly; that stream begins without an id, hence a resync.
 */
export class LiveStream {
  private source: EventSource | null = null;
  private retry: ReturnType<typeof setTimeout> | null = null;
  private tries = 0;
  private missed = false;

  constructor(
    private readonly site: string,
    private readonly listener: StreamListener,
  ) {}

  open(): void {
    const source = new EventSource(addressOf("/events", { site: this.site }));
    this.source = source;
    source.addEventListener("hello", () => this.greeted(this.missed));
    source.addEventListener("resync", () => this.greeted(true));
    source.addEventListener("live", (event) => this.listener.live(JSON.parse(event.data) as LiveEvent));
    source.addEventListener("results", (event) => this.listener.results(spanOf(event.data)));
    source.addEventListener("alert", (event) => this.listener.alert((JSON.parse(event.data) as { payload: AlertEvent }).payload));
    source.addEventListener("error", () => this.failed(source));
  }

  close(): void {
    this.source?.close();
    this.source = null;
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
  }

  private greeted(isGap: boolean): void {
    this.tries = 0;
    this.missed = false;
    this.listener.opened();
    if (isGap) this.listener.resync();
  }

  private failed(source: EventSource): void {
    if (this.source !== source) return;
    this.listener.closed();
    if (source.readyState !== EventSource.CLOSED) return;
    this.missed = true;
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.retry = setTimeout(() => this.open(), wait);
  }
}

function spanOf(data: string): ResultsSpan {
  const event = JSON.parse(data) as { site: string; payload: { start: string; end: string } };
  return { site: event.site, start: event.payload.start, end: event.payload.end };
}

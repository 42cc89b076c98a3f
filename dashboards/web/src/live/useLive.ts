import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { Problem } from "@/api/problem";
import { getReady, getSession } from "@/api/routes";
import type { AlertEvent } from "@/api/types";
import type { LivePayload, ResultsSpan } from "./payload";
import { initial, isSuspicious, reduce, statusOf, type LiveSignal, type LiveStatus, type Probe } from "./state";
import { LiveStream } from "./stream";

const TICK_MS = 500;
const PROBE_EVERY_MS = 2_000;
/** The centre itself waits 2.5 s for its database before it says that it is away. */
const PROBE_TIMEOUT_MS = 2_950;
/** A tab that nobody sees gives its connection back: a browser has few for one host. */
const HIDDEN_MS_MAX = 60_000;

export interface Live {
  /** Which part stands still, if any. */
  status: ComputedRef<LiveStatus>;
  /** Newest values; they stay when the stream stops, so look at `isStanding` before showing them as now. */
  payload: ShallowRef<LivePayload | null>;
  /** When they were computed (RFC 3339). */
  at: Ref<string | null>;
  /** The values are not of now. */
  isStanding: ComputedRef<boolean>;
  /** Grows whenever everything should be read anew. */
  resyncs: Ref<number>;
  /** The newest span in which results changed. */
  results: ShallowRef<ResultsSpan | null>;
}

const clock = (): number => performance.now();
const state = shallowRef(initial(clock()));
const now = ref(clock());
const payload = shallowRef<LivePayload | null>(null);
const at = ref<string | null>(null);
const resyncs = ref(0);
const results = shallowRef<ResultsSpan | null>(null);
const status = computed(() => statusOf(state.value, now.value));
const isStanding = computed(() => status.value !== "live");

const alertListeners = new Set<(event: AlertEvent) => void>();

let stream: LiveStream | null = null;
let watched: string | null = null;
let ticking: ReturnType<typeof setInterval> | null = null;
let hiding: ReturnType<typeof setTimeout> | null = null;
let lastProbe = Number.NEGATIVE_INFINITY;

/** Live values of the site that the shell has opened; any component may call it. */
export function useLive(): Live {
  return { status, payload, at, isStanding, resyncs, results };
}

/** Tells of every change of an alert while the caller lives: none may be lost, as a newest value would be. */
export function onAlert(listener: (event: AlertEvent) => void): void {
  alertListeners.add(listener);
  onScopeDispose(() => alertListeners.delete(listener));
}

/** Opens the tab's one stream, for this site; the shell alone calls it. */
export function openLive(site: string): void {
  closeLive();
  watched = site;
  payload.value = null;
  at.value = null;
  start();
  document.addEventListener("visibilitychange", seenOrHidden);
}

export function closeLive(): void {
  stop();
  watched = null;
  document.removeEventListener("visibilitychange", seenOrHidden);
}

function start(): void {
  if (watched === null) return;
  signal({ kind: "started", now: clock() });
  const opening = new LiveStream(watched, {
    opened: () => signal({ kind: "opened", now: clock() }),
    closed: () => {
      signal({ kind: "closed", now: clock() });
      void probe();
    },
    live: (event) => {
      payload.value = event.payload;
      at.value = event.at;
      signal({ kind: "live", now: clock(), payload: event.payload });
    },
    results: (span) => {
      results.value = span;
    },
    alert: (event) => {
      for (const listener of alertListeners) listener(event);
    },
    resync: () => {
      resyncs.value += 1;
    },
  });
  stream = opening;
  opening.open();
  ticking = setInterval(tick, TICK_MS);
}

function stop(): void {
  stream?.close();
  stream = null;
  if (ticking !== null) clearInterval(ticking);
  if (hiding !== null) clearTimeout(hiding);
  ticking = hiding = null;
}

function signal(given: LiveSignal): void {
  state.value = reduce(state.value, given);
  now.value = clock();
}

function tick(): void {
  now.value = clock();
  if (isSuspicious(state.value, now.value) && now.value - lastProbe >= PROBE_EVERY_MS) void probe();
}

async function probe(): Promise<void> {
  lastProbe = clock();
  const found = await ask();
  if (stream !== null) signal({ kind: "probed", found });
  // The stream does not say why it was refused; a session that has ended is found out here.
  if (found === "ready" && state.value.stream === "closed") await getSession().catch(() => undefined);
}

async function ask(): Promise<Probe> {
  try {
    await getReady(PROBE_TIMEOUT_MS);
    return "ready";
  } catch (error) {
    return error instanceof Problem && error.status === 503 ? "database-away" : "unreachable";
  }
}

function seenOrHidden(): void {
  if (document.visibilityState === "hidden") {
    hiding = setTimeout(stop, HIDDEN_MS_MAX);
    return;
  }
  if (hiding !== null) clearTimeout(hiding);
  hiding = null;
  if (stream === null) {
    start();
    resyncs.value += 1;
  }
}

/**
 * The energy-flow board with a network whose amounts all change once a second, and what its user feels of that:
 * `?shape=dense|tall|foundry&count=300&colour=intensity`. A benchmark opens it and reads `window.felt`.
 */
import { computed, createApp, defineComponent, h, nextTick, shallowRef } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import type { EnergyFlow } from "@/api/types";
import { i18n } from "@/i18n";
import type { LivePayload } from "@/live/payload";
import UnitChooser from "@/parts/UnitChooser.vue";
import { useSites } from "@/session/useSite";
import { startTheme } from "@/use/useTheme";
import { useUnit } from "@/use/useUnit";
import FlowBoard from "@/views/flow/FlowBoard.vue";
import { liveNetworkOf, rateOf } from "@/views/flow/network";
import { describedOf } from "@/views/flow/parts";
import { dense, foundry, tall } from "@/views/flow/sample";
import type { Painted } from "@/views/flow/painting";
import "@/styles/base.css";

const UPDATE_EVERY_MS = 1_000;
const GLIDE_MS = 300;
/** Within it the last frame of a glide comes. */
const LAG_MS = 200;

/** What a benchmark reads; times in ms. */
interface Felt {
  firstPaintMs: number;
  /** Intervals of what is painted while things glide. */
  frames: number[];
  /** Tasks of 50 ms or more. */
  longTasks: number[];
  /** From an update to the end of the task that shows it. */
  updates: number[];
  /** How long each frame took to paint, in the painter's own thread. */
  painting: number[];
  /** From what a user does to the next paint, by the kind of event. */
  events: Record<string, number[]>;
}

declare global {
  interface Window {
    felt: Felt;
  }
}

const asked = new URLSearchParams(location.search);
const shapes: Record<string, (count: number) => EnergyFlow> = { dense, tall, foundry };
const answer = (shapes[asked.get("shape") ?? ""] ?? dense)(Number(asked.get("count") ?? 300));
const felt: Felt = { firstPaintMs: 0, frames: [], longTasks: [], updates: [], painting: [], events: {} };
window.felt = felt;

/** Every amount of the network, another one at each step; what is unknown stays so. */
function liveAt(step: number): LivePayload {
  const power = answer.links.map(({ value }, at) => (value === null ? null : value * (1 + 0.3 * Math.sin(step * 0.7 + at))));
  const flow = {
    code: answer.links.map(({ code }) => code),
    power_kw: power,
    coal_equivalent_kgce_per_h: power,
    emission_kgco2e_per_h: power.map((value, at) => (value === null ? null : value * (0.1 + (at % 9) / 10))),
    grade: answer.links.map(({ grade }) => grade),
    derived: answer.links.map(({ derived }) => derived),
  };
  return { flow } as unknown as LivePayload;
}

const live = shallowRef(liveAt(0));
let step = 0;
let updatedAt = 0;

/** When something new was painted, since the newest update. */
let painted: number[] = [];
const { transferFromImageBitmap } = ImageBitmapRenderingContext.prototype;
ImageBitmapRenderingContext.prototype.transferFromImageBitmap = function put(bitmap: ImageBitmap | null) {
  painted.push(performance.now());
  transferFromImageBitmap.call(this, bitmap);
};

/** Listens to what the painter says beside the page. */
class HeardWorker extends Worker {
  constructor(...of: ConstructorParameters<typeof Worker>) {
    super(...of);
    this.addEventListener("message", ({ data }: MessageEvent<Painted>) => felt.painting.push(data.duration));
  }
}
window.Worker = HeardWorker;

function update(): void {
  const last = painted.filter((at) => at - updatedAt <= GLIDE_MS + LAG_MS);
  felt.frames.push(...last.slice(1).map((at, index) => at - (last[index] ?? 0)));
  painted = [];
  step += 1;
  updatedAt = performance.now();
  live.value = liveAt(step);
  void nextTick(() => felt.updates.push(performance.now() - updatedAt));
}

function note(name: string, duration: number): void {
  (felt.events[name] ??= []).push(duration);
}

function observe(): void {
  new PerformanceObserver((list) => felt.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) note(name, duration);
  }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  // Moves are not among the events that browsers time.
  document.addEventListener("pointermove", ({ timeStamp }) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => note("pointermove", performance.now() - timeStamp), { once: true });
    port1.start();
    requestAnimationFrame(() => port2.postMessage(null));
  });
}

startTheme(asked.get("theme"));
useSites().site.value = { code: "main", name_zh: "厂", name_en: "Plant", kind: "plant", timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };
const Bench = defineComponent(() => {
  const unit = useUnit();
  const described = describedOf(null);
  const network = computed(() => liveNetworkOf(answer, live.value, unit.value, []));
  const measured = computed(() => ({ ...rateOf(unit.value), start: 0, end: 1, isLive: true, isStanding: false }));
  const still = { described, status: "ready" as const, problem: null, isLoading: false, note: null };
  return () => [h(UnitChooser), h(FlowBoard, { ...still, network: network.value, measured: measured.value })];
});
const router = createRouter({ history: createWebHistory(), routes: [{ path: "/:rest(.*)*", component: Bench }] });
createApp(Bench).use(i18n).use(router).mount("#page");
const whenDrawn = (): void => {
  if (painted.length === 0) requestAnimationFrame(whenDrawn);
  else requestAnimationFrame(() => requestAnimationFrame(() => (felt.firstPaintMs = performance.now())));
};
whenDrawn();
observe();
if (!asked.has("still")) setInterval(update, UPDATE_EVERY_MS);

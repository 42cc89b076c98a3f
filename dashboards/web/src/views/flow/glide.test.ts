import { describe, expect, it } from "vitest";
import { advance, eased, glideTo, GLIDE_MS, type Glide } from "./glide";
import { networkOf } from "./network";
import { pictureOf } from "./picture";
import { flowOrderOf, placed, withRest } from "./placing";
import { foundry } from "./sample";
import { coarserFor } from "./usePainter";
import { sceneOf, STRIDE, type Scene } from "./scene";

const FRAME = { width: 1_000, height: 500, roomMin: 30, gap: 5, barWidth: 12 };
const colour = { colouring: "carrier", token: (name: string) => name, colourOf: (carrier: string) => carrier } as const;

function sceneAt(change: (value: number) => number, without: string[] = []): Scene {
  const answer = foundry();
  answer.links = answer.links.filter(({ code }) => !without.includes(code));
  for (const link of answer.links) link.value = link.value === null ? null : change(link.value);
  const picture = pictureOf(networkOf(answer), null);
  return sceneOf(picture, placed(picture, withRest(flowOrderOf(picture), picture), FRAME), FRAME, colour);
}

function shownAt(glide: Glide, key: string): number[] {
  const at = glide.scene.keys.indexOf(key) * STRIDE;
  return [...glide.shown.subarray(at, at + STRIDE)];
}

describe("a glide", () => {
  const before = sceneAt((value) => value);
  const after = sceneAt((value) => value * (value > 50 ? 0.5 : 2));

  it("is slow at both ends, half way in the middle, and never turns back", () => {
    expect([0, 0.5, 1].map(eased)).toEqual([0, 0.5, 1]);
    const steps = Array.from({ length: 101 }, (_, at) => eased(at / 100));
    for (const [at, share] of steps.entries()) expect(share).toBeGreaterThanOrEqual(steps[at - 1] ?? 0);
    expect(eased(0.1)).toBeLessThan(0.01);
    expect(eased(0.9)).toBeGreaterThan(0.99);
  });

  it("begins where things were and ends where they belong, from its first frame on", () => {
    const glide = glideTo(after, glideTo(before, null, 0), GLIDE_MS);
    expect(advance(glide, 5_000)).toBe(true);
    expect([...glide.shown]).not.toEqual([...after.places]);
    for (const key of after.keys) expect(shownAt(glide, key)).toEqual(shownAt(glideTo(before, null, 0), key));
    expect(advance(glide, 5_000 + GLIDE_MS / 2)).toBe(true);
    after.places.forEach((to, at) => expect(glide.shown[at]).toBeCloseTo(((glide.from[at] ?? 0) + to) / 2, 9));
    expect(advance(glide, 5_000 + GLIDE_MS)).toBe(false);
    expect([...glide.shown]).toEqual([...after.places]);
    expect(advance(glide, 9_000)).toBe(false);
  });

  it("goes on from where things are when something new comes on the way", () => {
    const first = glideTo(after, glideTo(before, null, 0), GLIDE_MS);
    advance(first, 0);
    advance(first, 100);
    const second = glideTo(before, first, GLIDE_MS);
    expect([...second.shown]).toEqual([...first.shown]);
  });

  it("puts what is new where it belongs at once, and forgets what is gone", () => {
    const few = sceneAt((value) => value, ["coke-in"]);
    const glide = glideTo(after, glideTo(few, null, 0), GLIDE_MS);
    const at = after.keys.indexOf("stop coke") * STRIDE;
    expect(at).toBeGreaterThanOrEqual(0);
    expect(shownAt(glide, "stop coke")).toEqual([...after.places.subarray(at, at + STRIDE)]);
    expect(glideTo(few, glide, GLIDE_MS).shown.length).toBe(few.places.length);
  });

  it("is none where nothing moves, nothing was, or nobody wants it", () => {
    const still = glideTo(before, null, 0);
    for (const glide of [glideTo(before, still, GLIDE_MS), glideTo(after, null, GLIDE_MS), glideTo(after, still, 0)]) {
      expect(advance(glide, 0)).toBe(false);
      expect([...glide.shown]).toEqual([...glide.scene.places]);
    }
  });
});

describe("painting while things move", () => {
  it.each([
    ["fast", 2, 1],
    ["just fast enough", 16, 1],
    ["slower", 20, 0.85],
    ["slow", 30, 0.7],
    ["very slow", 400, 0.7],
  ])("is as coarse as a %s machine needs", (_name, duration, step) => {
    expect(coarserFor(duration)).toBe(step);
  });
});

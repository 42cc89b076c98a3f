import { describe, expect, it } from "vitest";
import type { EnergyFlow } from "@/api/types";
import { hitOf, riseAt } from "./hit";
import { fitting, labelsOf } from "./labels";
import { networkOf } from "./network";
import { pictureOf, type Picture } from "./picture";
import { flowOrderOf, placed, withRest, type Placed } from "./placing";
import { answer, dense, foundry, link, node } from "./sample";
import { BAND, HATCHED, nearOf, NOTHING, PART, sceneOf, STRIDE, UNKNOWN, type Colouring, type Scene } from "./scene";

const FRAME = { width: 1_000, height: 500, roomMin: 30, gap: 5, barWidth: 12 };

function drawn(of: EnergyFlow, colouring: Colouring = "carrier"): { picture: Picture; places: Placed; scene: Scene } {
  const picture = pictureOf(networkOf(of), null);
  const places = placed(picture, withRest(flowOrderOf(picture), picture), FRAME);
  const colour = { colouring, token: (name: string) => name, colourOf: (carrier: string) => `colour of ${carrier}` };
  return { picture, places, scene: sceneOf(picture, places, FRAME, colour) };
}

function at(scene: Scene, key: string): number {
  const found = scene.keys.indexOf(key);
  if (found < 0) throw new Error(`no ${key} in ${scene.keys.join(", ")}`);
  return found;
}

/** What is lit up with an item. */
function lit(scene: Scene, key: string): string[] {
  const near = nearOf(scene, at(scene, key));
  return scene.keys.filter((_, index) => near[index] === 1).toSorted();
}

describe("a scene", () => {
  const { picture, places, scene } = drawn(foundry());
  const { forms } = scene;

  it("has every link and every stop at its place", () => {
    expect(scene.keys.length).toBe(picture.links.length + picture.stops.length);
    expect(scene.places.length).toBe(scene.keys.length * STRIDE);
    for (const { id } of picture.links) {
      const base = at(scene, `link ${id}`) * STRIDE;
      const { x1, y1, x2, y2, thickness } = places.ribbons.get(id) ?? {};
      expect([...scene.places.subarray(base, base + STRIDE)]).toEqual([x1, y1, x2, y2, thickness]);
    }
    for (const { id } of picture.stops) {
      const base = at(scene, `stop ${id}`) * STRIDE;
      const { x, y, height } = places.bars.get(id) ?? {};
      expect([...scene.places.subarray(base, base + 3)]).toEqual([x, y, height]);
    }
  });

  it("is plain data that another thread can be given", () => {
    expect(structuredClone(forms)).toEqual(forms);
  });

  it("gives a stop the colour of its largest flow, and residuals none of a carrier", () => {
    expect(forms.colours[at(scene, "stop coke")]).toBe("colour of coke");
    expect(forms.colours[at(scene, "link grid>utilities:electricity")]).toBe("colour of electricity");
    expect(forms.colours[at(scene, "stop ~loss")]).toBe("--residual");
    expect(forms.hollow[at(scene, "stop grid") - forms.linkCount]).toBe(true);
    expect(forms.hollow[at(scene, "stop foundry") - forms.linkCount]).toBe(false);
  });

  it("colours by intensity, and says where that is not known", () => {
    const of = drawn(foundry(), "intensity").scene.forms;
    expect(new Set(of.colours.slice(0, of.linkCount))).toEqual(new Set(["--residual", "--bad"]));
  });

  it("marks a grade at links, but not where all have it or where the dashes say so", () => {
    const marked = foundry();
    for (const one of marked.links) if (one.code === "coke-in" || one.code === "office-power") one.grade = "bad";
    const of = drawn(marked).scene;
    expect(of.forms.marks[at(of, "link coke>foundry:coke")]).toBe("bad");
    expect(of.forms.marks.filter((mark) => mark !== null).length).toBe(1);
    for (const one of [...marked.links, ...marked.nodes]) one.grade = "uncertain";
    expect(drawn(marked).scene.forms.marks.every((mark) => mark === null)).toBe(true);
  });
});

describe("a link", () => {
  it("draws what is partly or wholly unknown, lost or nothing in ways of their own", () => {
    const of = drawn(
      answer(
        [node("s", "source"), node("b", "bus", null, 5), node("u", "use"), node("v", "use"), node("w", "use"), node("x", "use")],
        [link("1", "s", "b", 100), link("2", "b", "u", 60), link("3", "b", "v", null), link("4", "b", "w", 0), link("5", "b", "x", 30), link("6", "b", "x", null)],
      ),
    );
    const way = (id: string): number | undefined => of.scene.forms.ways[at(of.scene, `link ${id}`)];
    expect(["s>b:electricity", "b>u:electricity", "b>v:electricity", "b>w:electricity", "b>x:electricity", "b~residual"].map(way)).toEqual([
      BAND,
      BAND,
      UNKNOWN,
      NOTHING,
      PART,
      HATCHED,
    ]);
  });

  it("lights up a link with its ends, and a stop with all that it is connected with", () => {
    const { scene } = drawn(foundry());
    expect(lit(scene, "link coke>foundry:coke")).toEqual(["link coke>foundry:coke", "stop coke", "stop foundry"]);
    expect(lit(scene, "stop grid")).toEqual(["link grid>utilities:electricity", "stop grid", "stop utilities"]);
  });
});

describe("what one points at", () => {
  it.each([0, 0.1, 0.3, 0.5, 0.77, 1])("rises along the curve that is painted, at %d of its way", (t) => {
    const [x, y] = [1.5 * t - 1.5 * t ** 2 + t ** 3, 3 * t ** 2 - 2 * t ** 3];
    expect(riseAt(x)).toBeCloseTo(y, 6);
  });

  it("is the link whose ribbon is there, the uppermost of several, all along its way", () => {
    const { scene } = drawn(dense(300));
    const { places, forms } = scene;
    for (let own = 0; own < forms.linkCount; own += 1) {
      const [x1, y1, x2, y2, thickness] = places.subarray(own * STRIDE, (own + 1) * STRIDE) as unknown as [number, number, number, number, number];
      for (const share of [0.3, 0.5, 0.9]) {
        const [x, y] = [x1 + (x2 - x1) * share, y1 + (y2 - y1) * riseAt(share) + thickness / 2];
        const found = hitOf(scene, places, x, y);
        // Whatever lies above it may be met instead: a bar with its label, or a later link.
        if (found < forms.linkCount) expect(found).toBeGreaterThanOrEqual(thickness > 0 ? own : 0);
        expect(found).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("is a bar by itself and by its label, and nothing beside the drawing", () => {
    const { scene } = drawn(foundry());
    const own = at(scene, "stop foundry");
    const [x, y, height] = scene.places.subarray(own * STRIDE, own * STRIDE + 3) as unknown as [number, number, number];
    expect(hitOf(scene, scene.places, x + 6, y + 1)).toBe(own);
    expect(hitOf(scene, scene.places, x + 60, y + height / 2)).toBe(own);
    expect(hitOf(scene, scene.places, x + 60, y + 1)).not.toBe(own);
    expect(hitOf(scene, scene.places, -20, -20)).toBe(-1);
  });

  it("is a thread from a little beside it", () => {
    const { scene } = drawn(foundry());
    const own = at(scene, "link utilities>office:electricity");
    const [x1, y1, x2, y2] = scene.places.subarray(own * STRIDE, own * STRIDE + 4) as unknown as [number, number, number, number];
    const [x, y] = [x1 + (x2 - x1) * 0.97, y1 + (y2 - y1) * riseAt(0.97)];
    expect(hitOf(scene, scene.places, x, y - 2)).toBe(own);
    expect(hitOf(scene, scene.places, x, y - 20)).not.toBe(own);
  });
});

describe("a label", () => {
  it.each([
    ["short", 10, "short"],
    ["eleven letters", 12, "eleven le..."],
    ["two words here", 7, "two..."],
    ["一号高炉煤气回收", 6, "一号高..."],
    ["wide", 0, "..."],
  ])("of %j in the room of %d letters is %j", (text, room, short) => {
    expect(fitting(text, (part) => [...part].length <= room)).toBe(short);
  });

  it("stands beside the middle of its bar, bold where one can look inside", () => {
    const { picture, places } = drawn(foundry());
    const words = { label: ({ id }: { id: string }) => ({ name: id, value: "1" }), aboutStop: () => "", aboutLink: () => "" };
    const labels = labelsOf(picture.stops, places, FRAME, 150, words);
    expect(labels.length).toBe(picture.stops.length);
    const label = labels.find(({ name }) => name === "foundry");
    const bar = places.bars.get("foundry");
    expect(label?.isBold).toBe(true);
    expect(label?.y).toBeCloseTo((bar?.y ?? 0) + (bar?.height ?? 0) / 2, 9);
    expect(label?.x).toBeGreaterThan((bar?.x ?? 0) + FRAME.barWidth);
  });
});

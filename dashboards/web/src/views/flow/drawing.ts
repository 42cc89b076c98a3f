import type { Grade } from "@/api/types";
import type { EChartsCoreOption } from "@/charts/echarts";
import type { Look } from "@/charts/look";
import { resolved } from "@/charts/palette";
import { RIBBON } from "@/charts/ribbon";
import { mixed, scaleEnd } from "./colours";
import type { Link, Picture, Stop } from "./picture";
import type { Frame, Placed, Ribbon } from "./placing";

export type Colouring = "carrier" | "intensity";

/** What is written at a stop and said of everything that one points at. */
export interface Words {
  label(stop: Stop): { name: string; value: string };
  aboutStop(stop: Stop): string;
  aboutLink(link: Link): string;
}

export interface Scene {
  picture: Picture;
  placed: Placed;
  frame: Frame;
  /** Room for labels beside the last column. [px] */
  margin: number;
  colouring: Colouring;
  colourOf(carrier: string): string;
  words: Words;
  chosen: string | null;
  /** How long changes glide. [ms] */
  glideMs: number;
}

type Shape = Record<string, unknown>;
/** One thing of the drawing: a link or a stop. */
export type Item = { link: Link; stop?: never } | { stop: Stop; link?: never };

const EDGE = 4;
const THIN = 1.5;
const HATCHED_MAX = 120;
/** How much of a label can be pointed at. [px] */
const LABEL_TARGET = 70;

/** Links below, stops above; a click tells which of them by its index. */
export function itemsOf(picture: Picture): Item[] {
  return [...picture.links.map((link) => ({ link })), ...picture.stops.map((stop) => ({ stop }))];
}

/** Highest intensity of the colour scale. [kgCO2e/kWh] */
export function intensityEnd(picture: Picture): number {
  return scaleEnd(picture.links.map(({ intensity }) => intensity));
}

/** Whether everything drawn has a grade: said once, it need not be marked everywhere. */
export function isAllOf(picture: Picture, grade: Grade): boolean {
  return picture.links.length > 1 && picture.links.every((link) => link.grade === grade);
}

export function optionOf(look: Look, scene: Scene): EChartsCoreOption {
  const items = itemsOf(scene.picture);
  const paint = paintOf(scene);
  const near = neighboursOf(items);
  const count = 1 + Math.max(0, ...Array.from(scene.placed.bars.values(), ({ column }) => column));
  return {
    animationDuration: 0,
    ...(scene.glideMs === 0 ? { animation: false } : {}),
    animationDurationUpdate: scene.glideMs,
    stateAnimation: { duration: 0 },
    animationEasingUpdate: "cubicInOut",
    tooltip: {
      trigger: "item",
      transitionDuration: 0,
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const item = items[dataIndex];
        return item?.link ? scene.words.aboutLink(item.link) : item?.stop ? scene.words.aboutStop(item.stop) : "";
      },
    },
    series: [
      {
        // Text is dear to draw: in a layer of its own it is drawn once an update, not with every step of a glide.
        id: "labels",
        type: "custom",
        zlevel: 1,
        coordinateSystem: "none",
        clip: false,
        animation: false,
        tooltip: { show: false },
        silent: true,
        data: scene.picture.stops.map(({ id }) => ({ id: `label ${id}`, value: 0 })),
        renderItem: ({ dataIndexInside: index }: { dataIndexInside: number }) => {
          const stop = scene.picture.stops[index];
          return stop ? labelShape(look, scene, stop, count) : null;
        },
      },
      {
        id: "flow",
        type: "custom",
        coordinateSystem: "none",
        clip: false,
        data: items.map(({ link, stop }) => ({ id: link ? `link ${link.id}` : `stop ${stop.id}`, value: 0 })),
        renderItem: ({ dataIndexInside: index }: { dataIndexInside: number }) => {
          const item = items[index];
          if (item === undefined) return null;
          const shape = item.link ? ribbonShape(look, scene, paint, item.link) : barShape(look, scene, paint, item.stop);
          return shape === null ? null : { ...shape, type: "group", x: EDGE, y: EDGE, focus: near[index], blurScope: "series" };
        },
      },
    ],
  };
}

interface Paint {
  link(link: Link): string;
  stop(stop: Stop): string;
  grade(grade: Grade): string;
  isAllOf(grade: Grade): boolean;
  /** Hatching is dear; among very many links colour and dashes must do. */
  isHatched: boolean;
}

/** Colours of now; tokens are looked up once a drawing. */
function paintOf(scene: Scene): Paint {
  const { picture, colouring } = scene;
  const token = remembered(resolved);
  const carrier = remembered(scene.colourOf);
  const end = intensityEnd(picture);
  const scale = ["--good", "--carrier-solar", "--bad"].map(token);
  const ofLink = (link: Link): string => {
    if (link.kind !== "flow") return token(link.kind === "gain" ? "--bad" : "--residual");
    if (colouring === "carrier") return carrier(link.carrier ?? "");
    return link.intensity === null ? token("--residual") : mixed(scale, link.intensity / end);
  };
  const main = new Map<string, Link>();
  for (const link of picture.links) {
    for (const id of [link.source, link.target]) {
      if (link.kind === "flow" && link.known > (main.get(id)?.known ?? 0)) main.set(id, link);
    }
  }
  return {
    link: ofLink,
    stop: (stop) => {
      const link = main.get(stop.id);
      return link ? ofLink(link) : token(stop.kind === "gain" ? "--bad" : "--residual");
    },
    isAllOf: (grade) => isAllOf(picture, grade),
    grade: (grade) => token(grade === "bad" ? "--bad" : "--uncertain"),
    isHatched: picture.links.length <= HATCHED_MAX,
  };
}

function remembered(find: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    const found = known.get(key) ?? find(key);
    known.set(key, found);
    return found;
  };
}

function ribbonShape(look: Look, scene: Scene, paint: Paint, link: Link): Shape | null {
  const ribbon = scene.placed.ribbons.get(link.id);
  if (ribbon === undefined) return null;
  const isChosen = scene.chosen === link.id;
  const band = link.known > 0 ? bandShape(look, paint, link, ribbon, isChosen) : threadShape(look, paint, link, ribbon, isChosen);
  const isMarked = link.grade !== "good" && link.unknownCount === 0 && !paint.isAllOf(link.grade);
  const mark = isMarked ? [markShape(look, paint, link.grade, ribbon)] : [];
  return { children: [band, ...mark] };
}

function bandShape(look: Look, paint: Paint, link: Link, ribbon: Ribbon, isChosen: boolean): Shape {
  const isFlow = link.kind === "flow";
  const isPart = link.unknownCount > 0;
  const outline = isChosen ? { stroke: look.text, lineWidth: 1.5 } : { stroke: isPart ? look.note : paint.link(link), lineWidth: isFlow && !isPart ? 0 : 1 };
  return {
    type: RIBBON,
    name: "band",
    shape: { ...ribbon, thickness: Math.max(ribbon.thickness, THIN) },
    transition: ["shape"],
    style: {
      fill: paint.link(link),
      opacity: isFlow ? 0.48 : 0.4,
      ...outline,
      lineDash: isFlow && !isPart ? null : [4, 3],
      ...(isFlow || !paint.isHatched ? {} : { decal: { symbol: "rect", color: look.surface, dashArrayX: [1, 0], dashArrayY: [look.size / 6, look.size / 3], rotation: -Math.PI / 4 } }),
    },
    emphasis: { style: { opacity: 0.8 } },
    blur: { style: { opacity: 0.1 } },
  };
}

/** What has no width: dashed where nobody knows how much it is, a hair where it is nothing. */
function threadShape(look: Look, paint: Paint, link: Link, { x1, y1, x2, y2 }: Ribbon, isChosen: boolean): Shape {
  const isUnknown = link.unknownCount > 0;
  const middle = (x1 + x2) / 2;
  return {
    type: "bezierCurve",
    name: "thread",
    shape: { x1, y1, x2, y2, cpx1: middle, cpy1: y1, cpx2: middle, cpy2: y2 },
    transition: ["shape"],
    style: {
      fill: "none",
      stroke: isChosen ? look.text : isUnknown ? look.note : paint.link(link),
      lineWidth: isUnknown ? THIN : 1,
      lineDash: isUnknown ? [5, 4] : null,
      opacity: 0.7,
    },
    emphasis: { style: { opacity: 1, lineWidth: 2.5 } },
    blur: { style: { opacity: 0.12 } },
  };
}

function markShape(look: Look, paint: Paint, grade: Grade, { x1, y1, x2, y2, thickness }: Ribbon): Shape {
  const half = look.size / 3;
  const points =
    grade === "bad"
      ? [[-half, -half], [half, -half], [half, half], [-half, half]]
      : [[0, -half * 1.2], [half * 1.2, half], [-half * 1.2, half]];
  return {
    type: "polygon",
    name: "mark",
    x: (x1 + x2) / 2,
    y: (y1 + y2 + thickness) / 2,
    transition: ["x", "y"],
    shape: { points },
    silent: true,
    style: { fill: paint.grade(grade), stroke: look.surface, lineWidth: 1.5 },
    blur: { style: { opacity: 0.15 } },
  };
}

function barShape(look: Look, scene: Scene, paint: Paint, stop: Stop): Shape | null {
  const bar = scene.placed.bars.get(stop.id);
  if (bar === undefined) return null;
  const { frame } = scene;
  const height = Math.max(bar.height, THIN);
  const colour = paint.stop(stop);
  // Its label belongs to it: where one points at that, one points at the bar.
  const target = { x: bar.x, y: bar.y + height / 2 - frame.roomMin / 2, width: frame.barWidth + LABEL_TARGET, height: frame.roomMin };
  const cursor = stop.code === null ? "default" : "pointer";
  return {
    children: [
      { type: "rect", name: "target", shape: target, style: { fill: "transparent" }, cursor },
      {
        type: "rect",
        name: "bar",
        shape: { x: bar.x, y: bar.y, width: frame.barWidth, height, r: 1.5 },
        transition: ["shape"],
        style: { fill: stop.isOutside ? look.surface : colour, stroke: colour, lineWidth: 1.5 },
        cursor,
        blur: { style: { opacity: 0.25 } },
      },
    ],
  };
}

function labelShape(look: Look, scene: Scene, stop: Stop, columns: number): Shape | null {
  const { frame, placed } = scene;
  const bar = placed.bars.get(stop.id);
  if (bar === undefined) return null;
  const step = columns > 1 ? frame.width / (columns - 1) : frame.width;
  const isLast = bar.column === columns - 1;
  const { name, value } = scene.words.label(stop);
  const width = (isLast ? scene.margin : step - frame.barWidth) - 10;
  return {
    type: "text",
    x: EDGE + bar.x + frame.barWidth + 5,
    y: EDGE + bar.y + Math.max(bar.height, THIN) / 2,
    style: {
      text: `${name}\n{v|${value}}`,
      width,
      overflow: "truncate",
      verticalAlign: "middle",
      fill: look.text,
      stroke: look.surface,
      lineWidth: 3,
      font: `${stop.canOpen ? 600 : 400} ${look.size}px ${look.font}`,
      lineHeight: look.size * 1.25,
      rich: { v: { fill: look.text, stroke: look.surface, lineWidth: 3, font: `${look.size * 0.9}px ${look.font}`, lineHeight: look.size * 1.2 } },
    },
  };
}

/** What is lit up with each item: a link with its ends, a stop with its links and what is at their other ends. */
function neighboursOf(items: readonly Item[]): number[][] {
  const index = new Map(items.map(({ link, stop }, at) => [link ? `link ${link.id}` : `stop ${stop.id}`, at]));
  const at = (key: string): number[] => {
    const found = index.get(key);
    return found === undefined ? [] : [found];
  };
  const touching = new Map<string, Link[]>();
  for (const { link } of items) {
    for (const id of link ? [link.source, link.target] : []) {
      if (link) touching.set(id, [...(touching.get(id) ?? []), link]);
    }
  }
  const around = (link: Link): number[] => [`link ${link.id}`, `stop ${link.source}`, `stop ${link.target}`].flatMap(at);
  return items.map(({ link, stop }, own) => (link ? around(link) : [own, ...(touching.get(stop.id) ?? []).flatMap(around)]));
}

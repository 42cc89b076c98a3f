import type { Grade } from "@/api/types";
import { mixed, scaleEnd } from "./colours";
import type { Link, Picture, Stop } from "./picture";
import type { Frame, Placed } from "./placing";

export type Colouring = "carrier" | "intensity";

/** What is written at a stop and said of everything that one points at. */
export interface Words {
  label(stop: Stop): { name: string; value: string };
  aboutStop(stop: Stop): string;
  aboutLink(link: Link): string;
}

/** One thing of the drawing: a link or a stop. */
export type Item = { link: Link; stop?: never } | { stop: Stop; link?: never };

/** How a link is drawn: as a band, hatched where nobody knows where it goes, or as a thread without width. */
export const BAND = 0;
export const PART = 1;
export const HATCHED = 2;
export const UNKNOWN = 3;
export const NOTHING = 4;
export type Way = typeof BAND | typeof PART | typeof HATCHED | typeof UNKNOWN | typeof NOTHING;

/** Numbers of an item in `places`: x1, y1, x2, y2, thickness of a link; x, y, height of a stop. [px] */
export const STRIDE = 5;

/** What links and above them stops look like, wherever they are: an entry of every array for each. */
/** What is marked at the middle of a link: its quality, or that a meter of it contradicts the balances. */
export type LinkMark = Grade | "suspect";

export interface Forms {
  linkCount: number;
  colours: readonly string[];
  ways: readonly Way[];
  /** Null where nothing is to be marked. */
  marks: readonly (LinkMark | null)[];
  /** Stops that are not part of what is looked into. */
  hollow: readonly boolean[];
  barWidth: number;
}

/** A picture ready to be painted: links first, then stops, an entry of every array for each. */
export interface Scene {
  items: readonly Item[];
  /** Says which item of another scene is the same thing. */
  keys: readonly string[];
  places: Float64Array;
  forms: Forms;
  roomMin: number;
}

/** Highest intensity of the colour scale. [kgCO2e/kWh] */
export function intensityEnd(picture: Picture): number {
  return scaleEnd(picture.links.map(({ intensity }) => intensity));
}

/** Whether everything drawn has a grade: said once, it need not be marked everywhere. */
export function isAllOf(picture: Picture, grade: Grade): boolean {
  return picture.links.length > 1 && picture.links.every((link) => link.grade === grade);
}

/** What there is to paint, in the colours that `token` and `colourOf` (of a carrier) give now. */
export function sceneOf(
  picture: Picture,
  placed: Placed,
  { barWidth, roomMin }: Pick<Frame, "barWidth" | "roomMin">,
  colour: { colouring: Colouring; token(name: string): string; colourOf(carrier: string): string },
): Scene {
  const links = picture.links.filter(({ id }) => placed.ribbons.has(id));
  const stops = picture.stops.filter(({ id }) => placed.bars.has(id));
  const places = new Float64Array((links.length + stops.length) * STRIDE);
  links.forEach(({ id }, at) => {
    const ribbon = placed.ribbons.get(id);
    if (ribbon) places.set([ribbon.x1, ribbon.y1, ribbon.x2, ribbon.y2, ribbon.thickness], at * STRIDE);
  });
  stops.forEach(({ id }, at) => {
    const bar = placed.bars.get(id);
    if (bar) places.set([bar.x, bar.y, bar.height], (links.length + at) * STRIDE);
  });
  const ofLink = linkColour(picture, colour);
  const main = mainLinks(links, colour.colouring);
  const isPlain = { good: true, uncertain: isAllOf(picture, "uncertain"), bad: isAllOf(picture, "bad") };
  return {
    items: [...links.map((link) => ({ link })), ...stops.map((stop) => ({ stop }))],
    keys: [...links.map(({ id }) => `link ${id}`), ...stops.map(({ id }) => `stop ${id}`)],
    places,
    forms: {
      linkCount: links.length,
      colours: [
        ...links.map(ofLink),
        ...stops.map(({ id, kind }) => {
          const link = main.get(id);
          return link ? ofLink(link) : colour.token(kind === "gain" ? "--bad" : "--residual");
        }),
      ],
      ways: links.map(wayOf),
      marks: links.map((link) => (link.isSuspect ? "suspect" : isPlain[link.grade] || link.unknownCount > 0 ? null : link.grade)),
      hollow: stops.map(({ isOutside }) => isOutside),
      barWidth,
    },
    roomMin,
  };
}

/** What is lit up with an item: a link with its ends, a stop with its links and what is at their other ends. */
export function nearOf({ items, forms: { linkCount } }: Scene, index: number): Uint8Array {
  const near = new Uint8Array(items.length);
  const own = items[index];
  const ends = new Set<string>();
  for (let at = 0; at < linkCount; at += 1) {
    const link = items[at]?.link;
    if (link === undefined || own === undefined) continue;
    if (own.link ? at !== index : link.source !== own.stop.id && link.target !== own.stop.id) continue;
    near[at] = 1;
    ends.add(link.source).add(link.target);
  }
  for (let at = linkCount; at < items.length; at += 1) if (ends.has(items[at]?.stop?.id ?? "")) near[at] = 1;
  near[index] = 1;
  return near;
}

function wayOf(link: Link): Way {
  if (link.known <= 0) return link.unknownCount > 0 ? UNKNOWN : NOTHING;
  if (link.kind !== "flow") return HATCHED;
  return link.unknownCount > 0 ? PART : BAND;
}

function linkColour(
  picture: Picture,
  { colouring, token, colourOf }: { colouring: Colouring; token(name: string): string; colourOf(carrier: string): string },
): (link: Link) => string {
  // Looking a token up asks the browser for styles: once each is enough.
  const tokenOnce = remembered(token);
  const carrierOnce = remembered(colourOf);
  const end = intensityEnd(picture);
  const scale = ["--good", "--carrier-solar", "--bad"].map(tokenOnce);
  return (link) => {
    if (link.kind !== "flow") return tokenOnce(link.kind === "gain" ? "--bad" : "--residual");
    if (colouring === "carrier") return carrierOnce(link.carrier ?? "");
    return link.intensity === null ? tokenOnce("--residual") : mixed(scale, link.intensity / end);
  };
}

/** The largest flow at each stop, which gives the stop its colour; of intensities, the largest that leaves it. */
function mainLinks(links: readonly Link[], colouring: Colouring): Map<string, Link> {
  const main = new Map<string, Link>();
  const leaving = new Map<string, Link>();
  for (const link of links) {
    for (const id of [link.source, link.target]) keepLarger(main, id, link);
    keepLarger(leaving, link.source, link);
  }
  return colouring === "intensity" ? new Map([...main, ...leaving]) : main;
}

function keepLarger(found: Map<string, Link>, id: string, link: Link): void {
  if (link.kind === "flow" && link.known > (found.get(id)?.known ?? 0)) found.set(id, link);
}

function remembered(find: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) {
      found = find(key);
      known.set(key, found);
    }
    return found;
  };
}

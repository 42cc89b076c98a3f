import type { Link, Picture, Stop } from "./picture";

/** Where stops stand, as far as it does not depend on amounts: it stays while amounts change. */
export interface Order {
  /** Column of each stop, from the left. */
  column: ReadonlyMap<string, number>;
  /** Stops of each column from the top. */
  columns: readonly (readonly string[])[];
}

export interface Frame {
  width: number;
  height: number;
  /** Least room of a stop: that of its label. */
  roomMin: number;
  gap: number;
  barWidth: number;
}

export interface Bar {
  x: number;
  y: number;
  height: number;
  column: number;
}

export interface Ribbon {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  thickness: number;
}

export interface Placed {
  bars: ReadonlyMap<string, Bar>;
  ribbons: ReadonlyMap<string, Ribbon>;
}

const SWEEPS = 12;
const HALVINGS = 40;

/** Columns of what flows, by the longest way from a source, and in each an order with few crossings. */
export function flowOrderOf(picture: Picture): Order {
  const stops = picture.stops.filter((stop) => !isRest(stop));
  const links = picture.links.filter(({ kind }) => kind === "flow");
  const column = columnsOf(stops, links);
  const columns: string[][] = Array.from({ length: Math.max(0, ...column.values()) + 1 }, () => []);
  for (const { id } of stops) columns[column.get(id) ?? 0]?.push(id);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForward = sweep % 2 === 0;
    for (const ids of isForward ? columns : columns.toReversed()) sortColumn(ids, columns, links, isForward ? "source" : "target");
  }
  return { column, columns };
}

/**
 * The same with losses and residuals below it. They come and go and change their sign with the noise of
 * meters, so nothing else may move for them: a column of their own is there as soon as any is at the right.
 */
export function withRest(order: Order, picture: Picture): Order {
  const rest = picture.stops.filter(isRest);
  if (rest.length === 0) return order;
  const column = new Map(order.column);
  const links = picture.links.filter(({ kind }) => kind !== "flow");
  const held = (link: Link): number => column.get(link.kind === "gain" ? link.target : link.source) ?? 0;
  const last = order.columns.length - 1;
  const end = links.some((link) => held(link) === last) ? last + 1 : last;
  const columns = order.columns.map((ids) => [...ids]);
  while (columns.length <= end) columns.push([]);
  for (const { id, kind } of rest.toSorted((one, other) => (one.id < other.id ? -1 : 1))) {
    const firsts = links.filter(({ source }) => source === id).map(held);
    // What comes from nowhere stands beside where it enters.
    const at = kind === "gain" ? Math.max(0, Math.min(...firsts) - 1) : end;
    column.set(id, at);
    columns[at]?.push(id);
  }
  return { column, columns };
}

/** Bars and ribbons with the amounts of now. Small changes of amounts are small changes of places. */
export function placed(picture: Picture, order: Order, frame: Frame): Placed {
  const amount = amountsOf(picture);
  const columns = order.columns.map((stops) => stops.filter((id) => amount.has(id)));
  const scale = scaleOf(columns, amount, frame);
  const step = columns.length > 1 ? (frame.width - frame.barWidth) / (columns.length - 1) : 0;
  const bars = new Map<string, Bar>();
  columns.forEach((stops, column) => {
    let y = 0;
    for (const id of stops) {
      const height = (amount.get(id) ?? 0) * scale;
      bars.set(id, { x: column * step, y, height, column });
      y += Math.max(height, frame.roomMin) + frame.gap;
    }
  });
  relax(picture, columns, bars, frame);
  return { bars, ribbons: ribbonsOf(picture, bars, scale, frame) };
}

/** How high a drawing must be so that every stop has its label. */
export function heightMin(order: Order, frame: Omit<Frame, "height" | "width" | "barWidth">): number {
  return Math.max(0, ...order.columns.map((stops) => stops.length)) * (frame.roomMin + frame.gap);
}

function columnsOf(stops: readonly Stop[], links: readonly Link[]): Map<string, number> {
  const column = new Map(stops.map(({ id }) => [id, 0]));
  // As often as the longest way has steps; without loops that is less than there are stops.
  for (let round = 0, isMoving = true; isMoving && round < stops.length; round += 1) {
    isMoving = false;
    for (const { source, target } of links) {
      const next = (column.get(source) ?? 0) + 1;
      if (next > (column.get(target) ?? 0)) {
        column.set(target, next);
        isMoving = true;
      }
    }
  }
  const last = Math.max(0, ...column.values());
  const leaving = new Set(links.map(({ source }) => source));
  for (const { id, side } of stops) {
    // Where energy ends stands at the right; what is stored or led back stays where that happens.
    if (!leaving.has(id) && side !== "charge" && side !== "back") column.set(id, last);
    if (side !== "discharge") continue;
    const firsts = links.filter(({ source }) => source === id).map(({ target }) => column.get(target) ?? 1);
    column.set(id, Math.max(0, Math.min(...firsts) - 1));
  }
  return column;
}

function sortColumn(ids: string[], columns: readonly string[][], links: readonly Link[], end: "source" | "target"): void {
  const height = new Map(columns.flatMap((column) => column.map((id, at) => [id, (at + 0.5) / column.length] as const)));
  const other = end === "source" ? "target" : "source";
  const wanted = new Map(
    ids.map((id) => {
      const found = links.filter((link) => link[other] === id);
      const sum = found.reduce((total, { known }) => total + weight(known), 0);
      const mean = found.reduce((total, link) => total + weight(link.known) * (height.get(link[end]) ?? 0), 0) / sum;
      return [id, found.length > 0 ? mean : (height.get(id) ?? 0)] as const;
    }),
  );
  ids.sort((one, another) => (wanted.get(one) ?? 0) - (wanted.get(another) ?? 0));
}

/** A large flow counts for more than a small one, but does not decide alone. */
function weight(known: number): number {
  return Math.log1p(known) + 0.1;
}

function isRest(stop: Stop): boolean {
  return stop.kind === "loss" || stop.kind === "residual" || stop.kind === "gain";
}

/** What passes through each stop: the greater of what enters and what leaves. */
function amountsOf(picture: Picture): Map<string, number> {
  const into = new Map<string, number>();
  const outOf = new Map<string, number>();
  for (const { source, target, known } of picture.links) {
    into.set(target, (into.get(target) ?? 0) + known);
    outOf.set(source, (outOf.get(source) ?? 0) + known);
  }
  return new Map(picture.stops.map(({ id }) => [id, Math.max(into.get(id) ?? 0, outOf.get(id) ?? 0)]));
}

/** Height of a unit, the largest with which every column fits. [px per unit] */
function scaleOf(columns: readonly string[][], amount: ReadonlyMap<string, number>, frame: Frame): number {
  const sums = columns.map((stops) => stops.reduce((sum, id) => sum + (amount.get(id) ?? 0), 0));
  const largest = Math.max(0, ...sums);
  if (largest === 0) return 0;
  const fits = (scale: number): boolean =>
    columns.every((stops) => {
      const heights = stops.map((id) => Math.max((amount.get(id) ?? 0) * scale, frame.roomMin));
      return heights.reduce((sum, height) => sum + height, 0) + Math.max(0, stops.length - 1) * frame.gap <= frame.height;
    });
  let [low, high] = [0, frame.height / largest];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Moves bars toward what they are connected with; the order of a column stays. */
function relax(picture: Picture, columns: readonly string[][], bars: Map<string, Bar>, frame: Frame): void {
  const neighbours = new Map<string, [string, number][]>();
  for (const { source, target, known } of picture.links) {
    neighbours.set(source, [...(neighbours.get(source) ?? []), [target, known]]);
    neighbours.set(target, [...(neighbours.get(target) ?? []), [source, known]]);
  }
  for (const stops of columns) spread(stops, bars, frame);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const stops of sweep % 2 === 0 ? columns : columns.toReversed()) {
      for (const id of stops) {
        const bar = bars.get(id);
        const found = neighbours.get(id) ?? [];
        const sum = found.reduce((total, [, known]) => total + known, 0);
        if (bar === undefined || sum === 0) continue;
        const middle = found.reduce((total, [other, known]) => total + known * middleOf(bars.get(other)), 0) / sum;
        bar.y += (middle - middleOf(bar)) * 0.7;
      }
      spread(stops, bars, frame);
    }
  }
}

/** Pushes bars of a column apart, down and then up, so that they stay in the frame and in their order. */
function spread(stops: readonly string[], bars: Map<string, Bar>, frame: Frame): void {
  const column = stops.flatMap((id) => bars.get(id) ?? []);
  // A label stands beside the middle of its bar and needs as much room above as below.
  const above = (bar: Bar): number => Math.max(0, frame.roomMin - bar.height) / 2;
  let y = 0;
  for (const bar of column) {
    bar.y = Math.max(bar.y, y + above(bar));
    y = bar.y + bar.height + above(bar) + frame.gap;
  }
  y = frame.height;
  for (const bar of column.toReversed()) {
    bar.y = Math.max(above(bar), Math.min(bar.y, y - bar.height - above(bar)));
    y = bar.y - above(bar) - frame.gap;
  }
}

function ribbonsOf(picture: Picture, bars: ReadonlyMap<string, Bar>, scale: number, frame: Frame): Map<string, Ribbon> {
  const at = new Map<string, { out: number; into: number }>();
  const ribbons = new Map<string, Ribbon>();
  for (const [id, bar] of bars) at.set(id, { out: bar.y, into: bar.y });
  const y = (id: string): number => middleOf(bars.get(id));
  for (const link of picture.links.toSorted((one, other) => y(one.target) - y(other.target) || y(one.source) - y(other.source))) {
    const from = bars.get(link.source);
    const used = at.get(link.source);
    if (from === undefined || used === undefined) continue;
    const thickness = link.known * scale;
    ribbons.set(link.id, { x1: from.x + frame.barWidth, y1: used.out, x2: 0, y2: 0, thickness });
    used.out += thickness;
  }
  for (const link of picture.links.toSorted((one, other) => y(one.source) - y(other.source) || y(one.target) - y(other.target))) {
    const to = bars.get(link.target);
    const used = at.get(link.target);
    const ribbon = ribbons.get(link.id);
    if (to === undefined || used === undefined || ribbon === undefined) continue;
    ribbon.x2 = to.x;
    ribbon.y2 = used.into;
    used.into += ribbon.thickness;
  }
  return ribbons;
}

function middleOf(bar: Bar | undefined): number {
  return bar === undefined ? 0 : bar.y + bar.height / 2;
}

import type { Look } from "@/charts/look";
import { THIN, type Span } from "./painter";
import type { Stop } from "./picture";
import type { Frame, Placed } from "./placing";
import type { Words } from "./scene";

/** A label beside its bar: a name and below it a value. [px] */
export interface Label {
  x: number;
  /** Middle of its two lines. */
  y: number;
  width: number;
  name: string;
  value: string;
  isBold: boolean;
}

const GAP = 5;
const NAME_LINE = 1.25;
const VALUE_LINE = 1.2;
const VALUE_SIZE = 0.9;
const HALO = 3;

/** Labels of all stops; beside the last column there is a margin for them, else the way to the next column. */
export function labelsOf(stops: readonly Stop[], placed: Placed, frame: Frame, margin: number, words: Words): Label[] {
  const last = Math.max(0, ...Array.from(placed.bars.values(), ({ column }) => column));
  const step = last > 0 ? frame.width / last : frame.width;
  return stops.flatMap((stop) => {
    const bar = placed.bars.get(stop.id);
    if (bar === undefined) return [];
    const width = (bar.column === last ? margin : step - frame.barWidth) - 2 * GAP;
    const y = bar.y + Math.max(bar.height, THIN) / 2;
    return [{ x: bar.x + frame.barWidth + GAP, y, width, ...words.label(stop), isBold: stop.canOpen }];
  });
}

/** Paints the labels within a span, each with a halo in the colour of the ground. */
export function paintLabels(context: CanvasRenderingContext2D, labels: readonly Label[], look: Look, span: Span): void {
  const room = look.size * (NAME_LINE + VALUE_LINE);
  const seen = labels.filter(({ y }) => y + room / 2 >= span.top && y - room / 2 <= span.bottom);
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = HALO;
  context.strokeStyle = look.surface;
  context.fillStyle = look.text;
  const write = (font: string, lines: readonly (readonly [Label, string, number])[]): void => {
    context.font = font;
    for (const [{ x, width }, text, y] of lines) {
      const short = shortened(context, font, text, width);
      context.strokeText(short, x, y);
      context.fillText(short, x, y);
    }
  };
  const nameY = (label: Label): number => label.y - room / 2 + (look.size * NAME_LINE) / 2;
  const valueY = (label: Label): number => label.y + room / 2 - (look.size * VALUE_LINE) / 2;
  // All of a font at once: changing it is dear.
  write(`400 ${look.size}px ${look.font}`, seen.filter(({ isBold }) => !isBold).map((label) => [label, label.name, nameY(label)]));
  write(`600 ${look.size}px ${look.font}`, seen.filter(({ isBold }) => isBold).map((label) => [label, label.name, nameY(label)]));
  write(`400 ${look.size * VALUE_SIZE}px ${look.font}`, seen.map((label) => [label, label.value, valueY(label)]));
}

const KNOWN_MAX = 2_000;
const known = new Map<string, string>();

/** A text as far as it has room, with "..." where it goes on. */
function shortened(context: CanvasRenderingContext2D, font: string, text: string, width: number): string {
  const key = `${font}|${Math.round(width)}|${text}`;
  let found = known.get(key);
  if (found === undefined) {
    if (known.size >= KNOWN_MAX) known.clear();
    found = fitting(text, (part) => context.measureText(part).width <= width);
    known.set(key, found);
  }
  return found;
}

/** The longest beginning of a text that fits, found by halving. */
export function fitting(text: string, fits: (part: string) => boolean): string {
  if (fits(text)) return text;
  const letters = [...text];
  let [low, high] = [0, letters.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(`${letters.slice(0, middle).join("")}...`)) low = middle;
    else high = middle - 1;
  }
  return `${letters.slice(0, low).join("").trimEnd()}...`;
}

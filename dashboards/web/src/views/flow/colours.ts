/** Colours by carbon intensity: from none over middling to much, by mixing three colours of the page. */

export type Rgb = readonly [number, number, number];

/** "#aabbcc" or "rgb(…)" as numbers; black for anything else. */
export function rgbOf(text: string): Rgb {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (hex) return [1, 2, 3].map((at) => Number.parseInt(hex[at] ?? "0", 16)) as unknown as Rgb;
  const parts = [...text.matchAll(/\d+(?:\.\d+)?/g)].map(Number);
  return [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0];
}

/** A colour of a scale at a share of its length, 0..1. */
export function mixed(scale: readonly string[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (scale.length - 1);
  const index = Math.min(Math.floor(at), scale.length - 2);
  const [from, to] = [rgbOf(scale[index] ?? ""), rgbOf(scale[index + 1] ?? "")];
  const part = from.map((value, channel) => Math.round(value + ((to[channel] ?? 0) - value) * (at - index)));
  return `rgb(${part.join(", ")})`;
}

/** The end of a scale that holds all values: a round number not much above the largest. */
export function scaleEnd(values: readonly (number | null)[]): number {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  if (largest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 1.5, 2, 3, 5, 7.5, 10].map((times) => times * power).find((end) => end >= largest * (1 - 1e-9)) ?? largest;
}

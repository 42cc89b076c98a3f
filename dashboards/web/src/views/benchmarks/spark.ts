const WIDTH = 100;
const HEIGHT = 24;

type Values = readonly (number | null)[];

/** Paths of values and of what they are compared with, in a box of 100 by 24; a gap is a gap, a lone value a dot. */
export function sparkOf(values: Values, targets: Values): { line: string; target: string } {
  const known = [...values, ...targets].filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value: number): number => (high === low ? HEIGHT / 2 : HEIGHT - ((value - low) / (high - low)) * HEIGHT);
  const x = (index: number): number => (values.length < 2 ? WIDTH / 2 : (index / (values.length - 1)) * WIDTH);
  const path = (of: Values): string =>
    of
      .flatMap((value, index) => {
        if (value === null) return [];
        const isFirst = (of[index - 1] ?? null) === null;
        const isLone = isFirst && (of[index + 1] ?? null) === null;
        return [`${isFirst ? "M" : "L"}${x(index).toFixed(2)} ${y(value).toFixed(2)}${isLone ? "h0.01" : ""}`];
      })
      .join("");
  return { line: path(values), target: path(targets) };
}

/** An age in the two units that say enough of it. [s] */
export interface Age {
  unit: "seconds" | "minutes" | "hours" | "days";
  whole: number;
  /** In the next smaller unit; 0 of seconds. */
  rest: number;
}

const UNITS = [
  ["days", 86_400, 3_600],
  ["hours", 3_600, 60],
  ["minutes", 60, 1],
] as const;

export function ageOf(seconds: number): Age {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [unit, size, smaller] of UNITS) {
    if (whole >= size) return { unit, whole: Math.floor(whole / size), rest: Math.floor((whole % size) / smaller) };
  }
  return { unit: "seconds", whole, rest: 0 };
}

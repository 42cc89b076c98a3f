import type { AlertSilence, Matcher } from "@/api/types";

type Labels = Readonly<Record<string, string>>;

/** Whether labels satisfy every matcher, as the centre sees it: a pattern must match the whole value. */
export function matches(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => {
    const value = labels[matcher.name] ?? "";
    const isFound = matcher.isRegex ? new RegExp(`^(?:${matcher.value})$`, "s").test(value) : matcher.value === value;
    return isFound === matcher.isEqual;
  });
}

/** When the last silence that holds for labels ends; null if none does. */
export function silencedUntil(silences: readonly AlertSilence[], labels: Labels): string | null {
  const ends = silences.filter(({ state, matchers }) => state === "active" && matches(matchers, labels)).map(({ end }) => end);
  return ends.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

/** Matchers of the very alert that has these labels; a worse one has another severity, and is told. */
export function matchersOf(labels: Labels): Matcher[] {
  return Object.entries(labels)
    .filter(([name]) => name !== "tenant")
    .map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));
}

/** `node="kiln"`, as people write it. */
export function written({ name, value, isRegex, isEqual }: Matcher): string {
  return `${name}${isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!="}"${value}"`;
}

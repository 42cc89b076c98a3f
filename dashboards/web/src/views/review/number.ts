/** What a person wrote as a number: null where nothing is, undefined where it is no number. */
export function numberOf(text: string): number | null | undefined {
  const written = text.trim();
  if (written === "") return null;
  if (!/^[-+]?\d+(\.\d+)?$/.test(written)) return undefined;
  return Number(written);
}

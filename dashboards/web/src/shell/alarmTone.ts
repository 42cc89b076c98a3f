import type { AlertEvent } from "@/api/types";

/** A storm of alerts is one tone, not a siren. [ms] */
const APART_MS = 5_000;
const BEEPS = [
  { at: 0, hertz: 880 },
  { at: 0.22, hertz: 660 },
  { at: 0.44, hertz: 880 },
] as const;
const BEEP_S = 0.16;
const LOUDNESS = 0.25;

/** Whether a change is to be heard: a critical alert that fired, and not right after another. */
export function isHeard({ change, severity }: Pick<AlertEvent, "change" | "severity">, now: number, lastAt: number): boolean {
  return change === "fired" && severity === "critical" && now - lastAt >= APART_MS;
}

/** Plays three short beeps, without a file. */
export function playTone(context: AudioContext): void {
  for (const { at, hertz } of BEEPS) {
    const start = context.currentTime + at;
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.frequency.value = hertz;
    // Ramps, because a step is heard as a click.
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    gain.gain.linearRampToValueAtTime(0, start + BEEP_S);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + BEEP_S);
  }
}

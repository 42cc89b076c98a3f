import { shallowRef, type ShallowRef } from "vue";
import type { Bilingual, Grade } from "@/api/types";

/** A number that is shown, and everything that says what it is. */
export interface Subject {
  /** What the view calls it, in the reader's language. */
  label: string;
  /** Line of the nomenclature that it is a value of. */
  quantity: string;
  value: number | null;
  /** As the centre gave it; it is written shorter where that helps. */
  unit: string;
  decimals?: number;
  /** Half-open, RFC 3339 or ms; null for a state of now. */
  start: string | number | null;
  end: string | number | null;
  grade?: Grade | null;
  /** The mark of its grade is not shown beside it, only in the panel. */
  isQuiet?: boolean;
  flags?: readonly string[];
  coveredShare?: number | null;
  readingCount?: number | null;
  /** Why there is no value. */
  reason?: string | null;
  /** How it was formed from what the quantity says, in the view's words. */
  how?: Bilingual | null;
  /** From the open interval, once a second: nothing is stored of it. */
  isLive?: boolean;
  /** What a live value is of: rates of the trailing window (as usual), or sums since the start of the period. */
  liveOf?: "window" | "sum";
  /** Newest reading of a live value (RFC 3339). */
  newestReading?: string | null;
  /** Carriers that went in; factors of others are not shown. */
  carriers?: readonly string[];
  /** Points that went in, for their raw readings. */
  points?: readonly string[];
}

const subject = shallowRef<Subject | null>(null);

export function useExplain(): { subject: ShallowRef<Subject | null>; open(of: Subject): void; close(): void } {
  return {
    subject,
    open: (of) => {
      subject.value = of;
    },
    close: () => {
      subject.value = null;
    },
  };
}

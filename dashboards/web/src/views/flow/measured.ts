/** What all values of a picture have in common. */
export interface Measured {
  unit: string;
  quantity: string;
  /** Half-open period, or the window of live values; RFC 3339 or ms. */
  start: string | number | null;
  end: string | number | null;
  isLive: boolean;
  isStanding: boolean;
}

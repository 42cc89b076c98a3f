import { useI18n } from "vue-i18n";
import { resolved } from "@/charts/palette";
import { MARKS, type ShownMark } from "@/charts/trend";

/** Colours of what is to be said of an interval; their heights and names tell them apart as well. */
export const MARK_TOKENS: Record<ShownMark, string> = {
  estimated: "--carrier-solar",
  uncertain: "--uncertain",
  bad: "--bad",
  missing: "--residual",
  open: "--accent",
};

function each(of: (mark: ShownMark) => string): Record<ShownMark, string> {
  return Object.fromEntries(MARKS.map((mark) => [mark, of(mark)])) as Record<ShownMark, string>;
}

/** Names of marks, and their colours as a canvas needs them, in the theme of the moment. */
export function useMarks(): { names(): Record<ShownMark, string>; colours(): Record<ShownMark, string> } {
  const { t } = useI18n();
  return {
    names: () => each((mark) => t(`trends.marks.${mark}`)),
    colours: () => each((mark) => resolved(MARK_TOKENS[mark])),
  };
}

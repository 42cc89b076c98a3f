/** A painter in a thread of its own: filling hundreds of curves takes a processor longer than a page may be deaf. */
import { painter, type Asked } from "./painting";

const work = painter();

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  const painted = work(data);
  postMessage(painted, { transfer: [painted.bitmap] });
});

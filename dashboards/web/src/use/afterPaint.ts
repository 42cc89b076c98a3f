/**
 * What is dear is done once the page has painted the answer to a press, or whatever asked for it.
 *
 * Asked for again before that, only the newest is done. Nobody sees a hidden tab, so there it waits.
 */
export class AfterPaint {
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  ask(act: () => void): void {
    this.cancel();
    this.frame = requestAnimationFrame(() => {
      this.timer = setTimeout(act);
    });
  }

  cancel(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }
}

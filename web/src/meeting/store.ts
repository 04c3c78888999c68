// A plain object that whoever watches is drawn from, once for each frame in
// which something changed.

export class Store<S extends object> {
  private draw: ((state: S) => void) | undefined;
  private frame = 0;

  constructor(readonly state: S) {}

  /** Has draw called before the next frame, and again after each change. */
  watch(draw: (state: S) => void): void {
    this.draw = draw;
    this.change();
  }

  /** Takes over new values. Without any it tells that something inside the old ones has changed. */
  change(values: Partial<S> = {}): void {
    Object.assign(this.state, values);
    if (!this.draw || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw?.(this.state);
    });
  }

  /** Draws no more. */
  close(): void {
    this.draw = undefined;
    cancelAnimationFrame(this.frame);
  }
}

// Whether something that is done for every frame keeps up.

/** A frame that takes longer than this on average makes video that stutters, in ms: fewer than five a second. */
export const tooLong = 200;

/** Of so many frames in a row. */
export const looked = 20;

export class Pace {
  private readonly took: number[] = [];

  /** Takes how long a frame took, in ms; false when the last ones took too long. */
  keeps(time: number): boolean {
    this.took.push(time);
    if (this.took.length > looked) this.took.shift();
    if (this.took.length < looked) return true;
    return this.took.reduce((sum, t) => sum + t, 0) / looked <= tooLong;
  }
}

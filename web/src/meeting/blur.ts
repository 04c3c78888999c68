// Blurs what is behind a person, frame by frame, between the camera and the
// meeting. A frame that cannot be taken apart is blurred as a whole: the room
// behind somebody is never shown by mistake.

import type { VideoFrameBuffer, VideoFrameProcessor } from 'amazon-chime-sdk-js';
import { Pace } from './pace';
import type { Sdk } from './sdk';
import type { Segmentation } from './segmentation';

/** How much smaller the background is made and then drawn large again: what is smaller than that is gone. */
const coarse = 24;

/** What the segmentation looks at, in px: its model takes no more. */
const seen = { width: 256, height: 144 };

export class BlurProcessor implements VideoFrameProcessor {
  private readonly out = canvas();
  private readonly small = canvas();
  private readonly looked = canvas();
  private readonly person = canvas();
  private readonly buffer: VideoFrameBuffer;
  private readonly pace = new Pace();
  private mask: CanvasImageSource | undefined;
  private fault = '';

  /** failed is told once, why it does not go on: frames are blurred as a whole from then on. */
  constructor(
    sdk: Sdk,
    private readonly segmentation: Segmentation,
    private readonly failed: (why: string) => void,
  ) {
    this.buffer = new sdk.CanvasVideoFrameBuffer(this.out);
    segmentation.onResults((results) => {
      this.mask = results.segmentationMask;
      this.cut();
    });
  }

  async process(buffers: VideoFrameBuffer[]): Promise<VideoFrameBuffer[]> {
    const frame = buffers[0]?.asCanvasElement?.();
    if (!(frame instanceof HTMLCanvasElement) || !frame.width || !frame.height) return [this.buffer];
    const { width, height } = frame;
    for (const c of [this.out, this.person]) fit(c, width, height);
    this.mask = undefined;
    context(this.person).drawImage(frame, 0, 0);
    if (!this.fault) await this.segment(frame);
    this.compose(frame);
    return [this.buffer];
  }

  async destroy(): Promise<void> {
    this.fault ||= 'ended';
    await this.segmentation.close();
  }

  private async segment(frame: HTMLCanvasElement): Promise<void> {
    const began = performance.now();
    fit(this.looked, seen.width, seen.height);
    context(this.looked).drawImage(frame, 0, 0, seen.width, seen.height);
    try {
      await this.segmentation.send({ image: this.looked });
    } catch {
      this.fail('The background cannot be blurred here');
      return;
    }
    if (!this.pace.keeps(performance.now() - began)) this.fail('This device is too slow to blur the background');
  }

  private fail(why: string): void {
    if (this.fault) return;
    this.fault = why;
    this.failed(why);
  }

  /** Leaves of the person's picture what the mask says. */
  private cut(): void {
    if (!this.mask) return;
    const to = context(this.person);
    to.globalCompositeOperation = 'destination-in';
    to.drawImage(this.mask, 0, 0, this.person.width, this.person.height);
    to.globalCompositeOperation = 'source-over';
  }

  /** The background drawn small and large again, and the person over it. */
  private compose(frame: HTMLCanvasElement): void {
    const { width, height } = frame;
    const [w, h] = [Math.max(1, Math.round(width / coarse)), Math.max(1, Math.round(height / coarse))];
    fit(this.small, w, h);
    const small = context(this.small);
    small.imageSmoothingQuality = 'high';
    small.drawImage(frame, 0, 0, w, h);
    const to = context(this.out);
    to.imageSmoothingQuality = 'high';
    to.drawImage(this.small, 0, 0, width, height);
    if (this.mask) to.drawImage(this.person, 0, 0);
  }
}

function canvas(): HTMLCanvasElement {
  return document.createElement('canvas');
}

function fit(c: HTMLCanvasElement, width: number, height: number): void {
  if (c.width !== width) c.width = width;
  if (c.height !== height) c.height = height;
}

function context(c: HTMLCanvasElement): CanvasRenderingContext2D {
  return c.getContext('2d') as CanvasRenderingContext2D;
}

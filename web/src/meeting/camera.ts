// The camera of a call: the device itself, or with its background blurred.

import type { AudioVideoFacade, DefaultVideoTransformDevice, Logger } from 'amazon-chime-sdk-js';
import { BlurProcessor } from './blur';
import type { Sdk } from './sdk';
import { openSegmentation } from './segmentation';

export class Camera {
  private blurred = false;
  private transformed: DefaultVideoTransformDevice | undefined; // while it is in use

  /** failed is told why the background is blurred no longer. */
  constructor(
    private readonly sdk: Sdk,
    private readonly logger: Logger,
    private readonly av: AudioVideoFacade,
    private readonly failed: (why: string) => void,
  ) {}

  /** Whether the next start blurs the background. */
  blur(on: boolean): void {
    this.blurred = on;
  }

  /** Takes a device, and lets go of the one before. */
  async start(id: string): Promise<void> {
    const before = this.transformed;
    this.transformed = this.blurred ? await this.open(id) : undefined;
    await this.av.startVideoInput(this.transformed ?? id);
    await before?.stop();
  }

  async stop(): Promise<void> {
    const before = this.transformed;
    this.transformed = undefined;
    await this.av.stopVideoInput();
    await before?.stop();
  }

  private async open(id: string): Promise<DefaultVideoTransformDevice> {
    const segmentation = await openSegmentation();
    const processor = new BlurProcessor(this.sdk, segmentation, this.failed);
    return new this.sdk.DefaultVideoTransformDevice(this.logger, id, [processor]);
  }
}

// Notices that somebody talks while muted: nobody hears them, and they do not
// know.

import { measure } from './devices';

/** From here on a level, 0 to 1, is somebody talking: -35 dB, louder than a room and a keyboard further off. */
const loud = 0.5;

/** How many of the last second's measurements must be loud; a cough is shorter. */
const enough = 8;
const remembered = 20;

/** How long not to say it again, in ms. */
const rest = 20_000;

/** Tells talk from noise by levels that come twenty times a second. */
export class TalkDetector {
  private last: boolean[] = [];
  private told = Number.NEGATIVE_INFINITY;

  /** Takes a level; true when it is time to say something. */
  talks(level: number, now: number): boolean {
    this.last.push(level > loud);
    if (this.last.length > remembered) this.last.shift();
    if (this.last.filter(Boolean).length < enough || now - this.told < rest) return false;
    this.told = now;
    this.last = [];
    return true;
  }
}

/** Listens to the microphone while it is muted. */
export class MutedTalk {
  private readonly detector = new TalkDetector();
  private stop: (() => void) | undefined;
  private turn = 0;

  /** input gives the microphone's stream, of which a copy is listened to. */
  constructor(
    private readonly input: () => Promise<MediaStream>,
    private readonly tell: () => void,
  ) {}

  /** Begins to listen, or ends. */
  async listen(on: boolean): Promise<void> {
    const turn = ++this.turn;
    this.stop?.();
    this.stop = undefined;
    if (!on) return;
    const stream = await this.input().catch(() => undefined);
    const track = stream?.getAudioTracks()[0]?.clone();
    if (!track) return;
    if (turn !== this.turn) {
      track.stop();
      return;
    }
    track.enabled = true; // the original is not
    const end = measure(track, (level) => {
      if (this.detector.talks(level, performance.now())) this.tell();
    });
    this.stop = () => {
      end();
      track.stop();
    };
  }
}

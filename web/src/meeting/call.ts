// A person's place in a meeting: the SDK's session with what is known of
// everybody in it. It knows nothing of how it is drawn.

import type { AudioVideoFacade, DataMessage, MeetingSession, VideoTileState } from 'amazon-chime-sdk-js';
import { isContent, nameOf, personOf } from '../ui/names';
import type { Seat } from './backend';
import type { Choice } from './devices';
import type { Sdk } from './sdk';

export interface Person {
  id: string;
  name: string;
  self: boolean;
  muted: boolean;
  /** 0 to 1. */
  volume: number;
  /** 0, 0.5 or 1; 1 when not known. */
  signal: number;
  speaking: boolean;
  /** When they last were the loudest, by performance.now(); 0 for never. */
  spoke: number;
  /** Order of arrival. */
  order: number;
}

export interface Tile {
  id: number;
  person: string;
  content: boolean;
  local: boolean;
  paused: boolean;
}

export interface Message {
  from: string;
  name: string;
  self: boolean;
  text: string;
  at: number;
}

export interface Quality {
  /** Share of audio packets lost on the way here, in percent; undefined when not known. */
  lossPercent: number | undefined;
  roundTripMs: number | undefined;
  /** 0 to 3 bars. */
  bars: number;
}

export type Phase = 'connecting' | 'connected' | 'reconnecting';

/** What a call tells the page. Everything else is read from the call. */
export interface Watcher {
  phase(phase: Phase): void;
  /** People came, left, were renamed or (un)muted, or the speaker changed. */
  people(): void;
  arrived(person: Person): void;
  departed(person: Person, dropped: boolean): void;
  /** Only volumes changed; called up to five times a second. */
  volumes(): void;
  tiles(): void;
  message(message: Message): void;
  throttled(): void;
  quality(quality: Quality): void;
  /** The server does not take this person's camera any more. */
  cameraRefused(): void;
  sharing(on: boolean): void;
  stopped(statusCode: number): void;
}

const chatTopic = 'chat';
const chatLifetimeMs = 300_000;

/** Bytes a chat message may have on the wire. */
export const chatLimit = 2048;

export class Call {
  readonly people = new Map<string, Person>();
  readonly tiles = new Map<number, Tile>();
  readonly selfId: string;
  readonly selfName: string;
  micOn = false;
  cameraOn = false;
  sharing = false;

  private readonly session: MeetingSession;
  private readonly av: AudioVideoFacade;
  private arrivals = 0;
  private poor = false;
  private quality: Quality = { lossPercent: undefined, roundTripMs: undefined, bars: 3 };
  private over = false;

  constructor(
    private readonly sdk: Sdk,
    seat: Seat,
    private readonly devices: Choice,
    private readonly watcher: Watcher,
  ) {
    const logger = new sdk.ConsoleLogger('carillon', sdk.LogLevel.WARN);
    const configuration = new sdk.MeetingSessionConfiguration(seat.meeting, seat.attendee);
    this.session = new sdk.DefaultMeetingSession(configuration, logger, new sdk.DefaultDeviceController(logger));
    this.av = this.session.audioVideo;
    this.selfId = seat.attendee.AttendeeId;
    this.selfName = nameOf(String(seat.attendee.ExternalUserId ?? ''));
    this.subscribe();
  }

  /** Connects. Whether it worked is told to the watcher. */
  async start(speaker: HTMLAudioElement, micOn: boolean, cameraOn: boolean): Promise<void> {
    await this.useMicrophone(this.devices.microphone).catch(() => undefined); // listening works without
    if (!micOn || !this.hasMicrophone) this.av.realtimeMuteLocalAudio();
    this.micOn = micOn && this.hasMicrophone;
    if (this.devices.speaker) await this.av.chooseAudioOutput(this.devices.speaker).catch(() => undefined);
    await this.av.bindAudioElement(speaker).catch(() => undefined);
    if (this.over) return;
    this.av.start();
    if (cameraOn) await this.setCamera(true).catch(() => undefined);
  }

  /** Leaves; the watcher hears of it as of any other end. */
  leave(): void {
    this.av.stop();
  }

  /** Releases devices and everything else, after the end. */
  async close(): Promise<void> {
    this.over = true;
    this.av.unbindAudioElement();
    await Promise.allSettled([this.av.stopVideoInput(), this.av.stopAudioInput()]);
    await this.session.deviceController.destroy?.();
  }

  hasMicrophone = false;

  async useMicrophone(id: string): Promise<void> {
    const first = id || (await this.av.listAudioInputDevices())[0]?.deviceId;
    if (!first) return;
    await this.av.startAudioInput(first);
    this.devices.microphone = first;
    this.hasMicrophone = true;
  }

  async useSpeaker(id: string): Promise<void> {
    await this.av.chooseAudioOutput(id);
    this.devices.speaker = id;
  }

  async useCamera(id: string): Promise<void> {
    this.devices.camera = id;
    if (this.cameraOn) await this.av.startVideoInput(id);
  }

  get chosen(): Choice {
    return { ...this.devices };
  }

  setMicrophone(on: boolean): void {
    if (on) this.av.realtimeUnmuteLocalAudio();
    else this.av.realtimeMuteLocalAudio();
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on) {
      this.av.stopLocalVideoTile();
      await this.av.stopVideoInput();
      this.cameraOn = false;
      return;
    }
    const id = this.devices.camera || (await this.av.listVideoInputDevices())[0]?.deviceId;
    if (!id) throw new DOMException('', 'NotFoundError');
    await this.av.startVideoInput(id);
    this.devices.camera = id;
    this.av.startLocalVideoTile();
    this.cameraOn = true;
  }

  async setSharing(on: boolean): Promise<void> {
    if (on) await this.av.startContentShareFromScreenCapture(undefined, 15);
    else this.av.stopContentShare();
  }

  /** Sends a chat message and shows it here too; the server does not echo it. */
  send(text: string): void {
    this.av.realtimeSendDataMessage(chatTopic, text, chatLifetimeMs);
    this.watcher.message({ from: this.selfId, name: this.selfName, self: true, text, at: Date.now() });
  }

  show(tile: number, element: HTMLVideoElement): void {
    this.av.bindVideoElement(tile, element);
  }

  private subscribe(): void {
    const av = this.av;
    // The speaker detector has to be there before the roster is.
    av.subscribeToActiveSpeakerDetector(new this.sdk.DefaultActiveSpeakerPolicy(), (ids) => this.speakers(ids));
    av.realtimeSubscribeToAttendeeIdPresence((id, present, external, dropped) =>
      this.presence(id, present, external ?? id, dropped ?? false),
    );
    av.realtimeSubscribeToMuteAndUnmuteLocalAudio((muted) => {
      this.micOn = !muted;
      this.watcher.people();
    });
    av.realtimeSubscribeToReceiveDataMessage(chatTopic, (message) => this.received(message));
    av.realtimeSubscribeToLocalSignalStrengthChange((strength) => {
      this.changeQuality({ bars: this.barsFor(strength) });
    });
    av.realtimeSubscribeToFatalError(() => this.watcher.stopped(this.sdk.MeetingSessionStatusCode.RealtimeApiFailed));
    av.addObserver({
      audioVideoDidStartConnecting: (reconnecting) => this.watcher.phase(reconnecting ? 'reconnecting' : 'connecting'),
      audioVideoDidStart: () => this.watcher.phase('connected'),
      audioVideoDidStop: (status) => this.watcher.stopped(status.statusCode()),
      videoTileDidUpdate: (state) => this.tileChanged(state),
      videoTileWasRemoved: (id) => {
        this.tiles.delete(id);
        this.watcher.tiles();
      },
      videoSendDidBecomeUnavailable: () => {
        this.cameraOn = false;
        void av.stopVideoInput();
        this.watcher.cameraRefused();
      },
      connectionDidBecomePoor: () => this.becamePoor(true),
      connectionDidBecomeGood: () => this.becamePoor(false),
      metricsDidReceive: (report) => {
        const metrics = report.getObservableMetrics();
        this.changeQuality({
          lossPercent: finite(metrics.audioPacketLossPercent),
          roundTripMs: finite(metrics.currentRoundTripTimeMs),
        });
      },
    });
    av.addContentShareObserver({
      contentShareDidStart: () => this.shareChanged(true),
      contentShareDidStop: () => this.shareChanged(false),
    });
  }

  private presence(id: string, present: boolean, external: string, dropped: boolean): void {
    if (isContent(id)) return;
    const known = this.people.get(id);
    if (!present) {
      if (!known) return;
      this.people.delete(id);
      this.av.realtimeUnsubscribeFromVolumeIndicator(id);
      this.watcher.departed(known, dropped);
      this.watcher.people();
      return;
    }
    if (known) return;
    const person: Person = {
      id,
      name: nameOf(external),
      self: id === this.selfId,
      muted: false,
      volume: 0,
      signal: 1,
      speaking: false,
      spoke: 0,
      order: this.arrivals++,
    };
    this.people.set(id, person);
    this.av.realtimeSubscribeToVolumeIndicator(id, (_id, volume, muted, signal) =>
      this.volume(person, volume, muted, signal),
    );
    this.watcher.arrived(person);
    this.watcher.people();
  }

  // The SDK reports null for what did not change.
  private volume(person: Person, volume: number | null, muted: boolean | null, signal: number | null): void {
    let more = false;
    if (muted !== null && muted !== person.muted) {
      person.muted = muted;
      more = true;
    }
    if (signal !== null && signal !== person.signal) {
      person.signal = signal;
      more = true;
    }
    if (volume !== null) person.volume = volume;
    if (more) this.watcher.people();
    else this.watcher.volumes();
  }

  private speakers(ids: string[]): void {
    const first = ids[0];
    for (const person of this.people.values()) {
      person.speaking = ids.includes(person.id);
      if (person.id === first) person.spoke = performance.now();
    }
    this.watcher.people();
  }

  private tileChanged(state: VideoTileState): void {
    if (state.tileId === null || !state.boundAttendeeId) return;
    if (state.localTile && !state.active && !state.boundVideoStream) {
      this.tiles.delete(state.tileId);
    } else {
      this.tiles.set(state.tileId, {
        id: state.tileId,
        person: personOf(state.boundAttendeeId),
        content: state.isContent,
        local: state.localTile,
        paused: state.paused,
      });
    }
    this.watcher.tiles();
  }

  private received(message: DataMessage): void {
    if (message.throttled) {
      this.watcher.throttled();
      return;
    }
    this.watcher.message({
      from: message.senderAttendeeId,
      name: nameOf(message.senderExternalUserId),
      self: message.senderAttendeeId === this.selfId,
      text: message.text(),
      at: message.timestampMs,
    });
  }

  private shareChanged(on: boolean): void {
    this.sharing = on;
    this.watcher.sharing(on);
  }

  private becamePoor(poor: boolean): void {
    this.poor = poor;
    this.changeQuality({ bars: poor ? 1 : 3 });
  }

  private barsFor(strength: number): number {
    if (strength <= 0) return 0;
    if (strength < 1 || this.poor) return 1;
    return 3;
  }

  private changeQuality(change: Partial<Quality>): void {
    const next = { ...this.quality, ...change };
    // Loss is felt from about two percent on, even while the line is fine.
    if (next.bars === 3 && (next.lossPercent ?? 0) >= 2) next.bars = 2;
    else if (next.bars === 2 && (next.lossPercent ?? 0) < 1) next.bars = 3;
    this.quality = next;
    this.watcher.quality(next);
  }
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

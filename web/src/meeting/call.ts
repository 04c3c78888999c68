// A person's place in a meeting: the SDK's session, and what is known of it kept
// in the store. It knows nothing of how it is drawn.

import type {
  AudioVideoFacade,
  AudioVideoObserver,
  DataMessage,
  MeetingSession,
  MeetingSessionConfiguration,
  VideoTileState,
} from 'amazon-chime-sdk-js';
import { nameOf, personOf } from '../ui/names';
import { Attendance } from './attendance';
import type { Seat } from './backend';
import { Camera } from './camera';
import { heard } from './captions';
import { codes } from './codes';
import { JoinDeadline, opens } from './deadline';
import { type Choice, findDevice, listDevices } from './devices';
import type { Phase } from './line';
import { LineWatch } from './linewatch';
import { MutedTalk } from './mutedtalk';
import { RightsWatch } from './rights';
import type { Sdk } from './sdk';
import { Signals } from './signals';
import type { Message, Rights, RoomStore } from './state';
import { type Course, explainDevice } from './words';

/** What happens in a call and is no state. */
export interface CallEvents {
  /** Something to be announced. */
  say(text: string): void;
  /** The call is over, with the SDK's status code and how far it had come; told once. */
  over(code: number, course: Course): void;
}

/** How long leaving may take, in ms. */
const leaveWithin = 2000;

const chatTopic = 'chat';
const chatLifetimeMs = 300_000;

/** Bytes a chat message may have on the wire. */
export const chatLimit = 2048;

export class Call {
  readonly selfId: string;
  /** Raised hands and reactions. */
  readonly signals: Signals;

  private readonly configuration: MeetingSessionConfiguration;
  private readonly session: MeetingSession;
  private readonly av: AudioVideoFacade;
  private readonly camera: Camera;
  private readonly line: LineWatch;
  private readonly rights: RightsWatch;
  private readonly mutedTalk: MutedTalk;
  private readonly selfName: string;
  private deadline: JoinDeadline | undefined;
  private joined = false;
  private ended = false;

  constructor(
    private readonly sdk: Sdk,
    seat: Seat,
    private readonly devices: Choice,
    private readonly store: RoomStore,
    private readonly events: CallEvents,
  ) {
    const logger = new sdk.ConsoleLogger('carillon', sdk.LogLevel.WARN);
    this.configuration = new sdk.MeetingSessionConfiguration(seat.meeting, seat.attendee);
    const controller = new sdk.DefaultDeviceController(logger);
    this.session = new sdk.DefaultMeetingSession(this.configuration, logger, controller);
    this.av = this.session.audioVideo;
    this.camera = new Camera(sdk, logger, this.av, (why) => void this.unblurred(why));
    this.selfId = seat.attendee.AttendeeId;
    this.selfName = nameOf(seat.attendee.ExternalUserId ?? '');
    new Attendance(sdk, this.av, this.selfId, store, events.say);
    this.signals = new Signals(this.av, this.selfId, store, events.say);
    this.mutedTalk = new MutedTalk(
      () => controller.acquireAudioInputStream(),
      () => store.change({ notice: 'You are muted: nobody hears you.' }),
    );
    this.subscribe();
    this.line = new LineWatch(this.av, store);
    this.rights = new RightsWatch(seat, (rights) => this.entitled(rights));
  }

  /** Connects. Whether it worked is seen in the store. */
  async start(speaker: HTMLAudioElement, micOn: boolean, cameraOn: boolean): Promise<void> {
    try {
      await this.useMicrophone(this.devices.microphone).catch((error: unknown) => {
        if (micOn) this.fault(error, 'microphone'); // listening works without
      });
      const heard = micOn && this.store.state.hasMicrophone;
      if (!heard) this.av.realtimeMuteLocalAudio();
      this.store.change({ micOn: heard });
      if (this.devices.speaker) await this.av.chooseAudioOutput(this.devices.speaker).catch(() => undefined);
      await this.av.bindAudioElement(speaker).catch(() => undefined);
      if (this.ended) return;
      this.deadline = new JoinDeadline(
        this.store,
        () => this.line.proven,
        () => this.socketOpens(),
        (code) => this.giveUp(code),
      );
      this.av.start();
      if (cameraOn && this.store.state.rights.camera) {
        await this.setCamera(true).catch((error: unknown) => this.fault(error, 'camera'));
      }
    } catch {
      this.over(codes.RealtimeApiFailed);
    }
  }

  /** Leaves. The SDK waits long for a server that does not answer; the person need not. */
  leave(): void {
    this.av.stop();
    const { phase, line } = this.store.state;
    if (phase !== 'connected' || line.bars === 0) this.over(codes.Left);
    else window.setTimeout(() => this.over(codes.Left), leaveWithin);
  }

  /** Says why a device that is wanted cannot be used. */
  private fault(error: unknown, what: string): void {
    this.store.change({ notice: explainDevice(error, what) });
  }

  /** Whether a connection like the session's own opens; joining is what takes the seat, and this does not. */
  private socketOpens(): Promise<boolean> {
    const { signalingURL } = this.configuration.urls ?? {};
    const { joinToken } = this.configuration.credentials ?? {};
    if (!signalingURL || !joinToken) return Promise.resolve(false);
    const request = new this.sdk.SignalingClientConnectionRequest(signalingURL, joinToken);
    return opens(request.url(), request.protocols());
  }

  /** Ends a joining that got nowhere. */
  private giveUp(code: number): void {
    this.over(code);
    this.av.stop();
  }

  /** Releases devices and everything else, and returns the devices that were in use. */
  close(): Choice {
    this.ended = true;
    this.line.close();
    this.rights.close();
    this.signals.close();
    this.deadline?.clear();
    void this.mutedTalk.listen(false);
    void this.release();
    return { ...this.devices };
  }

  get chosen(): Choice {
    return { ...this.devices };
  }

  async useMicrophone(id: string): Promise<void> {
    const device = await findDevice('audio', id);
    await this.av.startAudioInput(device);
    this.devices.microphone = device;
    this.store.change({ hasMicrophone: true });
    this.listenWhileMuted();
  }

  async useSpeaker(id: string): Promise<void> {
    await this.av.chooseAudioOutput(id);
    this.devices.speaker = id;
  }

  async useCamera(id: string): Promise<void> {
    this.devices.camera = id;
    if (this.store.state.cameraOn) await this.camera.start(id);
  }

  /** Blurs what is behind the person, or shows it again. */
  async setBlur(on: boolean): Promise<void> {
    this.camera.blur(on);
    this.store.change({ blur: on ? 'starting' : 'off' });
    try {
      if (this.store.state.cameraOn) await this.camera.start(this.devices.camera);
      if (on) this.store.change({ blur: 'on' });
    } catch {
      await this.unblurred('The background cannot be blurred here');
    }
  }

  /** Takes the camera after the one in use, as those of a phone are switched. */
  async nextCamera(): Promise<void> {
    const { cameras: all } = await listDevices();
    const at = all.findIndex((device) => device.deviceId === this.devices.camera);
    const next = all[(at + 1) % all.length];
    if (next) await this.useCamera(next.deviceId);
  }

  /** Mutes, or lets the others hear the microphone, for which it may first have to be had. */
  async setMicrophone(on: boolean): Promise<void> {
    if (on && !this.store.state.hasMicrophone) await this.useMicrophone(this.devices.microphone);
    if (on) this.av.realtimeUnmuteLocalAudio();
    else this.av.realtimeMuteLocalAudio();
  }

  async setCamera(on: boolean): Promise<void> {
    if (!on) {
      this.av.stopLocalVideoTile();
      await this.camera.stop();
      this.store.change({ cameraOn: false });
      return;
    }
    const device = await findDevice('video', this.devices.camera);
    await this.camera.start(device);
    this.devices.camera = device;
    this.av.startLocalVideoTile();
    const { cameras } = await listDevices();
    this.store.change({ cameraOn: true, cameras: cameras.length });
  }

  async setSharing(on: boolean): Promise<void> {
    if (on) await this.av.startContentShareFromScreenCapture(undefined, 15);
    else this.av.stopContentShare();
  }

  /** Sends a chat message and shows it here too, as the server does not echo it; false when there is no line to send it on. */
  send(text: string): boolean {
    if (this.store.state.line.bars === 0) return false;
    this.av.realtimeSendDataMessage(chatTopic, text, chatLifetimeMs);
    this.message({ from: this.selfId, name: this.selfName, self: true, text, at: Date.now() });
    return true;
  }

  show(tile: number, element: HTMLVideoElement): void {
    this.av.bindVideoElement(tile, element);
  }

  private subscribe(): void {
    const av = this.av;
    av.realtimeSubscribeToMuteAndUnmuteLocalAudio((muted) => {
      this.store.change({ micOn: !muted });
      this.listenWhileMuted();
    });
    av.transcriptionController?.subscribeToTranscriptEvent((event) => {
      this.store.change({ captions: heard(this.store.state.captions, event, performance.now()) });
    });
    av.realtimeSubscribeToReceiveDataMessage(chatTopic, (message) => this.received(message));
    av.realtimeSubscribeToFatalError(() => this.over(codes.RealtimeApiFailed));
    av.addObserver(this.observer());
    av.addContentShareObserver({
      contentShareDidStart: () => this.shared(true),
      contentShareDidStop: () => this.shared(false),
    });
  }

  private observer(): AudioVideoObserver {
    return {
      audioVideoDidStartConnecting: (again) => this.enter(again ? 'reconnecting' : 'connecting'),
      audioVideoDidStart: () => {
        this.enter('connected');
        this.events.say('You are in the meeting');
      },
      audioVideoDidStop: (status) => this.over(status.statusCode()),
      videoTileDidUpdate: (state) => this.tileChanged(state),
      videoTileWasRemoved: (id) => {
        this.store.state.tiles.delete(id);
        this.store.change();
      },
      videoSendDidBecomeUnavailable: () => void this.cameraRefused(),
    };
  }

  /** Only a mute of one's own: whom an operator has muted sees that anyway. */
  private listenWhileMuted(): void {
    const { micOn, hasMicrophone, rights } = this.store.state;
    void this.mutedTalk.listen(!micOn && hasMicrophone && rights.speak && !this.ended);
  }

  private enter(phase: Phase): void {
    if (phase === 'connected') {
      this.deadline?.clear();
      this.joined = true;
    }
    this.store.change({ phase, since: performance.now() });
  }

  private over(code: number): void {
    if (this.ended) return;
    this.ended = true;
    this.events.over(code, { joined: this.joined, host: hostOf(this.configuration.urls?.signalingURL) });
  }

  private async release(): Promise<void> {
    this.av.unbindAudioElement();
    if (this.store.state.sharing) this.av.stopContentShare(); // a server that is away would not end it
    await Promise.allSettled([this.camera.stop(), this.av.stopAudioInput()]);
    await this.session.deviceController.destroy?.();
  }

  /** Takes over what this person may do, and says what has changed. */
  private entitled(rights: Rights): void {
    const before = this.store.state.rights;
    this.store.change({ rights });
    this.listenWhileMuted();
    if (before.speak !== rights.speak)
      this.events.say(rights.speak ? 'You may speak again' : 'An operator has muted you');
  }

  private async cameraRefused(): Promise<void> {
    this.store.change({ cameraOn: false });
    void this.camera.stop();
    await this.rights.ask(); // an operator's doing, or for want of room?
    if (!this.store.state.rights.camera) return; // then the button says so
    this.store.change({ notice: 'The meeting takes no more cameras now, so yours was switched off.' });
  }

  /** Without the blur nobody has agreed to be seen: the camera is off then. */
  private async unblurred(why: string): Promise<void> {
    if (this.store.state.blur === 'off') return;
    this.camera.blur(false);
    this.store.change({ blur: 'off', notice: `${why}, so your video was stopped. Start it again to be seen without.` });
    await this.setCamera(false);
  }

  private shared(sharing: boolean): void {
    this.store.change({ sharing });
    this.events.say(sharing ? 'You are sharing your screen' : 'You stopped sharing');
  }

  private tileChanged(state: VideoTileState): void {
    if (state.tileId === null || !state.boundAttendeeId) return;
    const { tiles } = this.store.state;
    if (state.localTile && !state.active && !state.boundVideoStream) {
      tiles.delete(state.tileId);
    } else {
      tiles.set(state.tileId, {
        id: state.tileId,
        person: personOf(state.boundAttendeeId),
        content: state.isContent,
        local: state.localTile,
        paused: state.paused,
      });
    }
    this.store.change();
  }

  private received(message: DataMessage): void {
    if (message.throttled) {
      this.store.change({ throttled: true });
      return;
    }
    this.message({
      from: message.senderAttendeeId,
      name: nameOf(message.senderExternalUserId),
      self: message.senderAttendeeId === this.selfId,
      text: message.text(),
      at: message.timestampMs,
    });
  }

  private message(message: Message): void {
    const { messages, panel } = this.store.state;
    messages.push(message);
    this.store.change(message.self ? { throttled: false } : {});
    if (!message.self && panel !== 'chat') this.events.say(`Message from ${message.name}: ${message.text}`);
  }
}

/** The host of an address; the whole of it when it is none. */
function hostOf(address: string | null | undefined): string {
  return address && URL.canParse(address) ? new URL(address).host : String(address);
}

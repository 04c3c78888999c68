// The page under test: a thin wrapper around the unmodified client that keeps
// what the client itself reports, so that a test can wait for it and assert on
// it. Nothing here knows anything of the server.
//
// It runs with every version of the client from 1.13 on. What differs between
// them is in `startAudio` and `startVideo`, and old ones lack some options.
import * as chime from 'amazon-chime-sdk-js';
import { audioContext, clapperStream, levels, newAnalyser, pictureStream, stereoStream, toneStream } from './streams.js';

/** A transcript's result as the client gives it, without what tests do not look at. */
function readable({ resultId, isPartial, alternatives: [{ transcript, items }] }) {
  const words = items.map(i => ({ text: i.content, attendee: i.attendee.attendeeId, start: i.startTimeMs, end: i.endTimeMs }));
  return { id: resultId, partial: isPartial, text: transcript, attendee: words[0].attendee, external: items[0].attendee.externalUserId, words };
}

class Attendee {
  constructor() {
    this.events = [];
    this.tiles = new Map();
    this.roster = new Map();
    this.volumes = new Map();
    this.messages = [];
    this.transcripts = [];
    this.speakers = [];
    this.loudest = new Map();
  }

  note(name, detail = {}) {
    this.events.push({ name, at: performance.now(), ...detail });
  }

  async join({ meeting, attendee, tone = 0, stereo = null, options = {} }) {
    this.attendeeId = attendee.AttendeeId;
    const logger = new chime.ConsoleLogger('client', chime.LogLevel[options.logLevel ?? 'WARN']);
    const configuration = new chime.MeetingSessionConfiguration({ Meeting: meeting }, { Attendee: attendee });
    Object.assign(configuration, options.configuration ?? {});
    if (options.simulcast) configuration.enableSimulcastForUnifiedPlanChromiumBasedBrowsers = true;
    if (options.svc) configuration.enableSVC = true;
    if (options.priority) {
      this.policy = new chime.VideoPriorityBasedPolicy(logger);
      configuration.videoDownlinkBandwidthPolicy = this.policy;
    }
    const devices = new chime.DefaultDeviceController(logger, { enableWebAudio: false });
    this.session = new chime.DefaultMeetingSession(configuration, logger, devices);
    this.av = this.session.audioVideo;
    this.observe();
    if (options.codec) this.av.setVideoCodecSendPreferences([chime.VideoCodecCapability[options.codec]()]);
    if (options.audioProfile) this.av.setAudioProfile(chime.AudioProfile[options.audioProfile]());
    if (options.contentAudioProfile) this.av.setContentAudioProfile(chime.AudioProfile[options.contentAudioProfile]());
    if (options.noRedundancy) this.av.setAudioProfile(new chime.AudioProfile(undefined, false));
    this.audio = document.createElement('audio');
    this.audio.autoplay = true;
    document.body.append(this.audio);
    await this.av.bindAudioElement(this.audio);
    if (tone) {
      this.tone = toneStream(tone, options.volume);
      await this.startAudio(this.tone.stream);
    }
    if (options.clapper) {
      this.clapper = clapperStream(640, 360, 30);
      await this.startAudio(this.clapper.sound);
    }
    if (stereo) await this.startAudio(stereoStream(...stereo));
    if (options.microphone) {
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      await this.startAudio(await navigator.mediaDevices.getUserMedia({ audio: plain }));
    }
    // Firefox gathers the default route's candidates only, unless the page captures.
    if (options.capture) this.captured = await navigator.mediaDevices.getUserMedia({ audio: true });
    await audioContext.resume();
    this.note('start');
    this.av.start(options.start);
  }

  /** Gives the client a microphone; before version 3 that was called choosing a device. */
  startAudio(stream) {
    return this.av.startAudioInput ? this.av.startAudioInput(stream) : this.av.chooseAudioInputDevice(stream);
  }

  /** Gives the client a camera. */
  startVideo(stream) {
    return this.av.startVideoInput ? this.av.startVideoInput(stream) : this.av.chooseVideoInputDevice(stream);
  }

  /** Asks the client's readiness checker; returns the names of its answers. */
  async checkConnectivity({ meeting, attendee }) {
    const logger = new chime.ConsoleLogger('client', chime.LogLevel.WARN);
    const configuration = new chime.MeetingSessionConfiguration({ Meeting: meeting }, { Attendee: attendee });
    const session = new chime.DefaultMeetingSession(configuration, logger, new chime.DefaultDeviceController(logger, { enableWebAudio: false }));
    const checker = new chime.DefaultMeetingReadinessChecker(logger, session);
    return {
      udp: chime.CheckNetworkUDPConnectivityFeedback[await checker.checkNetworkUDPConnectivity()],
      tcp: chime.CheckNetworkTCPConnectivityFeedback[await checker.checkNetworkTCPConnectivity()],
    };
  }

  observe() {
    const av = this.av;
    av.addObserver({
      audioVideoDidStart: () => this.note('didStart'),
      audioVideoDidStartConnecting: reconnecting => this.note('connecting', { reconnecting }),
      audioVideoDidStop: status => this.note('didStop', { code: chime.MeetingSessionStatusCode[status.statusCode()] }),
      videoTileDidUpdate: tile => this.tileChanged(tile),
      videoTileWasRemoved: id => this.tileRemoved(id),
      videoSendDidBecomeUnavailable: () => this.note('videoSendUnavailable'),
      videoAvailabilityDidChange: a => this.note('videoAvailability', { canStart: a.canStartLocalVideo }),
      connectionDidBecomePoor: () => this.note('poor'),
      connectionDidSuggestStopVideo: () => this.note('suggestStopVideo'),
      remoteVideoSourcesDidChange: sources => {
        this.sources = sources.map(s => s.attendee.attendeeId);
        this.note('sources', { sources: this.sources });
      },
      audioVideoWasDemotedFromPrimaryMeeting: status => this.note('demoted', { code: chime.MeetingSessionStatusCode[status.statusCode()] }),
      tileWillBePausedByDownlinkPolicy: id => this.note('tilePaused', { id }),
      tileWillBeUnpausedByDownlinkPolicy: id => this.note('tileUnpaused', { id }),
    });
    av.addContentShareObserver({
      contentShareDidStart: () => this.note('contentStart'),
      contentShareDidStop: () => this.note('contentStop'),
    });
    av.realtimeSubscribeToAttendeeIdPresence((id, present, externalUserId, dropped) => {
      if (present) this.roster.set(id, { externalUserId, muted: null });
      else this.roster.delete(id);
      this.note('presence', { id, present, externalUserId, dropped });
      if (present) this.followVolume(id);
      else av.realtimeUnsubscribeFromVolumeIndicator(id);
    });
    av.realtimeSubscribeToReceiveDataMessage('chat', m =>
      this.messages.push({ text: m.text(), from: m.senderAttendeeId, external: m.senderExternalUserId, throttled: m.throttled, at: m.timestampMs })
    );
    av.transcriptionController?.subscribeToTranscriptEvent(e => {
      if (e instanceof chime.TranscriptionStatus) this.note('transcription', { type: e.type, region: e.transcriptionRegion, message: e.message ?? null });
      else e.results?.forEach(r => this.transcripts.push(readable(r)));
    });
    av.subscribeToActiveSpeakerDetector(new chime.DefaultActiveSpeakerPolicy(), ids => (this.speakers = ids));
    av.realtimeSubscribeToLocalSignalStrengthChange(s => (this.ownSignal = s));
  }

  followVolume(id) {
    this.av.realtimeSubscribeToVolumeIndicator(id, (_, volume, muted, signal) => {
      const seen = this.volumes.get(id) ?? {};
      if (volume !== null) {
        seen.volume = volume;
        this.loudest.set(id, Math.max(this.loudest.get(id) ?? 0, volume));
      }
      if (muted !== null) seen.muted = muted;
      if (signal !== null) seen.signal = signal;
      this.volumes.set(id, seen);
    });
  }

  tileChanged(tile) {
    let entry = this.tiles.get(tile.tileId);
    if (!entry) {
      const element = document.createElement('video');
      element.autoplay = true;
      element.muted = true;
      element.width = 320;
      document.body.append(element);
      entry = { element, frames: 0 };
      const count = () => {
        entry.frames += 1;
        element.requestVideoFrameCallback(count);
      };
      element.requestVideoFrameCallback(count);
      this.tiles.set(tile.tileId, entry);
    }
    Object.assign(entry, {
      attendeeId: tile.boundAttendeeId,
      externalUserId: tile.boundExternalUserId,
      local: tile.localTile,
      content: tile.isContent,
      active: tile.active,
      paused: tile.paused,
      width: tile.videoStreamContentWidth,
    });
    this.av.bindVideoElement(tile.tileId, entry.element);
  }

  tileRemoved(id) {
    this.tiles.get(id)?.element.remove();
    this.tiles.delete(id);
    this.note('tileRemoved', { id });
  }

  async startCamera({ width = 640, height = 360, fps = 15, hue = 200, maxKbps = 0, restless = false } = {}) {
    if (maxKbps) this.av.setVideoMaxBandwidthKbps(maxKbps);
    await this.startVideo(pictureStream(width, height, fps, hue, restless));
    this.av.startLocalVideoTile();
  }

  /** Shows the picture that goes with the clicks of `join`'s option clapper. */
  async startClapper() {
    await this.startVideo(this.clapper.picture);
    this.av.startLocalVideoTile();
  }

  async stopCamera() {
    this.av.stopLocalVideoTile();
    await (this.av.stopVideoInput ? this.av.stopVideoInput() : this.av.chooseVideoInputDevice(null));
  }

  async startContent({ width = 800, height = 600, fps = 10, tone = 0, stereo = null, codec = '' } = {}) {
    if (codec) this.av.setContentShareVideoCodecPreferences([chime.VideoCodecCapability[codec]()]);
    const stream = pictureStream(width, height, fps, 30);
    if (tone) toneStream(tone).stream.getAudioTracks().forEach(t => stream.addTrack(t));
    if (stereo) stereoStream(...stereo).getAudioTracks().forEach(t => stream.addTrack(t));
    await this.av.startContentShare(stream);
  }

  /** Takes part in the primary meeting; returns the name of the status code. */
  async promote({ AttendeeId, ExternalUserId, JoinToken }) {
    const credentials = Object.assign(new chime.MeetingSessionCredentials(), { attendeeId: AttendeeId, externalUserId: ExternalUserId, joinToken: JoinToken });
    return chime.MeetingSessionStatusCode[(await this.av.promoteToPrimaryMeeting(credentials)).statusCode()];
  }

  stopContent() {
    this.av.stopContentShare();
  }

  /** Frames shown so far of each remote tile, keyed by attendee id. */
  async pictures() {
    const result = {};
    for (const tile of this.tiles.values()) {
      if (tile.local || !tile.attendeeId) continue;
      result[tile.attendeeId] = {
        frames: tile.frames,
        width: tile.element.videoWidth,
        height: tile.element.videoHeight,
        paused: tile.paused,
      };
    }
    return result;
  }

  /** Level in dB of each frequency in what this attendee hears. */
  async hears(frequencies, milliseconds = 1000) {
    const stream = this.audio.srcObject;
    if (!stream) return null;
    if (!this.analyser || this.analysed !== stream) {
      this.analyser = newAnalyser();
      audioContext.createMediaStreamSource(stream).connect(this.analyser);
      this.analysed = stream;
    }
    await new Promise(done => setTimeout(done, milliseconds));
    return levels(this.analyser, frequencies);
  }

  /** The same for the left and the right channel. */
  async hearsChannels(frequencies, milliseconds = 1000) {
    const stream = this.audio.srcObject;
    if (!stream) return null;
    if (!this.channels || this.split !== stream) {
      const splitter = audioContext.createChannelSplitter(2);
      audioContext.createMediaStreamSource(stream).connect(splitter);
      this.channels = [0, 1].map(channel => {
        const analyser = newAnalyser();
        splitter.connect(analyser, channel);
        return analyser;
      });
      this.split = stream;
    }
    await new Promise(done => setTimeout(done, milliseconds));
    return this.channels.map(analyser => levels(analyser, frequencies));
  }

  async stats() {
    const report = await this.av.getRTCPeerConnectionStats();
    return [...report.values()];
  }

  async inbound(kind) {
    return (await this.stats()).filter(s => s.type === 'inbound-rtp' && s.kind === kind);
  }

  async outbound(kind) {
    return (await this.stats()).filter(s => s.type === 'outbound-rtp' && s.kind === kind);
  }

  /** The protocol and type of the candidate pair in use. */
  async route() {
    const all = await this.stats();
    const byId = new Map(all.map(s => [s.id, s]));
    const transport = all.find(s => s.type === 'transport');
    const pair = byId.get(transport?.selectedCandidatePairId) ?? all.find(s => s.type === 'candidate-pair' && s.nominated);
    if (!pair) return null;
    const local = byId.get(pair.localCandidateId);
    const remote = byId.get(pair.remoteCandidateId);
    return { local: local?.candidateType, localProtocol: local?.protocol, relay: local?.relayProtocol, remote: remote?.candidateType, remoteProtocol: remote?.protocol };
  }

  /** Breaks the signaling socket the way a lost network does. */
  dropSignaling() {
    const socket = window.sockets.at(-1);
    socket.dispatchEvent(new CloseEvent('close', { code: 1006 }));
    socket.close();
  }

  /** Mime types of the video codecs being received. */
  async codecs() {
    const all = await this.stats();
    const byId = new Map(all.map(s => [s.id, s]));
    return all.filter(s => s.type === 'inbound-rtp' && s.kind === 'video' && s.framesDecoded > 0).map(s => byId.get(s.codecId)?.mimeType);
  }

  tileOf(attendeeId) {
    return [...this.tiles.entries()].find(([, t]) => t.attendeeId === attendeeId && !t.local)?.[0];
  }

  pauseTile(attendeeId, pause) {
    const id = this.tileOf(attendeeId);
    if (pause) this.av.pauseVideoTile(id);
    else this.av.unpauseVideoTile(id);
  }

  /** Video packets received so far. */
  async received() {
    return (await this.inbound('video')).reduce((n, s) => n + s.packetsReceived, 0);
  }

  prefer(preferences) {
    const list = chime.VideoPreferences.prepare();
    for (const p of preferences) list.add(new chime.VideoPreference(p.attendeeId, p.priority, chime.TargetDisplaySize[p.size ?? 'High']));
    this.policy.chooseRemoteVideoSources(list.build());
  }

  snapshot() {
    return {
      events: this.events,
      roster: Object.fromEntries(this.roster),
      volumes: Object.fromEntries(this.volumes),
      loudest: Object.fromEntries(this.loudest),
      messages: this.messages,
      transcripts: this.transcripts,
      speakers: this.speakers,
      sources: this.sources ?? [],
      ownSignal: this.ownSignal,
      tiles: [...this.tiles.values()].map(({ element, ...rest }) => rest),
    };
  }
}

// Keeps the sockets that the client opens, so that a test can break them.
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    window.sockets.push(this);
  }
};

window.sdkVersion = chime.Versioning.sdkVersion;
window.newAttendee = () => (window.attendee = new Attendee());
window.bundleReady = true;

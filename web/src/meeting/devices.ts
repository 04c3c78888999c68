// Cameras and microphones before the meeting: the preview stream, the list of
// devices and the level meter. Needs no SDK.

import { explainDevice } from './words';

export interface Choice {
  microphone: string;
  camera: string;
  speaker: string;
}

export interface Preferences extends Choice {
  name: string;
  micOn: boolean;
  cameraOn: boolean;
}

const storageKey = 'carillon-preferences';

/** What the person chose last time on this browser. */
export function loadPreferences(): Preferences {
  const fresh: Preferences = { name: '', microphone: '', camera: '', speaker: '', micOn: true, cameraOn: true };
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Preferences>;
    return { ...fresh, ...kept };
  } catch {
    return fresh;
  }
}

export function savePreferences(preferences: Preferences): void {
  localStorage.setItem(storageKey, JSON.stringify(preferences));
}

/** The preview of one kind of device: at most one track at a time. */
export class Preview {
  track: MediaStreamTrack | undefined;
  /** Why there is no track, as a sentence; empty when it is just switched off. */
  fault = '';
  private turn = 0;

  constructor(private readonly kind: 'audio' | 'video') {}

  async start(deviceId: string): Promise<void> {
    const turn = ++this.turn;
    this.release();
    try {
      const wanted = deviceId ? { deviceId: { ideal: deviceId } } : {};
      const stream = await navigator.mediaDevices.getUserMedia(
        this.kind === 'audio'
          ? { audio: wanted }
          : { video: { ...wanted, width: { ideal: 1280 }, height: { ideal: 720 } } },
      );
      if (turn !== this.turn) {
        for (const track of stream.getTracks()) track.stop(); // a later choice won
        return;
      }
      this.track = stream.getTracks()[0];
      this.fault = '';
    } catch (error) {
      if (turn === this.turn) this.fault = explainDevice(error, this.kind === 'audio' ? 'microphone' : 'camera');
    }
  }

  stop(): void {
    this.turn++;
    this.release();
    this.fault = '';
  }

  private release(): void {
    this.track?.stop();
    this.track = undefined;
  }
}

export interface Devices {
  microphones: MediaDeviceInfo[];
  cameras: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

export async function listDevices(): Promise<Devices> {
  const all = navigator.mediaDevices ? await navigator.mediaDevices.enumerateDevices() : [];
  const usable = all.filter((device) => device.deviceId !== '');
  return {
    microphones: usable.filter((device) => device.kind === 'audioinput'),
    cameras: usable.filter((device) => device.kind === 'videoinput'),
    // Browsers without a choice of speaker do not list any that can be used.
    speakers: 'setSinkId' in HTMLMediaElement.prototype ? usable.filter((device) => device.kind === 'audiooutput') : [],
  };
}

/**
 * The device with the id, or else the first that is there: one chosen last time may be gone.
 * Where the browser tells of none the person is asked, and it fails as getUserMedia does.
 */
export async function findDevice(kind: 'audio' | 'video', id: string): Promise<string> {
  const { microphones, cameras } = await listDevices();
  const there = kind === 'audio' ? microphones : cameras;
  const found = there.find((device) => device.deviceId === id) ?? there[0];
  if (found) return found.deviceId;
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: true });
  const tracks = stream.getTracks();
  for (const track of tracks) track.stop();
  return tracks[0]?.getSettings().deviceId ?? '';
}

/** Measures a microphone track and reports its level, 0 to 1, about 20 times a second. */
export function measure(track: MediaStreamTrack, report: (level: number) => void): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = window.setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / samples.length + 1e-10);
    report(Math.min(1, Math.max(0, (decibels + 60) / 50)));
  }, 50);
  // Browsers start audio contexts only after a click; then the meter wakes up.
  const wake = () => void context.resume();
  document.addEventListener('pointerdown', wake);
  document.addEventListener('keydown', wake);
  return () => {
    window.clearInterval(timer);
    document.removeEventListener('pointerdown', wake);
    document.removeEventListener('keydown', wake);
    void context.close();
  };
}

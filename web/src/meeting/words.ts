// What went wrong, in words.

import { codes } from './codes';

export interface Explanation {
  title: string;
  text: string;
  /** Whether trying again can help. */
  again: boolean;
}

/** How far a session had come when it ended, and where it was. */
export interface Course {
  /** Whether it was ever connected. */
  joined: boolean;
  /** Where its signaling is. */
  host: string;
}

/** What becomes of a connection that was there, whatever the SDK tried last to get it back. */
const lost: Explanation = {
  title: 'The connection was lost',
  text: 'The server could not be reached again. Check your network, then join again: the meeting may still go on.',
  again: true,
};

const explanations: Record<number, Explanation> = {
  [codes.Left]: { title: 'You left the meeting', text: 'You can come back as long as it goes on.', again: true },
  [codes.AudioJoinedFromAnotherDevice]: {
    title: 'You joined from somewhere else',
    text: 'The same seat was taken from another device or tab, so this one was closed. To go on here instead, join again.',
    again: true,
  },
  [codes.AudioAuthenticationRejected]: {
    title: 'You were not let in',
    text: 'The server refused this seat. It may have been taken away, or the link is from an earlier meeting.',
    again: true,
  },
  [codes.AudioCallAtCapacity]: {
    title: 'The meeting is full',
    text: 'No more people can join just now. Try again when somebody has left.',
    again: true,
  },
  [codes.MeetingEnded]: { title: 'The meeting has ended', text: 'It was ended for everybody.', again: false },
  [codes.AudioInternalServerError]: {
    title: 'The connection broke',
    text: 'The media server had a fault and could not take you back.',
    again: true,
  },
  [codes.AudioServiceUnavailable]: {
    title: 'The server is not available',
    text: 'It is busy or being restarted. Try again in a moment.',
    again: true,
  },
  [codes.AudioDisconnected]: {
    title: 'You were disconnected',
    text: 'The server closed your audio without saying why.',
    again: true,
  },
  [codes.VideoCallAtSourceCapacity]: {
    title: 'Too many cameras',
    text: 'The meeting holds as many cameras as it can.',
    again: true,
  },
  [codes.SignalingBadRequest]: {
    title: 'You were not let in',
    text: 'The server did not accept this seat. You may have been removed, or the meeting has ended.',
    again: true,
  },
  [codes.SignalingInternalServerError]: {
    title: 'The server had a fault',
    text: 'The connection could not be kept up. Try again in a moment.',
    again: true,
  },
  [codes.SignalingRequestFailed]: {
    title: 'The server had a fault',
    text: 'It answered in a way this page does not understand.',
    again: true,
  },
  [codes.ICEGatheringTimeoutWorkaround]: {
    title: 'No way through the network',
    text: 'This browser found no address to send audio and video from. A firewall or VPN may be in the way.',
    again: true,
  },
  [codes.ConnectionHealthReconnect]: lost,
  [codes.RealtimeApiFailed]: { title: 'This page had a fault', text: 'Reload it and join again.', again: true },
  [codes.TaskFailed]: {
    title: 'Joining took too long',
    text: 'The server was reached, but audio and video found no way through. A firewall or VPN may block UDP.',
    again: true,
  },
  [codes.NoAttendeePresent]: {
    title: 'Joining took too long',
    text: 'The server never said that you are there.',
    again: true,
  },
  [codes.AudioAttendeeRemoved]: {
    title: 'You were removed from the meeting',
    text: 'Somebody who runs this meeting took you out.',
    again: false,
  },
};

const whenLost: number[] = [
  codes.SignalingChannelClosedUnexpectedly,
  codes.ICEGatheringTimeoutWorkaround,
  codes.ConnectionHealthReconnect,
  codes.TaskFailed,
  codes.NoAttendeePresent,
];

/** What to tell a person whose session stopped with this status code. */
export function explain(code: number, { joined, host }: Course): Explanation {
  if (joined && whenLost.includes(code)) return lost;
  if (code === codes.SignalingChannelClosedUnexpectedly) {
    return {
      title: 'The connection was not let through',
      text: `The server was reached, but no WebSocket to ${host} could be opened. A proxy, a firewall or a browser extension may hold it back.`,
      again: true,
    };
  }
  return (
    explanations[code] ?? {
      title: 'The meeting stopped',
      text: `The connection ended with status ${code}, which this page has no words for.`,
      again: true,
    }
  );
}

/** Why a camera or microphone could not be used: of the browser's error, or of the SDK's around it. */
export function explainDevice(error: unknown, what: string): string {
  const why = error instanceof Error && error.cause instanceof DOMException ? error.cause : error;
  switch (why instanceof DOMException ? why.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return `This page may not use the ${what}. Allow it in the browser's address bar, then try again.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `No ${what} was found. Connect one, then try again.`;
    case 'NotReadableError':
    case 'AbortError':
      return `The ${what} is in use by another program, or the system does not hand it out. Close what uses it, then try again.`;
  }
  if (!navigator.mediaDevices) return `Browsers hand out the ${what} only on https pages and on localhost.`;
  return `The ${what} could not be started.`;
}

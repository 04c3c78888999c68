/**
 * The SDK's MeetingSessionStatusCode under its own names. They are repeated
 * here so that the page can say what went wrong before the SDK is loaded, and
 * when it cannot be; a test compares them.
 */
export const codes = {
  Left: 1,
  AudioJoinedFromAnotherDevice: 2,
  AudioAuthenticationRejected: 3,
  AudioCallAtCapacity: 4,
  MeetingEnded: 5,
  AudioInternalServerError: 6,
  AudioServiceUnavailable: 7,
  AudioDisconnected: 8,
  VideoCallAtSourceCapacity: 10,
  SignalingBadRequest: 11,
  SignalingInternalServerError: 12,
  SignalingRequestFailed: 13,
  SignalingChannelClosedUnexpectedly: 14,
  ICEGatheringTimeoutWorkaround: 15,
  ConnectionHealthReconnect: 16,
  RealtimeApiFailed: 17,
  TaskFailed: 18,
  NoAttendeePresent: 21,
  AudioAttendeeRemoved: 22,
} as const;

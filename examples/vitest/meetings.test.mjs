import { ChimeSDKMeetings } from '@aws-sdk/client-chime-sdk-meetings';
import { expect } from 'vitest';
import { test } from './carillon.mjs';

const standup = { ClientRequestToken: 'standup-1', ExternalMeetingId: 'standup', MediaRegion: 'us-east-1' };

test('the SDK comes through throttling', async ({ carillon }) => {
  const chime = new ChimeSDKMeetings(carillon.sdk);
  await carillon.throttle('CreateMeeting', 2);
  const { Meeting, $metadata } = await chime.createMeeting(standup);
  expect(Meeting.ExternalMeetingId).toBe('standup');
  expect($metadata.attempts).toBe(3);
});

test('a meeting that nobody joins is gone after ten minutes', async ({ carillon }) => {
  const chime = new ChimeSDKMeetings(carillon.sdk);
  const { Meeting } = await chime.createMeeting(standup);
  await carillon.advance('10m');
  await expect(chime.getMeeting({ MeetingId: Meeting.MeetingId })).rejects.toThrow('not found');
  const [ended] = await carillon.events({ type: 'MeetingEnded', meeting: Meeting.MeetingId, wait: '10s' });
  expect(ended.detail.externalMeetingId).toBe('standup');
});

test('each test begins with nothing', async ({ carillon }) => {
  const chime = new ChimeSDKMeetings(carillon.sdk);
  await carillon.fail({ operation: 'CreateMeeting', error: 'ForbiddenException', message: 'not today', calls: 1 });
  await expect(chime.createMeeting(standup)).rejects.toMatchObject({ name: 'ForbiddenException', message: 'not today' });
  expect(await carillon.events()).toEqual([]);
});

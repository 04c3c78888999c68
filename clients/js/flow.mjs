// The headline flow of the meetings API, for any JavaScript SDK and either
// flavour. An SDK is seen through one function:
//
//   call(operation, input) -> { status, requestId, output }
//
// which throws { name, status, requestId, message } when the call is refused.
// Each step prints "ok <step>"; the first that does not hold ends the process
// with its reason.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// What differs between the flavours.
const flavours = {
  meetings: { created: 200, overLimit: 'LimitExceededException', tagGone: 'ResourceNotFoundException', page: 100 },
  legacy: { created: 201, overLimit: 'ResourceLimitExceededException', tagGone: 'NotFoundException', page: 99 },
};

export async function flow({ label, flavour, call }) {
  const state = { flavour, differs: flavours[flavour], call: checked(call) };
  let steps = 0;
  for (const [name, run] of Object.entries(stepsOf(flavour))) {
    try {
      await run(state);
    } catch (reason) {
      console.error(`${label}: ${name}: ${reason.stack ?? JSON.stringify(reason)}`);
      process.exit(1);
    }
    steps++;
    console.log(`ok ${label} ${name}`);
  }
  console.log(`complete ${label} ${steps}`);
}

// checked adds to each call what must hold of every answer.
function checked(call) {
  return async (operation, input = {}) => {
    const answer = await call(operation, input);
    assert.match(answer.requestId ?? '', guid, `${operation}: request id`);
    return answer;
  };
}

// refused returns the error of a call that must be refused.
async function refused(state, name, status, operation, input) {
  let error;
  try {
    await state.call(operation, input);
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error, `${operation} succeeded, want ${name}`);
  assert.equal(error.name, name, `${operation}: error`);
  assert.equal(error.status, status, `${operation}: status of the error`);
  assert.match(error.requestId ?? '', guid, `${operation}: request id of the error`);
  return error;
}

const everything = { Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' };
const listener = { Audio: 'Receive', Video: 'None', Content: 'None' };

function stepsOf(flavour) {
  const common = { createMeeting, createAttendee, batchOfHundred, duplicates, listing, transcription, deleteAttendee, overLimit, badInput };
  const own = flavour === 'legacy' ? { listMeetings, meetingTags, attendeeTags } : { capabilities, resourceTags, features };
  return { ...common, ...own, deleteMeeting };
}

async function createMeeting(state) {
  const input = { ClientRequestToken: randomUUID(), MediaRegion: 'eu-central-1', ExternalMeetingId: 'clients-js' };
  const first = await state.call('CreateMeeting', input);
  assert.equal(first.status, state.differs.created);
  state.meeting = first.output.Meeting;
  assert.match(state.meeting.MeetingId, guid);
  assert.equal(state.meeting.MediaRegion, 'eu-central-1');
  assert.ok(state.meeting.MediaPlacement.SignalingUrl.includes(state.meeting.MeetingId));
  const second = await state.call('CreateMeeting', input);
  assert.equal(second.output.Meeting.MeetingId, state.meeting.MeetingId);
  const read = await state.call('GetMeeting', { MeetingId: state.meeting.MeetingId });
  assert.equal(read.status, 200);
  assert.deepEqual(read.output.Meeting, state.meeting);
}

async function createAttendee(state) {
  const input = { MeetingId: state.meeting.MeetingId, ExternalUserId: 'user é «1»' };
  const first = await state.call('CreateAttendee', input);
  assert.equal(first.status, state.differs.created);
  state.attendee = first.output.Attendee;
  assert.match(state.attendee.AttendeeId, guid);
  assert.equal(state.attendee.ExternalUserId, input.ExternalUserId);
  assert.match(state.attendee.JoinToken, /^[A-Za-z0-9]{98}$/);
  assert.deepEqual(state.attendee.Capabilities, state.flavour === 'legacy' ? undefined : everything);
  const second = await state.call('CreateAttendee', input);
  assert.deepEqual(second.output.Attendee, state.attendee);
  const read = await state.call('GetAttendee', { MeetingId: input.MeetingId, AttendeeId: state.attendee.AttendeeId });
  assert.deepEqual(read.output.Attendee, state.attendee);
}

async function batchOfHundred(state) {
  const extra = state.flavour === 'legacy' ? { Tags: [{ Key: 'seat', Value: '4b' }] } : { Capabilities: listener };
  const Attendees = Array.from({ length: 100 }, (_, i) => ({ ExternalUserId: `batch-${i}`, ...extra }));
  const answer = await state.call('BatchCreateAttendee', { MeetingId: state.meeting.MeetingId, Attendees });
  assert.equal(answer.status, state.differs.created);
  state.batch = answer.output.Attendees;
  assert.deepEqual(answer.output.Errors, []);
  assert.deepEqual(state.batch.map((a) => a.ExternalUserId), Attendees.map((a) => a.ExternalUserId));
  assert.equal(new Set(state.batch.map((a) => a.JoinToken)).size, 100);
  if (state.flavour === 'meetings') assert.deepEqual(state.batch[99].Capabilities, listener);
}

async function duplicates(state) {
  const Attendees = ['batch-7', 'twice', 'twice', 'batch-8'].map((ExternalUserId) => ({ ExternalUserId }));
  const { output } = await state.call('BatchCreateAttendee', { MeetingId: state.meeting.MeetingId, Attendees });
  assert.equal(output.Attendees.length, 4);
  assert.deepEqual(output.Attendees[0], state.batch[7]);
  assert.deepEqual(output.Attendees[1], output.Attendees[2]);
  assert.deepEqual(output.Attendees[3], state.batch[8]);
}

async function listing(state) {
  const MeetingId = state.meeting.MeetingId;
  const seen = [];
  let NextToken;
  do {
    const { output } = await state.call('ListAttendees', { MeetingId, MaxResults: 40, NextToken });
    assert.ok(output.Attendees.length <= 40);
    seen.push(...output.Attendees);
    NextToken = output.NextToken;
  } while (NextToken);
  assert.equal(seen.length, 102);
  assert.deepEqual(seen[0], state.attendee);
  assert.equal(new Set(seen.map((a) => a.AttendeeId)).size, 102);
  const whole = await state.call('ListAttendees', { MeetingId });
  assert.equal(whole.output.Attendees.length, state.differs.page);
}

async function transcription(state) {
  const MeetingId = state.meeting.MeetingId;
  const TranscriptionConfiguration = { EngineTranscribeSettings: { LanguageCode: 'de-DE' } };
  assert.equal((await state.call('StartMeetingTranscription', { MeetingId, TranscriptionConfiguration })).status, 200);
  assert.equal((await state.call('StopMeetingTranscription', { MeetingId })).status, 200);
}

async function deleteAttendee(state) {
  const input = { MeetingId: state.meeting.MeetingId, AttendeeId: state.attendee.AttendeeId };
  assert.equal((await state.call('DeleteAttendee', input)).status, 204);
  const error = await refused(state, 'NotFoundException', 404, 'GetAttendee', input);
  assert.ok(error.message.includes(input.AttendeeId));
  await refused(state, 'NotFoundException', 404, 'DeleteAttendee', input);
  const again = await state.call('CreateAttendee', { MeetingId: input.MeetingId, ExternalUserId: state.attendee.ExternalUserId });
  assert.notEqual(again.output.Attendee.AttendeeId, input.AttendeeId);
}

async function overLimit(state) {
  const input = { ClientRequestToken: randomUUID(), MediaRegion: 'us-east-1', ExternalMeetingId: 'clients-full' };
  if (state.flavour === 'meetings') input.MeetingFeatures = { Attendee: { MaxCount: 250 } };
  const MeetingId = (await state.call('CreateMeeting', input)).output.Meeting.MeetingId;
  const crowd = (from, n) => Array.from({ length: n }, (_, i) => ({ ExternalUserId: `crowd-${from + i}` }));
  await state.call('BatchCreateAttendee', { MeetingId, Attendees: crowd(0, 100) });
  await state.call('BatchCreateAttendee', { MeetingId, Attendees: crowd(100, 100) });
  const { output } = await state.call('BatchCreateAttendee', { MeetingId, Attendees: crowd(200, 53) });
  assert.equal(output.Attendees.length, 50);
  assert.deepEqual(output.Errors.map((e) => [e.ExternalUserId, e.ErrorCode]), [250, 251, 252].map((i) => [`crowd-${i}`, 'ResourceLimitExceeded']));
  await refused(state, state.differs.overLimit, 400, 'CreateAttendee', { MeetingId, ExternalUserId: 'one-more' });
  await state.call('DeleteMeeting', { MeetingId });
}

async function badInput(state) {
  const MeetingId = state.meeting.MeetingId;
  await refused(state, 'BadRequestException', 400, 'CreateAttendee', { MeetingId, ExternalUserId: 'x' });
  const Attendees = Array.from({ length: 101 }, (_, i) => ({ ExternalUserId: `many-${i}` }));
  await refused(state, 'BadRequestException', 400, 'BatchCreateAttendee', { MeetingId, Attendees });
}

async function capabilities(state) {
  const MeetingId = state.meeting.MeetingId;
  const AttendeeId = state.batch[0].AttendeeId;
  const update = await state.call('UpdateAttendeeCapabilities', { MeetingId, AttendeeId, Capabilities: everything });
  assert.deepEqual(update.output.Attendee, { ...state.batch[0], Capabilities: everything });
  const except = await state.call('BatchUpdateAttendeeCapabilitiesExcept', {
    MeetingId, ExcludedAttendeeIds: [{ AttendeeId }], Capabilities: { ...listener, Audio: 'None' },
  });
  assert.equal(except.status, 200);
  const one = await state.call('GetAttendee', { MeetingId, AttendeeId });
  const other = await state.call('GetAttendee', { MeetingId, AttendeeId: state.batch[1].AttendeeId });
  assert.equal(one.output.Attendee.Capabilities.Audio, 'SendReceive');
  assert.equal(other.output.Attendee.Capabilities.Audio, 'None');
}

async function features(state) {
  const MeetingFeatures = { Video: { MaxResolution: 'FHD' }, Attendee: { MaxCount: 3 } };
  const input = {
    ClientRequestToken: randomUUID(), MediaRegion: 'us-east-1', ExternalMeetingId: 'clients-features', MeetingFeatures, TenantIds: ['tenant-1'],
    Attendees: [{ ExternalUserId: 'host' }, { ExternalUserId: 'guest', Capabilities: listener }],
  };
  const { output } = await state.call('CreateMeetingWithAttendees', input);
  assert.deepEqual(output.Meeting.MeetingFeatures, MeetingFeatures);
  assert.deepEqual(output.Meeting.TenantIds, ['tenant-1']);
  assert.deepEqual(output.Attendees.map((a) => a.Capabilities), [everything, listener]);
  const replica = await state.call('CreateMeeting', {
    ClientRequestToken: randomUUID(), MediaRegion: 'us-east-1', ExternalMeetingId: 'clients-replica', PrimaryMeetingId: output.Meeting.MeetingId,
  });
  assert.equal(replica.output.Meeting.PrimaryMeetingId, output.Meeting.MeetingId);
  await state.call('DeleteMeeting', { MeetingId: output.Meeting.MeetingId });
  await refused(state, 'NotFoundException', 404, 'GetMeeting', { MeetingId: replica.output.Meeting.MeetingId });
}

async function resourceTags(state) {
  const ResourceARN = state.meeting.MeetingArn;
  assert.equal((await state.call('TagResource', { ResourceARN, Tags: [{ Key: 'team', Value: 'red' }, { Key: 'floor', Value: '3' }] })).status, 204);
  assert.equal((await state.call('UntagResource', { ResourceARN, TagKeys: ['floor'] })).status, 204);
  const { output } = await state.call('ListTagsForResource', { ResourceARN });
  assert.deepEqual(output.Tags, [{ Key: 'team', Value: 'red' }]);
  await refused(state, state.differs.tagGone, 404, 'ListTagsForResource', {
    ResourceARN: ResourceARN.replace(state.meeting.MeetingId, '00000000-0000-4000-8000-000000000000'),
  });
}

async function meetingTags(state) {
  const MeetingId = state.meeting.MeetingId;
  assert.equal((await state.call('TagMeeting', { MeetingId, Tags: [{ Key: 'my team', Value: '50%' }] })).status, 204);
  const { output } = await state.call('ListMeetingTags', { MeetingId });
  assert.deepEqual(output.Tags, [{ Key: 'my team', Value: '50%' }]);
  assert.equal((await state.call('UntagMeeting', { MeetingId, TagKeys: ['my team'] })).status, 204);
}

async function attendeeTags(state) {
  const input = { MeetingId: state.meeting.MeetingId, AttendeeId: state.batch[3].AttendeeId };
  assert.equal((await state.call('TagAttendee', { ...input, Tags: [{ Key: 'row', Value: '2' }] })).status, 204);
  assert.equal((await state.call('UntagAttendee', { ...input, TagKeys: ['seat'] })).status, 204);
  const { output } = await state.call('ListAttendeeTags', input);
  assert.deepEqual(output.Tags, [{ Key: 'row', Value: '2' }]);
}

async function listMeetings(state) {
  const ids = [];
  let NextToken;
  do {
    const { output } = await state.call('ListMeetings', { MaxResults: 1, NextToken });
    ids.push(...output.Meetings.map((m) => m.MeetingId));
    NextToken = output.NextToken;
  } while (NextToken);
  assert.equal(ids.filter((id) => id === state.meeting.MeetingId).length, 1);
}

async function deleteMeeting(state) {
  const input = { MeetingId: state.meeting.MeetingId };
  assert.equal((await state.call('DeleteMeeting', input)).status, 204);
  assert.equal((await state.call('DeleteMeeting', input)).status, 204);
  await refused(state, 'NotFoundException', 404, 'GetMeeting', input);
  await refused(state, 'NotFoundException', 404, 'CreateAttendee', { ...input, ExternalUserId: 'late' });
}

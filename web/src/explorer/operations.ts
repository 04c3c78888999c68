// Every operation of both flavours: where it goes and what it takes.

export type Flavour = 'meetings' | 'legacy';

export interface Field {
  /** The member's name in the API; dots lead into structures. */
  name: string;
  in: 'path' | 'query' | 'body';
  /** The name in the query string. */
  query?: string;
  kind: 'text' | 'number' | 'choice' | 'json';
  required?: boolean;
  options?: readonly string[];
  /** What is filled in at first. */
  example?: string;
  hint?: string;
}

export interface Operation {
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With {MeetingId} and {AttendeeId}. */
  path: string;
  /** The value of the query parameter of the same name. */
  operation?: string;
  about: string;
  fields: Field[];
}

const text = (name: string, more: Partial<Field> = {}): Field => ({ name, in: 'body', kind: 'text', ...more });
const json = (name: string, example: unknown, more: Partial<Field> = {}): Field => ({
  name,
  in: 'body',
  kind: 'json',
  example: example === undefined ? '' : JSON.stringify(example, null, 2),
  ...more,
});
const choice = (name: string, options: readonly string[], more: Partial<Field> = {}): Field => ({
  name,
  in: 'body',
  kind: 'choice',
  options,
  ...more,
});

const meetingId: Field = { name: 'MeetingId', in: 'path', kind: 'text', required: true };
const attendeeId: Field = { name: 'AttendeeId', in: 'path', kind: 'text', required: true };
const page: Field[] = [
  { name: 'MaxResults', in: 'query', query: 'max-results', kind: 'number' },
  { name: 'NextToken', in: 'query', query: 'next-token', kind: 'text' },
];
const token = text('ClientRequestToken', {
  required: true,
  example: 'random',
  hint: 'The same token finds the same meeting.',
});
const regions = [
  'us-east-1',
  'us-west-2',
  'eu-central-1',
  'eu-west-1',
  'eu-west-2',
  'ap-northeast-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-south-1',
  'sa-east-1',
  'ca-central-1',
];
const access = ['SendReceive', 'Send', 'Receive', 'None'];
const capabilities = ['Audio', 'Video', 'Content'].map((kind) =>
  choice(`Capabilities.${kind}`, access, { required: true, example: 'SendReceive' }),
);
const tags = (example: boolean, required = false) =>
  json('Tags', example ? [{ Key: 'team', Value: 'platform' }] : undefined, { required });
const tagKeys = json('TagKeys', ['team'], { required: true });
const arn = text('ResourceARN', { required: true, hint: 'The ARN of a meeting.' });
const transcription = json(
  'TranscriptionConfiguration',
  { EngineTranscribeSettings: { LanguageCode: 'en-US' } },
  { required: true },
);

const createMeeting: Field[] = [
  token,
  choice('MediaRegion', regions, { required: true, example: 'us-east-1' }),
  text('ExternalMeetingId', { required: true, example: 'explorer' }),
  text('MeetingHostId'),
  json('MeetingFeatures', undefined, { hint: '{"Video":{"MaxResolution":"HD"},"Attendee":{"MaxCount":25}}' }),
  json('NotificationsConfiguration', undefined, { hint: '{"SqsQueueArn":"arn:aws:sqs:…"}' }),
  text('PrimaryMeetingId', { hint: 'Makes a replica of this meeting.' }),
  json('TenantIds', undefined, { hint: '["tenant-1"]' }),
  choice('MediaPlacementNetworkType', ['Ipv4Only', 'DualStack']),
  tags(false),
];

const createLegacyMeeting: Field[] = [
  token,
  choice('MediaRegion', regions, { example: 'us-east-1' }),
  text('ExternalMeetingId', { example: 'explorer' }),
  text('MeetingHostId'),
  json('NotificationsConfiguration', undefined, { hint: '{"SqsQueueArn":"arn:aws:sqs:…"}' }),
  tags(false),
];

const twoAttendees = [{ ExternalUserId: 'ada' }, { ExternalUserId: 'grace' }];

const taggingByArn: Operation[] = [
  {
    name: 'TagResource',
    method: 'POST',
    path: '/tags',
    operation: 'tag-resource',
    about: 'Adds tags to a meeting, or changes their values.',
    fields: [arn, tags(true, true)],
  },
  {
    name: 'UntagResource',
    method: 'POST',
    path: '/tags',
    operation: 'untag-resource',
    about: 'Takes tags off a meeting.',
    fields: [arn, tagKeys],
  },
  {
    name: 'ListTagsForResource',
    method: 'GET',
    path: '/tags',
    about: 'Lists the tags of a meeting.',
    fields: [{ ...arn, in: 'query', query: 'arn' }],
  },
];

function operationsOf(flavour: Flavour): Operation[] {
  const current = flavour === 'meetings';
  const meeting = '/meetings/{MeetingId}';
  const attendee = `${meeting}/attendees/{AttendeeId}`;
  const attendeeExtras = current
    ? ['Audio', 'Video', 'Content'].map((kind) =>
        choice(`Capabilities.${kind}`, access, { hint: 'All three or none.' }),
      )
    : [tags(false)];
  const shared: Operation[] = [
    {
      name: 'CreateMeeting',
      method: 'POST',
      path: '/meetings',
      about: 'Creates a meeting, or finds the one made with the same token.',
      fields: current ? createMeeting : createLegacyMeeting,
    },
    {
      name: 'CreateMeetingWithAttendees',
      method: 'POST',
      path: '/meetings',
      operation: 'create-attendees',
      about: `Creates a meeting and up to ${current ? 20 : 10} attendees.`,
      fields: [
        ...(current ? createMeeting : createLegacyMeeting),
        json('Attendees', twoAttendees, { required: current }),
      ],
    },
    { name: 'GetMeeting', method: 'GET', path: meeting, about: 'Returns a meeting.', fields: [meetingId] },
    {
      name: 'DeleteMeeting',
      method: 'DELETE',
      path: meeting,
      about: 'Ends a meeting and disconnects everybody.',
      fields: [meetingId],
    },
    {
      name: 'CreateAttendee',
      method: 'POST',
      path: `${meeting}/attendees`,
      about: 'Creates an attendee, or finds the one with the same external user id.',
      fields: [meetingId, text('ExternalUserId', { required: true, example: 'ada' }), ...attendeeExtras],
    },
    {
      name: 'BatchCreateAttendee',
      method: 'POST',
      path: `${meeting}/attendees`,
      operation: 'batch-create',
      about: 'Creates up to 100 attendees in one call.',
      fields: [meetingId, json('Attendees', twoAttendees, { required: true })],
    },
    {
      name: 'GetAttendee',
      method: 'GET',
      path: attendee,
      about: 'Returns an attendee with its join token.',
      fields: [meetingId, attendeeId],
    },
    {
      name: 'ListAttendees',
      method: 'GET',
      path: `${meeting}/attendees`,
      about: 'Lists the attendees of a meeting, connected or not.',
      fields: [meetingId, ...page],
    },
    {
      name: 'DeleteAttendee',
      method: 'DELETE',
      path: attendee,
      about: 'Deletes an attendee: it is disconnected and its token stops working.',
      fields: [meetingId, attendeeId],
    },
    {
      name: 'StartMeetingTranscription',
      method: 'POST',
      path: `${meeting}/transcription`,
      operation: 'start',
      about: 'Starts the transcription of a meeting.',
      fields: [meetingId, transcription],
    },
    {
      name: 'StopMeetingTranscription',
      method: 'POST',
      path: `${meeting}/transcription`,
      operation: 'stop',
      about: 'Stops the transcription.',
      fields: [meetingId],
    },
  ];
  return [...shared, ...(current ? onlyCurrent(meeting, attendee) : onlyLegacy(meeting, attendee)), ...taggingByArn];
}

function onlyCurrent(meeting: string, attendee: string): Operation[] {
  return [
    {
      name: 'UpdateAttendeeCapabilities',
      method: 'PUT',
      path: `${attendee}/capabilities`,
      about: 'Changes what an attendee may send and receive.',
      fields: [meetingId, attendeeId, ...capabilities],
    },
    {
      name: 'BatchUpdateAttendeeCapabilitiesExcept',
      method: 'PUT',
      path: `${meeting}/attendees/capabilities`,
      operation: 'batch-update-except',
      about: 'Changes everybody’s capabilities except for those listed.',
      fields: [
        meetingId,
        json('ExcludedAttendeeIds', [{ AttendeeId: '00000000-0000-0000-0000-000000000000' }], { required: true }),
        ...capabilities,
      ],
    },
  ];
}

function onlyLegacy(meeting: string, attendee: string): Operation[] {
  const tagged = (what: 'Meeting' | 'Attendee', path: string, ids: Field[]): Operation[] => [
    {
      name: `Tag${what}`,
      method: 'POST',
      path: `${path}/tags`,
      operation: 'add',
      about: `Adds tags to the ${what.toLowerCase()}.`,
      fields: [...ids, tags(true, true)],
    },
    {
      name: `Untag${what}`,
      method: 'POST',
      path: `${path}/tags`,
      operation: 'delete',
      about: `Takes tags off the ${what.toLowerCase()}.`,
      fields: [...ids, tagKeys],
    },
    {
      name: `List${what}Tags`,
      method: 'GET',
      path: `${path}/tags`,
      about: `Lists the tags of the ${what.toLowerCase()}.`,
      fields: ids,
    },
  ];
  return [
    {
      name: 'ListMeetings',
      method: 'GET',
      path: '/meetings',
      about: 'Lists the active meetings of the account.',
      fields: page,
    },
    ...tagged('Meeting', meeting, [meetingId]),
    ...tagged('Attendee', attendee, [meetingId, attendeeId]),
  ];
}

export const operations: Record<Flavour, Operation[]> = {
  meetings: operationsOf('meetings'),
  legacy: operationsOf('legacy'),
};

/** The base path that tells the flavours apart for any client. */
export const basePath: Record<Flavour, string> = { meetings: '/meetings-api', legacy: '/legacy' };

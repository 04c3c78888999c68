import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../src/explorer/operations';
import { remember } from '../src/explorer/remembered';
import { snippets } from '../src/explorer/snippets';

const operation = operations.meetings.find((o) => o.name === 'CreateMeeting');
assert.ok(operation);
const call = {
  flavour: 'meetings' as const,
  operation,
  input: { MeetingHostId: "o'brien", Tags: [{ Key: 'team', Value: 'red' }], TenantIds: [] },
  origin: 'https://meet.example',
  region: 'eu-central-1',
};
const of = (title: string) => snippets(call).find((snippet) => snippet.title === title)?.code;

test('the command line quotes for a shell', () => {
  assert.equal(
    of('AWS CLI'),
    `aws chime-sdk-meetings create-meeting \\
  --endpoint-url https://meet.example/meetings-api \\
  --region eu-central-1 \\
  --cli-input-json '{
  "MeetingHostId": "o'"'"'brien",
  "Tags": [
    {
      "Key": "team",
      "Value": "red"
    }
  ],
  "TenantIds": []
}'`,
  );
});

test('Python gets named arguments', () => {
  assert.match(of('Python') ?? '', /^answer = client\.create_meeting\(\n {4}MeetingHostId="o'brien",\n/m);
  assert.match(
    of('Python') ?? '',
    / {4}Tags=\[\n {8}\{\n {12}"Key": "team",\n {12}"Value": "red",\n {8}\},\n {4}\],\n/,
  );
  assert.match(of('Python') ?? '', / {4}TenantIds=\[\],\n\)/);
});

test('ids of an answer are kept for the next call', () => {
  const kept = (flavour: 'meetings' | 'legacy', answer: unknown) => {
    const keep = new Map<string, string>();
    remember(flavour, typeof answer === 'string' ? answer : JSON.stringify(answer), keep);
    return Object.fromEntries(keep);
  };
  assert.deepEqual(kept('meetings', { Meeting: { MeetingId: 'm', MeetingArn: 'arn:m' } }), {
    MeetingId: 'm',
    ResourceARN: 'arn:m',
  });
  assert.deepEqual(kept('legacy', { Meeting: { MeetingId: 'm' } }), {
    MeetingId: 'm',
    ResourceARN: 'arn:aws:chime:us-east-1:000000000000:meeting/m',
  });
  assert.deepEqual(kept('meetings', { Attendees: [{ AttendeeId: 'a' }, { AttendeeId: 'b' }] }), { AttendeeId: 'a' });
  assert.deepEqual(kept('meetings', { Message: 'no' }), {});
  assert.deepEqual(kept('meetings', '<html>'), {});
});

// Validates the description of the application API, and the answers of every
// operation against it. Prints what it did; fails with what is wrong.
import assert from 'node:assert/strict';
import { Sha256 } from '@aws-crypto/sha256-js';
import { Validator } from '@seriousme/openapi-schema-validator';
import { SignatureV4 } from '@smithy/signature-v4';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const { CARILLON_ENDPOINT: endpoint, MEETING_ID: meeting, ATTENDEE_ID: attendee } = process.env;

const document = await (await fetch(endpoint + '/app/v1/openapi.json')).json();
const validator = new Validator();
const verdict = await validator.validate(structuredClone(document));
assert.ok(verdict.valid, 'the description is not valid: ' + JSON.stringify(verdict.errors, null, 1));
assert.equal(validator.version, '3.1');

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv, { mode: 'full' });
ajv.addSchema(document, 'api');
// Nothing may be in an answer that is not described.
for (const schema of Object.values(document.components.schemas)) schema.additionalProperties = false;

const signer = new SignatureV4({
  service: 'chime', region: 'us-east-1', sha256: Sha256,
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
});

const called = new Set();

// call makes an operation's call and holds the answer against its description.
async function call(operationId, path, { query = {}, body, status }) {
  const [pattern, method, operation] = find(operationId);
  const url = new URL(pattern.replace('{meetingId}', path.meeting).replace('{attendeeId}', path.attendee), endpoint);
  for (const [k, v] of Object.entries(query)) {
    assert.ok(operation.parameters.some((p) => p.name === k), `${operationId} does not describe ${k}`);
    url.searchParams.set(k, v);
  }
  const request = await signer.sign({
    method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, query,
    headers: { host: url.host, 'content-type': 'application/json' }, body,
  });
  const response = await fetch(url, { method, headers: request.headers, body });
  const text = await response.text();
  assert.equal(response.status, status, `${operationId}: ${text}`);
  let described = operation.responses[status];
  assert.ok(described, `${operationId} does not describe ${status}`);
  if (described.$ref) described = document.components.responses[described.$ref.split('/').pop()];
  const schema = described.content?.['application/json'].schema;
  if (!schema) {
    assert.equal(text, '', `${operationId}: a body that is not described`);
  } else {
    const check = ajv.compile({ $ref: 'api' + schema.$ref });
    assert.ok(check(JSON.parse(text)), `${operationId} ${status}: ${JSON.stringify(check.errors)}\n${text}`);
  }
  called.add(operationId);
  return text && JSON.parse(text);
}

function find(operationId) {
  for (const [pattern, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId === operationId) return [pattern, method.toUpperCase(), operation];
    }
  }
  throw new Error('no operation ' + operationId);
}

const here = { meeting, attendee };
const nowhere = { meeting: '00000000-0000-4000-8000-000000000000', attendee: '00000000-0000-4000-8000-000000000000' };

await call('ListMeetings', {}, { query: { state: 'active', tagKey: 'team', tagValue: 'red', externalMeetingId: 'standup', maxResults: '1' }, status: 200 });
await call('ListMeetings', {}, { query: { state: 'ended' }, status: 200 });
await call('ListMeetings', {}, { query: { maxResults: '0' }, status: 400 });
await call('GetMeeting', here, { status: 200 });
await call('ListRecords', here, { query: { maxResults: '1' }, status: 200 });
await call('ListEvents', here, { query: { maxResults: '1' }, status: 200 });
await call('ListAttendees', here, { status: 200 });
await call('GetAttendee', here, { status: 200 });
await call('SetTimers', here, { body: '{"idleSeconds": 600, "maxAgeSeconds": null}', status: 200 });
await call('SetTimers', here, { body: '{"idleSeconds": 1}', status: 400 });
await call('SendMessage', here, { body: JSON.stringify({ topic: 'news', text: 'hello', attendeeId: attendee, lifetimeMs: 1000 }), status: 200 });
const muted = await call('MuteAttendee', here, { status: 200 });
assert.equal(muted.capabilities.audio, 'Receive');
const unmuted = await call('UnmuteAttendee', here, { status: 200 });
assert.equal(unmuted.capabilities.audio, 'SendReceive');
await call('RemoveAttendee', here, { status: 204 });
const gone = await call('GetAttendee', here, { status: 200 });
assert.ok(gone.deleted && gone.external === 'ada-lovelace', 'a removed attendee lost its name');
await call('RemoveAttendee', here, { status: 404 });
for (const id of ['GetMeeting', 'ListRecords', 'ListEvents', 'ListAttendees', 'GetAttendee', 'SetTimers', 'SendMessage', 'MuteAttendee', 'UnmuteAttendee', 'RemoveAttendee']) {
  const body = { SetTimers: '{}', SendMessage: '{"topic": "news", "text": ""}' }[id];
  await call(id, nowhere, { body, status: 404 });
}

const all = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((o) => o.operationId)).filter((id) => id !== 'GetDescription');
assert.deepEqual([...called].sort(), all.sort());
console.log('every operation was called:', all.join(', '));

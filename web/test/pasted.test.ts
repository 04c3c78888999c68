import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignHost, seatIn } from '../src/meeting/pasted';

const Meeting = { MeetingId: 'm1', MediaPlacement: { SignalingUrl: 'wss://meet.example/control/m1' } };
const Attendee = { AttendeeId: 'a1', JoinToken: 't', ExternalUserId: 'ada' };

test('a seat is found in the answers of the API, however they are pasted', () => {
  const ways: string[][] = [
    [JSON.stringify({ Meeting }), JSON.stringify({ Attendee })],
    [JSON.stringify(Meeting), JSON.stringify(Attendee)],
    [JSON.stringify({ Attendee }), JSON.stringify({ Meeting })],
    [JSON.stringify({ Meeting, Attendees: [Attendee], Errors: [] }), ''],
    ['', JSON.stringify({ JoinInfo: { Meeting: { Meeting }, Attendee: { Attendee } } })],
    [` ${JSON.stringify([{ Meeting }, { Attendee }], null, 2)}\n`],
  ];
  for (const texts of ways) {
    assert.deepEqual(seatIn(...texts), { seat: { code: '', meeting: Meeting, attendee: Attendee } }, texts.join(' | '));
  }
});

test('what is missing is said', () => {
  const problem = (...texts: string[]) => seatIn(...texts).problem ?? '';
  assert.match(problem(''), /The Meeting is missing/);
  assert.match(problem('{"MeetingId":"m1"}'), /The Meeting is missing/);
  assert.match(problem('{"MeetingId":"m1","MediaPlacement":null}'), /The Meeting is missing/);
  assert.match(problem(JSON.stringify({ Meeting })), /The Attendee is missing/);
  assert.match(problem(JSON.stringify({ Meeting }), '{"AttendeeId":"a1"}'), /The Attendee is missing/);
  assert.match(problem(JSON.stringify({ Meeting }), 'AttendeeId: a1'), /not JSON/);
  for (const name of [5, true, {}, ['ada']]) {
    const odd = JSON.stringify({ Meeting, Attendee: { ...Attendee, ExternalUserId: name } });
    assert.match(problem(odd), /ExternalUserId .* not a text/);
  }
  assert.equal(problem(JSON.stringify({ Meeting, Attendee: { ...Attendee, ExternalUserId: null } })), '');
  for (const odd of ['null', '3', '"x"', '[]', '{"a":{"a":{"a":{"a":{"a":{}}}}}}'])
    assert.match(problem(odd), /missing/);
});

test('a meeting elsewhere is noticed', () => {
  const { seat } = seatIn(JSON.stringify({ Meeting, Attendee }));
  assert.ok(seat);
  assert.equal(foreignHost(seat, 'meet.example'), '');
  assert.equal(foreignHost(seat, 'localhost:8480'), 'meet.example');
  const broken = { ...seat, meeting: { ...seat.meeting, MediaPlacement: {} } };
  assert.equal(foreignHost(broken, 'localhost'), 'undefined');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../src/explorer/call';
import { goCurrent, goLegacy } from '../src/explorer/gosnippet';
import { type Flavour, operations } from '../src/explorer/operations';

function call(flavour: Flavour, name: string, input: Record<string, unknown>): Call {
  const operation = operations[flavour].find((o) => o.name === name);
  assert.ok(operation, name);
  return { flavour, operation, input, origin: 'https://meet.example', region: 'eu-central-1' };
}

/** The call itself, from the client's variable on, without what stands around every snippet. */
const line = (code: string) => /\tanswer, err := ([\s\S]*?)\n\tif err/.exec(code)?.[1];

test('members have the types of aws-sdk-go-v2', () => {
  const code = goCurrent(
    call('meetings', 'CreateMeetingWithAttendees', {
      ClientRequestToken: 'say "hi"',
      MeetingFeatures: { Audio: { EchoReduction: 'AVAILABLE' }, Attendee: { MaxCount: 25 } },
      TenantIds: ['tenant-1'],
      Attendees: [{ ExternalUserId: 'ada', Capabilities: { Audio: 'Send' } }, { ExternalUserId: 'grace' }],
      Tags: [],
    }),
  );
  assert.equal(
    line(code),
    `client.CreateMeetingWithAttendees(ctx, &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("say \\"hi\\""),
		MeetingFeatures: &types.MeetingFeaturesConfiguration{
			Audio: &types.AudioFeatures{
				EchoReduction: types.MeetingFeatureStatus("AVAILABLE"),
			},
			Attendee: &types.AttendeeFeatures{
				MaxCount: aws.Int32(25),
			},
		},
		TenantIds: []string{
			"tenant-1",
		},
		Attendees: []types.CreateAttendeeRequestItem{
			{
				ExternalUserId: aws.String("ada"),
				Capabilities: &types.AttendeeCapabilities{
					Audio: types.MediaCapabilities("Send"),
				},
			},
			{
				ExternalUserId: aws.String("grace"),
			},
		},
		Tags: []types.Tag{},
	})`,
  );
  assert.match(code, /o\.BaseEndpoint = aws\.String\("https:\/\/meet\.example\/meetings-api"\)/);
  assert.match(code, /config\.WithRegion\("eu-central-1"\)/);
});

test('members have the types of version 1 for the legacy flavour', () => {
  const code = goLegacy(
    call('legacy', 'CreateMeeting', {
      NotificationsConfiguration: { SqsQueueArn: 'arn:q' },
      Tags: [{ Key: 'team', Value: 'red' }],
    }),
  );
  assert.equal(
    line(code),
    `client.CreateMeeting(&chime.CreateMeetingInput{
		NotificationsConfiguration: &chime.MeetingNotificationConfiguration{
			SqsQueueArn: aws.String("arn:q"),
		},
		Tags: []*chime.Tag{
			{
				Key: aws.String("team"),
				Value: aws.String("red"),
			},
		},
	})`,
  );
});

test('the types package is imported only where it is used', () => {
  const types = '"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"';
  assert.ok(!goCurrent(call('meetings', 'GetMeeting', { MeetingId: 'm' })).includes(types));
  assert.ok(goCurrent(call('meetings', 'CreateMeeting', { Tags: [{ Key: 'a', Value: 'b' }] })).includes(types));
});

test('what the AWS SDK for Go does not have is left out', () => {
  const code = goCurrent(call('meetings', 'CreateMeeting', { MediaPlacementNetworkType: 'DualStack' }));
  assert.equal(line(code), 'client.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{})');
});

test('an operation that takes nothing has an empty input', () => {
  assert.equal(line(goLegacy(call('legacy', 'ListMeetings', {}))), 'client.ListMeetings(&chime.ListMeetingsInput{})');
});

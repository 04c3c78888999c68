import { ChimeSDKMeetings } from '@aws-sdk/client-chime-sdk-meetings';

const chime = new ChimeSDKMeetings({ region: 'us-east-1' });
const { Meeting } = await chime.createMeeting({ ClientRequestToken: 'standup-1', ExternalMeetingId: 'standup', MediaRegion: 'us-east-1' });
const { Attendee } = await chime.createAttendee({ MeetingId: Meeting.MeetingId, ExternalUserId: 'ada' });
console.log(JSON.stringify({ Meeting, Attendee }));

// software.amazon.awssdk:chimesdkmeetings; AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS, AWS_REGION and the keys lead it to the server.
import software.amazon.awssdk.services.chimesdkmeetings.ChimeSdkMeetingsClient;

public class Meeting {
    public static void main(String[] args) {
        try (var chime = ChimeSdkMeetingsClient.create()) {
            var meeting = chime.createMeeting(r -> r.clientRequestToken("standup-1").externalMeetingId("standup").mediaRegion("us-east-1")).meeting();
            var attendee = chime.createAttendee(r -> r.meetingId(meeting.meetingId()).externalUserId("ada")).attendee();
            System.out.println(meeting.mediaPlacement().signalingUrl() + " " + attendee.joinToken());
        }
    }
}

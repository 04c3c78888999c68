import json, os, boto3

chime = boto3.client("chime-sdk-meetings", region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS"])
meeting = chime.create_meeting(ClientRequestToken="standup-1", ExternalMeetingId="standup", MediaRegion="us-east-1")["Meeting"]
attendee = chime.create_attendee(MeetingId=meeting["MeetingId"], ExternalUserId="ada")["Attendee"]
print(json.dumps({"Meeting": meeting, "Attendee": attendee}))

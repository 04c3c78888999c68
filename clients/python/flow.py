"""The headline flow of the meetings API by boto3, in both flavours.

Run by the interpreter that has boto3 (Debian's /usr/bin/python3 with
python3-boto3, which still has the legacy calls). Takes the endpoint from
CARILLON_ENDPOINT and the keys from AWS's own variables. Each step prints
"ok <step>"; the first that does not hold ends the process with its reason.
"""

import os
import re
import sys
import traceback
import uuid

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

ENDPOINT = os.environ["CARILLON_ENDPOINT"]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYTHING = {"Audio": "SendReceive", "Video": "SendReceive", "Content": "SendReceive"}
LISTENER = {"Audio": "Receive", "Video": "None", "Content": "None"}


class Flow:
    """One flow through one client; name tells it apart in the output."""

    def __init__(self, name, service, endpoint):
        self.name = name
        self.legacy = service == "chime"
        self.created = 201 if self.legacy else 200
        config = Config(region_name="us-east-1", retries={"mode": "standard", "total_max_attempts": 3})
        self.client = boto3.client(service, endpoint_url=endpoint, config=config)
        self.unchecked = boto3.client(service, endpoint_url=endpoint, config=config.merge(Config(parameter_validation=False)))

    def call(self, operation, status=200, client=None, **members):
        """Makes a call that must succeed with a status."""
        output = getattr(client or self.client, operation)(**members)
        metadata = output.pop("ResponseMetadata")
        assert metadata["HTTPStatusCode"] == status, (operation, metadata["HTTPStatusCode"])
        assert GUID.fullmatch(metadata["RequestId"]), (operation, metadata["RequestId"])
        return output

    def refused(self, exception, status, operation, client=None, **members):
        """Makes a call that must be refused by a typed exception."""
        client = client or self.client
        try:
            getattr(client, operation)(**members)
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
            assert error.response["Error"]["Code"] == exception, (operation, error)
            assert type(error).__name__ == exception, (operation, type(error))
            assert metadata["HTTPStatusCode"] == status, (operation, metadata)
            assert GUID.fullmatch(metadata["RequestId"]), (operation, metadata)
            return error.response["Error"]["Message"]
        raise AssertionError(f"{operation} succeeded, want {exception}")

    def run(self):
        """Runs the steps in order."""
        own = ["meeting_tags", "attendee_tags", "list_meetings"] if self.legacy else ["capabilities", "features", "resource_tags"]
        steps = ["create_meeting", "create_attendee", "batch_of_hundred", "duplicates", "listing", "transcription", "delete_attendee"]
        steps += ["over_limit", "bad_input", *own, "delete_meeting"]
        for step in steps:
            try:
                getattr(self, step)()
            except Exception:
                traceback.print_exc()
                sys.exit(f"{self.name}: {step} did not hold")
            print("ok", self.name, step)
        print("complete", self.name, len(steps))

    def create_meeting(self):
        members = {"ClientRequestToken": str(uuid.uuid4()), "MediaRegion": "eu-west-1", "ExternalMeetingId": "clients-python"}
        self.meeting = self.call("create_meeting", self.created, **members)["Meeting"]
        self.id = self.meeting["MeetingId"]
        assert GUID.fullmatch(self.id) and self.meeting["MediaRegion"] == "eu-west-1"
        assert self.call("create_meeting", self.created, **members)["Meeting"] == self.meeting
        assert self.call("get_meeting", MeetingId=self.id)["Meeting"] == self.meeting

    def create_attendee(self):
        members = {"MeetingId": self.id, "ExternalUserId": "user é «1»"}
        self.attendee = self.call("create_attendee", self.created, **members)["Attendee"]
        assert re.fullmatch("[A-Za-z0-9]{98}", self.attendee["JoinToken"])
        assert self.attendee["ExternalUserId"] == members["ExternalUserId"]
        assert self.attendee.get("Capabilities") == (None if self.legacy else EVERYTHING)
        assert self.call("create_attendee", self.created, **members)["Attendee"] == self.attendee
        read = self.call("get_attendee", MeetingId=self.id, AttendeeId=self.attendee["AttendeeId"])
        assert read["Attendee"] == self.attendee

    def batch_of_hundred(self):
        extra = {"Tags": [{"Key": "seat", "Value": "4b"}]} if self.legacy else {"Capabilities": LISTENER}
        items = [{"ExternalUserId": f"batch-{i}", **extra} for i in range(100)]
        output = self.call("batch_create_attendee", self.created, MeetingId=self.id, Attendees=items)
        self.batch = output["Attendees"]
        assert output["Errors"] == []
        assert [a["ExternalUserId"] for a in self.batch] == [i["ExternalUserId"] for i in items]
        assert self.legacy or all(a["Capabilities"] == LISTENER for a in self.batch)

    def duplicates(self):
        items = [{"ExternalUserId": u} for u in ("batch-7", "twice", "twice", "batch-8")]
        out = self.call("batch_create_attendee", self.created, MeetingId=self.id, Attendees=items)["Attendees"]
        assert len(out) == 4 and out[1] == out[2] and out[0] == self.batch[7] and out[3] == self.batch[8]

    def pages(self, operation, member, **members):
        """Follows NextToken by hand: botocore has no paginator here."""
        items, token = [], {}
        while True:
            output = self.call(operation, **members, **token)
            items += output[member]
            if not output.get("NextToken"):
                return items
            token = {"NextToken": output["NextToken"]}

    def listing(self):
        seen = self.pages("list_attendees", "Attendees", MeetingId=self.id, MaxResults=40)
        assert len(seen) == 102 and seen[0] == self.attendee
        assert len({a["AttendeeId"] for a in seen}) == 102

    def transcription(self):
        configuration = {"EngineTranscribeSettings": {"LanguageCode": "en-GB"}}
        self.call("start_meeting_transcription", MeetingId=self.id, TranscriptionConfiguration=configuration)
        self.call("stop_meeting_transcription", MeetingId=self.id)

    def delete_attendee(self):
        members = {"MeetingId": self.id, "AttendeeId": self.attendee["AttendeeId"]}
        self.call("delete_attendee", 204, **members)
        message = self.refused("NotFoundException", 404, "get_attendee", **members)
        assert members["AttendeeId"] in message
        self.refused("NotFoundException", 404, "delete_attendee", **members)

    def over_limit(self):
        members = {"ClientRequestToken": str(uuid.uuid4()), "MediaRegion": "us-east-1", "ExternalMeetingId": "clients-full"}
        meeting = self.call("create_meeting", self.created, **members)["Meeting"]["MeetingId"]
        for start in (0, 100, 200):
            items = [{"ExternalUserId": f"crowd-{i}"} for i in range(start, min(start + 100, 253))]
            output = self.call("batch_create_attendee", self.created, MeetingId=meeting, Attendees=items)
        assert len(output["Attendees"]) == 50
        assert [e["ExternalUserId"] for e in output["Errors"]] == ["crowd-250", "crowd-251", "crowd-252"]
        assert {e["ErrorCode"] for e in output["Errors"]} == {"ResourceLimitExceeded"}
        exception = "ResourceLimitExceededException" if self.legacy else "LimitExceededException"
        self.refused(exception, 400, "create_attendee", MeetingId=meeting, ExternalUserId="one-more")
        self.call("delete_meeting", 204, MeetingId=meeting)

    def bad_input(self):
        many = [{"ExternalUserId": f"many-{i}"} for i in range(101)]
        self.refused("BadRequestException", 400, "batch_create_attendee", MeetingId=self.id, Attendees=many)
        for members in ({"Attendees": []}, {}, {"Attendees": [{"ExternalUserId": "x"}]}, {"Attendees": [{}]}):
            self.refused("BadRequestException", 400, "batch_create_attendee", client=self.unchecked, MeetingId=self.id, **members)
        self.refused("BadRequestException", 400, "get_meeting", client=self.unchecked, MeetingId="")
        try:
            self.client.create_attendee(MeetingId=self.id)
        except ParamValidationError:
            return
        raise AssertionError("boto3 sent a request without a required member")

    def capabilities(self):
        one, other = self.batch[0]["AttendeeId"], self.batch[1]["AttendeeId"]
        output = self.call("update_attendee_capabilities", MeetingId=self.id, AttendeeId=one, Capabilities=EVERYTHING)
        assert output["Attendee"] == {**self.batch[0], "Capabilities": EVERYTHING}
        silence = {**LISTENER, "Audio": "None"}
        excluded = [{"AttendeeId": one}]
        self.call("batch_update_attendee_capabilities_except", MeetingId=self.id, ExcludedAttendeeIds=excluded, Capabilities=silence)
        assert self.call("get_attendee", MeetingId=self.id, AttendeeId=one)["Attendee"]["Capabilities"] == EVERYTHING
        assert self.call("get_attendee", MeetingId=self.id, AttendeeId=other)["Attendee"]["Capabilities"] == silence

    def features(self):
        members = {"ClientRequestToken": str(uuid.uuid4()), "MediaRegion": "us-east-1", "ExternalMeetingId": "clients-features"}
        features = {"Audio": {"EchoReduction": "AVAILABLE"}}
        meeting = self.call(
            "create_meeting_with_attendees", MeetingFeatures=features, TenantIds=["tenant-1"],
            Attendees=[{"ExternalUserId": "host"}, {"ExternalUserId": "guest", "Capabilities": LISTENER}], **members)
        assert meeting["Meeting"]["MeetingFeatures"] == features and meeting["Meeting"]["TenantIds"] == ["tenant-1"]
        assert [a["Capabilities"] for a in meeting["Attendees"]] == [EVERYTHING, LISTENER]
        self.call("delete_meeting", 204, MeetingId=meeting["Meeting"]["MeetingId"])

    def resource_tags(self):
        arn = self.meeting["MeetingArn"]
        self.call("tag_resource", 204, ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}, {"Key": "floor", "Value": ""}])
        self.call("untag_resource", 204, ResourceARN=arn, TagKeys=["floor"])
        assert self.call("list_tags_for_resource", ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "red"}]
        gone = arn.replace(self.id, str(uuid.UUID(int=0)))
        self.refused("ResourceNotFoundException", 404, "list_tags_for_resource", ResourceARN=gone)

    def meeting_tags(self):
        self.call("tag_meeting", 204, MeetingId=self.id, Tags=[{"Key": "ma clé", "Value": "日本"}])
        assert self.call("list_meeting_tags", MeetingId=self.id)["Tags"] == [{"Key": "ma clé", "Value": "日本"}]
        self.call("untag_meeting", 204, MeetingId=self.id, TagKeys=["ma clé"])

    def attendee_tags(self):
        members = {"MeetingId": self.id, "AttendeeId": self.batch[3]["AttendeeId"]}
        self.call("tag_attendee", 204, Tags=[{"Key": "row", "Value": "2"}], **members)
        self.call("untag_attendee", 204, TagKeys=["seat"], **members)
        assert self.call("list_attendee_tags", **members)["Tags"] == [{"Key": "row", "Value": "2"}]

    def list_meetings(self):
        listed = self.pages("list_meetings", "Meetings", MaxResults=1)
        assert [m["MeetingId"] for m in listed].count(self.id) == 1
        # Through the bare endpoint this client names no flavour at all; the
        # meeting itself tells it.
        bare = boto3.client("chime", endpoint_url=ENDPOINT, region_name="us-east-1")
        self.call("batch_create_attendee", 201, client=bare, MeetingId=self.id, Attendees=[{"ExternalUserId": "bare"}])

    def delete_meeting(self):
        self.call("delete_meeting", 204, MeetingId=self.id)
        self.call("delete_meeting", 204, MeetingId=self.id)
        assert self.id in self.refused("NotFoundException", 404, "get_meeting", MeetingId=self.id)


def main():
    print("boto3", boto3.__version__, "botocore", botocore.__version__)
    Flow("python-meetings", "chime-sdk-meetings", ENDPOINT).run()
    Flow("python-chime", "chime", ENDPOINT + "/legacy").run()


main()

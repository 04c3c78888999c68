import pytest

STANDUP = {"ClientRequestToken": "standup-1", "ExternalMeetingId": "standup", "MediaRegion": "us-east-1"}


def test_the_sdk_comes_through_throttling(carillon):
    carillon.throttle("CreateMeeting", 2)
    made = carillon.sdk().create_meeting(**STANDUP)
    assert made["Meeting"]["ExternalMeetingId"] == "standup"
    assert made["ResponseMetadata"]["RetryAttempts"] == 2


def test_a_meeting_that_nobody_joins_is_gone_after_ten_minutes(carillon):
    chime = carillon.sdk()
    meeting = chime.create_meeting(**STANDUP)["Meeting"]["MeetingId"]
    carillon.advance("10m")
    with pytest.raises(chime.exceptions.NotFoundException):
        chime.get_meeting(MeetingId=meeting)
    [ended] = carillon.events(type="MeetingEnded", meeting=meeting, wait="10s")
    assert ended["detail"]["externalMeetingId"] == "standup"


def test_each_test_begins_with_nothing(carillon):
    chime = carillon.sdk()
    carillon.fail(operation="CreateMeeting", error="ForbiddenException", message="not today", calls=1)
    with pytest.raises(chime.exceptions.ForbiddenException, match="not today"):
        chime.create_meeting(**STANDUP)
    assert carillon.events() == []

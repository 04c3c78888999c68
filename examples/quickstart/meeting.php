<?php
require 'vendor/autoload.php'; // composer require aws/aws-sdk-php
$chime = new Aws\ChimeSDKMeetings\ChimeSDKMeetingsClient(['region' => 'us-east-1', 'version' => 'latest', 'endpoint' => getenv('AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS')]);
$meeting = $chime->createMeeting(['ClientRequestToken' => 'standup-1', 'ExternalMeetingId' => 'standup', 'MediaRegion' => 'us-east-1'])['Meeting'];
$attendee = $chime->createAttendee(['MeetingId' => $meeting['MeetingId'], 'ExternalUserId' => 'ada'])['Attendee'];
echo json_encode(['Meeting' => $meeting, 'Attendee' => $attendee]), "\n";

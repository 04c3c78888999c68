package cases

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// createMeetingCases are the behaviours of CreateMeeting that concern no
// feature with a file of its own (features.go, replicas.go, idempotency.go,
// limits.go).
func createMeetingCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "CreateMeeting_AnswersTheMeeting", Says: "the answer names the new meeting, its external id and its media Region, with 200 (current) or 201 (legacy)", In: inBoth(), Body: answersTheMeeting},
		{Name: "CreateMeeting_AnswersExactlyTheMembersOfItsFlavour", Says: "the Meeting has the members its flavour documents and no others; TenantIds is [] when none", In: inBoth(), Body: meetingMembers},
		{Name: "CreateMeeting_PlacementHasEightUsableAddresses", Says: "all placement members are there; AudioHostUrl is host:port; SignalingUrl has no query and names the meeting", In: inBoth(), Body: placementIsUsable},
		{Name: "CreateMeeting_MeetingArnNamesRegionAccountAndMeeting", Says: "MeetingArn is arn:aws:chime:{region}:{account}:meeting/{id}", In: inMeetings(), Body: meetingArn},
		{Name: "CreateMeeting_HostIdIsEchoed", Says: "MeetingHostId is stored and echoed, without meaning (D-04)", In: inMeetings(), Body: hostIDEchoed},
		{Name: "CreateMeeting_HostIdIsNotEchoedInLegacy", Says: "the legacy Meeting has no MeetingHostId", In: inLegacy(), Body: hostIDHidden},
		{Name: "CreateMeeting_MediaRegionDefaults", Says: "MediaRegion defaults to us-east-1", In: inLegacy(), Body: mediaRegionDefaults},
		{Name: "CreateMeeting_ExternalMeetingIdIsOptionalInLegacy", Says: "without an ExternalMeetingId the answer has none", In: inLegacy(), Body: externalMeetingIDOptional},
		{Name: "CreateMeeting_EveryMediaRegionIsAccepted", Says: "all documented media Regions are accepted and echoed (D-26)", In: inBoth(), Body: everyMediaRegion},
		{Name: "CreateMeeting_ExternalMeetingIdMayBeShared", Says: "two active meetings may have the same ExternalMeetingId", In: inBoth(), Body: sharedExternalMeetingID},
		{Name: "CreateMeeting_ExternalMeetingIdTakesEveryAllowedCharacter", Says: "letters, digits, Latin-1 letters, white space and the listed punctuation are accepted and echoed", In: inMeetings(), Body: externalIDAlphabet},
		{Name: "CreateMeeting_ExternalMeetingIdIsFreeInLegacy", Says: "the legacy flavour bounds only the length of ExternalMeetingId", In: inLegacy(), Body: externalIDFree},
		{Name: "CreateMeeting_TenantIdsAreEchoed", Says: "TenantIds are stored and echoed in order", In: inMeetings(), Body: tenantsEchoed},
		{Name: "CreateMeeting_NetworkTypeIsNotEchoed", Says: "MediaPlacementNetworkType is accepted and has no output member (D-05)", In: inMeetings(), Body: networkTypeHidden},
		{Name: "CreateMeeting_MembersOfTheOtherFlavourAreIgnored", Says: "members only the current flavour knows are ignored in legacy (D-02)", In: inLegacy(), Body: currentMembersIgnored},
		{Name: "CreateMeeting_AllViolationsAreListed", Says: "one answer lists every violated constraint", In: inMeetings(), Body: allViolations},
		{Name: "CreateMeeting_SensitiveValuesAreNotRepeated", Says: "a refusal never repeats a token or an external id", In: inBoth(), Body: noSecretsInRefusals},
	}, createMeetingProbes())
}

// aMeeting is the attempt whose valid body creates a meeting with one of
// everything.
func aMeeting() attempt {
	return attempt{operation: "CreateMeeting", method: post, prepare: func(t *conform.T) (string, object) {
		return "/meetings", object{
			"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-probe",
			"Tags": list{object{"Key": "team", "Value": "red"}}, "NotificationsConfiguration": object{},
		}
	}}
}

func createMeetingProbes() []conform.Case {
	return slices.Concat(
		aMeeting().cases(tokenProbes()...), aMeeting().cases(meetingMemberProbes()...),
		aMeeting().cases(notificationProbes()...), aMeeting().cases(newTagProbes()...), aMeeting().cases(tenantProbes()...),
	)
}

func tokenProbes() []probe {
	const m = "ClientRequestToken"
	return []probe{
		{name: "TokenMissing", change: drop(m), says: "ClientRequestToken is required", words: m},
		{name: "TokenNull", change: set(m, nil), says: "null equals absent", words: m},
		{name: "TokenTooShort", change: set(m, "a"), says: "ClientRequestToken has at least 2 characters", words: m},
		{name: "TokenTooLong", change: set(m, letters(65)), says: "ClientRequestToken has at most 64 characters", words: m},
		{name: "TokenOfOddCharacters", change: set(m, "token.with.dots"), says: "ClientRequestToken matches its pattern as a whole (D-19)", words: m},
		{name: "TokenWithLineEnd", change: set(m, "token\n"), says: "patterns match the whole value, line ends included (D-19)", words: m},
		{name: "TokenOfWrongType", change: set(m, 17), says: "a number where a string is wanted is refused", words: anyWords},
		{name: "TokenOfTwoCharacters", change: func(o object) { o[m] = uuid.NewString()[:2] + "_" + uuid.NewString()[:30] }, says: "letters, digits, - and _ are accepted"},
		{name: "TokenOfSixtyFourCharacters", change: func(o object) { o[m] = uuid.NewString() + letters(28) }, says: "ClientRequestToken may have 64 characters"},
	}
}

func meetingMemberProbes() []probe {
	return []probe{
		{name: "MediaRegionMissing", in: inMeetings(), change: drop("MediaRegion"), says: "MediaRegion is required", words: "mediaRegion"},
		{name: "MediaRegionUnknown", change: set("MediaRegion", "moon-base-1"), says: "an unknown media Region is refused", words: "mediaRegion"},
		{name: "MediaRegionOfAnotherPartition", change: set("MediaRegion", "us-gov-west-1"), says: "a media Region of another partition is refused", words: anyWords},
		{name: "MediaRegionTooLong", in: inMeetings(), change: set("MediaRegion", letters(65)), says: "MediaRegion has at most 64 characters", words: "mediaRegion"},
		{name: "MediaRegionInCapitals", change: set("MediaRegion", "US-EAST-1"), says: "media Regions are case-sensitive", words: anyWords},
		{name: "ExternalMeetingIdMissing", in: inMeetings(), change: drop("ExternalMeetingId"), says: "ExternalMeetingId is required", words: "externalMeetingId"},
		{name: "ExternalMeetingIdTooShort", change: set("ExternalMeetingId", "x"), says: "ExternalMeetingId has at least 2 characters", words: "externalMeetingId"},
		{name: "ExternalMeetingIdTooLong", change: set("ExternalMeetingId", letters(65)), says: "ExternalMeetingId has at most 64 characters", words: "externalMeetingId"},
		{name: "ExternalMeetingIdCountsCodePoints", change: set("ExternalMeetingId", strings.Repeat("é", 64)), says: "lengths count code points, not bytes"},
		{name: "ExternalMeetingIdReserved", in: inMeetings(), change: set("ExternalMeetingId", "aws:mine"), says: "the prefix aws: is reserved", words: anyWords},
		{name: "ExternalMeetingIdReservedInAnyCase", in: inMeetings(), change: set("ExternalMeetingId", "AwS:mine"), says: "the prefix aws: is reserved in any letter case", words: anyWords},
		{name: "ExternalMeetingIdReservedNotInLegacy", in: inLegacy(), change: set("ExternalMeetingId", "aws:mine"), says: "the legacy flavour reserves no prefix"},
		{name: "HostIdTooShort", change: set("MeetingHostId", "h"), says: "MeetingHostId has at least 2 characters", words: "meetingHostId"},
		{name: "HostIdTooLong", change: set("MeetingHostId", letters(65)), says: "MeetingHostId has at most 64 characters", words: "meetingHostId"},
		{name: "HostIdOutsideTheAlphabet", in: inMeetings(), change: set("MeetingHostId", "host!"), says: "MeetingHostId has the shape of an external user id", words: "meetingHostId"},
		{name: "NetworkTypeIpv4Only", in: inMeetings(), change: set("MediaPlacementNetworkType", "Ipv4Only"), says: "Ipv4Only is accepted"},
		{name: "NetworkTypeDualStack", in: inMeetings(), change: set("MediaPlacementNetworkType", "DualStack"), says: "DualStack is accepted"},
		{name: "NetworkTypeUnknown", in: inMeetings(), change: set("MediaPlacementNetworkType", "Ipv6Only"), says: "another network type is refused", words: "mediaPlacementNetworkType"},
		{name: "NetworkTypeInSmallLetters", in: inMeetings(), change: set("MediaPlacementNetworkType", "dualstack"), says: "enum values are case-sensitive", words: "mediaPlacementNetworkType"},
		{name: "UnknownMemberIgnored", change: set("FutureMember", object{"a": 1}), says: "unknown members are ignored (D-02)"},
		{name: "MemberNamesAreCaseSensitive", change: func(o object) { o["clientRequestToken"] = o["ClientRequestToken"]; delete(o, "ClientRequestToken") }, says: "member names match exactly (D-03)", words: "clientRequestToken"},
	}
}

func notificationProbes() []probe {
	const m = "NotificationsConfiguration"
	sqs := "arn:aws:sqs:us-east-1:000000000000:queue"
	return []probe{
		{name: "NotificationsEmpty", change: set(m, object{}), says: "an empty NotificationsConfiguration is legal"},
		{name: "NotificationsQueueAndTopic", change: set(m, object{"SqsQueueArn": sqs, "SnsTopicArn": "arn:aws:sns:us-east-1:000000000000:topic"}), says: "a queue and a topic are accepted"},
		{name: "NotificationsLambda", in: inMeetings(), change: set(m, object{"LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f"}), says: "a function is accepted"},
		{name: "NotificationsQueueNotAnArn", change: set(m, object{"SqsQueueArn": "https://queue"}), says: "a target must be an ARN", words: "sqsQueueArn"},
		{name: "NotificationsTopicNotAnArn", change: set(m, object{"SnsTopicArn": "arn:aws:sns:us east"}), says: "an ARN matches its pattern as a whole", words: "snsTopicArn"},
		{name: "NotificationsLambdaNotAnArn", in: inMeetings(), change: set(m, object{"LambdaFunctionArn": "function"}), says: "a function must be an ARN", words: "lambdaFunctionArn"},
		{name: "NotificationsArnTooLong", change: set(m, object{"SqsQueueArn": sqs + letters(1024)}), says: "an ARN has at most 1024 characters", words: "sqsQueueArn"},
		{name: "NotificationsOfWrongType", change: set(m, "none"), says: "a string where an object is wanted is refused", words: anyWords},
	}
}

func newTagProbes() []probe {
	tag := func(i int) any { return object{"Key": "key-" + letters(i+1), "Value": "v"} }
	return []probe{
		{name: "TagsFifty", change: set("Tags", times(50, tag)), says: "50 tags are accepted"},
		{name: "TagsFiftyOne", change: set("Tags", times(51, tag)), says: "more than 50 tags are refused", words: "tags"},
		{name: "TagsEmptyList", in: inMeetings(), change: set("Tags", list{}), says: "an empty tag list is accepted"},
		{name: "TagsEmptyListInLegacy", in: inLegacy(), change: set("Tags", list{}), says: "the legacy flavour wants at least one tag", words: "tags"},
		{name: "TagsDuplicateKeys", change: set("Tags", list{object{"Key": "a", "Value": "1"}, object{"Key": "a", "Value": "2"}}), says: "a key twice in one request is refused (D-17)", words: anyWords},
	}
}

func tenantProbes() []probe {
	const m = "TenantIds"
	only := inMeetings()
	return []probe{
		{name: "TenantIdsFive", in: only, change: set(m, list{"t1", "t2", "t3", "t4", "t5"}), says: "five tenants are accepted"},
		{name: "TenantIdsSix", in: only, change: set(m, list{"t1", "t2", "t3", "t4", "t5", "t6"}), says: "more than five tenants are refused", words: m},
		{name: "TenantIdsNone", in: only, change: set(m, list{}), says: "an empty tenant list is refused", words: m},
		{name: "TenantIdTooShort", in: only, change: set(m, list{"t"}), says: "a tenant id has at least 2 characters", words: m},
		{name: "TenantIdTooLong", in: only, change: set(m, list{strings.Repeat("ab", 129)}), says: "a tenant id has at most 256 characters", words: m},
		{name: "TenantIdLong", in: only, change: set(m, list{strings.Repeat("ab", 128)}), says: "a tenant id may have 256 characters"},
		{name: "TenantIdOddCharacters", in: only, change: set(m, list{"tenant id"}), says: "a tenant id has no spaces", words: m},
		{name: "TenantIdEveryPunctuation", in: only, change: set(m, list{"-_!@#$aZ09"}), says: "- _ ! @ # $ are accepted in a tenant id"},
		{name: "TenantIdThreeInARow", in: only, change: set(m, list{"aaab"}), says: "a character three times in a row is accepted"},
		{name: "TenantIdFourInARow", in: only, change: set(m, list{"xaaaay"}), says: "a character four times in a row is refused", words: m},
	}
}

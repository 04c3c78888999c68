package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// shapes are the constraints in which the flavours differ.
type shapes struct {
	externalID  restjson.TextRule // ExternalUserId, ExternalMeetingId, MeetingHostId
	reservesAWS bool              // external ids must not begin with "aws:"

	needsMediaRegion       bool
	needsExternalMeetingID bool
	needsAttendees         bool // in CreateMeetingWithAttendees
	maxCreateAttendees     int  // in CreateMeetingWithAttendees

	tagKey, tagValue restjson.TextRule
	minTags          int // least items of a list of tags or tag keys
	resourceArn      restjson.TextRule

	maxResults int // longest page

	attendee, newMeeting []string // members that are read
	transcribeRegions    []string
}

const (
	maxBatch        = 100 // attendees of BatchCreateAttendee
	maxExcluded     = 250 // ids of BatchUpdateAttendeeCapabilitiesExcept
	maxMeetingTags  = 50  // items of a list
	maxAttendeeTags = 10  // items of a list
	maxTenants      = 5
)

func shapesOf(f meeting.Flavour) *shapes {
	switch f {
	case meeting.Legacy:
		return &legacyShapes
	case meeting.Pipelines:
		return &pipelineShapes
	}
	return &currentShapes
}

var currentShapes = shapes{
	externalID: restjson.TextRule{Min: 2, Max: 64, Match: isExternalID,
		Pattern: `[-_&@+=,(){}\[\]\/«».:|'"#a-zA-Z0-9À-ÿ\s]*`},
	reservesAWS:            true,
	needsMediaRegion:       true,
	needsExternalMeetingID: true,
	needsAttendees:         true,
	maxCreateAttendees:     20,
	tagKey:                 restjson.TextRule{Min: 1, Max: 128, Match: isTagKey, Pattern: `^[a-zA-Z+-=._:/]+$`},
	tagValue:               restjson.TextRule{Max: 256, Match: isTagValue, Pattern: `[\s\w+-=\.:/@]*`},
	resourceArn:            restjson.TextRule{Min: 1, Max: 1011, Match: startsLikeArn, Pattern: `^arn:.*`},
	maxResults:             100,
	attendee:               []string{"ExternalUserId", "Capabilities"},
	newMeeting: []string{"ClientRequestToken", "MediaRegion", "ExternalMeetingId", "MeetingHostId", "NotificationsConfiguration", "Tags",
		"Attendees", "MeetingFeatures", "PrimaryMeetingId", "TenantIds", "MediaPlacementNetworkType"},
	transcribeRegions: append(transcribeRegions(), "us-gov-west-1"),
}

var legacyShapes = shapes{
	externalID:         restjson.TextRule{Min: 2, Max: 64},
	maxCreateAttendees: 10,
	tagKey:             restjson.TextRule{Min: 1, Max: 128},
	tagValue:           restjson.TextRule{Min: 1, Max: 256},
	minTags:            1,
	resourceArn:        restjson.TextRule{Min: 1, Max: 1024, Match: isArn, Pattern: arnPattern},
	maxResults:         99,
	attendee:           []string{"ExternalUserId", "Tags"},
	newMeeting: []string{"ClientRequestToken", "MediaRegion", "ExternalMeetingId", "MeetingHostId", "NotificationsConfiguration", "Tags",
		"Attendees"},
	transcribeRegions: transcribeRegions(),
}

var pipelineShapes = shapes{
	tagKey:      restjson.TextRule{Min: 1, Max: 128},
	tagValue:    restjson.TextRule{Max: 256},
	minTags:     1,
	resourceArn: restjson.TextRule{Min: 1, Max: 1011, Match: isArn, Pattern: arnPattern},
	maxResults:  100,
}

func transcribeRegions() []string {
	return []string{"us-east-2", "us-east-1", "us-west-2", "ap-northeast-2", "ap-southeast-2", "ap-northeast-1",
		"ca-central-1", "eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1", "auto"}
}

// DefaultControlRegions returns the Regions that requests may be signed for
// unless one is pinned: those in which the real service has an endpoint or
// carries media. The list has an end, since each Region has its own quota of
// meetings.
func DefaultControlRegions() []string {
	return append(DefaultMediaRegions(), "il-central-1")
}

// DefaultMediaRegions returns the values of MediaRegion that the real service
// documents.
func DefaultMediaRegions() []string {
	return []string{
		"af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1",
	}
}

package api

import (
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// partition returns the AWS partition that a Region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}

// meetingArn returns the name of a meeting as the current flavour shows it.
func meetingArn(owner meeting.Owner, id meeting.ID) string {
	return "arn:" + partition(owner.Region) + ":chime:" + owner.Region + ":" + owner.Account + ":meeting/" + id.String()
}

// arn is the parts of an ARN that tell meetings apart.
type arn struct {
	service, region, account string
	meetingID                string // "" when it names no meeting
	pipelineID               string // "" when it names no media pipeline
}

// parseArn splits an ARN. Three spellings of a meeting are in public use (API
// decision D-49): with Region and meeting/id, without Region, and meeting:id.
// ok is false when s is no ARN at all.
func parseArn(s string) (a arn, ok bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[1] == "" || parts[5] == "" {
		return arn{}, false
	}
	a = arn{service: parts[2], region: parts[3], account: parts[4]}
	if id, found := strings.CutPrefix(parts[5], "meeting/"); found {
		a.meetingID = id
	} else if id, found := strings.CutPrefix(parts[5], "meeting:"); found {
		a.meetingID = id
	} else if id, found := strings.CutPrefix(parts[5], "media-pipeline/"); found {
		a.pipelineID = id
	}
	return a, true
}

// idOfArn returns the meeting that an ARN names, whoever owns it.
func idOfArn(s string) (meeting.ID, bool) {
	a, _ := parseArn(s)
	return meeting.ParseID(a.meetingID)
}

// ownMeeting returns the meeting that an ARN names if it can be one of the
// owner's.
func (a arn) ownMeeting(owner meeting.Owner) (meeting.ID, bool) {
	if a.service != "chime" || a.account != owner.Account || a.region != "" && a.region != owner.Region {
		return meeting.ID{}, false
	}
	return meeting.ParseID(a.meetingID)
}

// ownPipeline returns the media pipeline that an ARN names if it can be one of
// the owner's.
func (a arn) ownPipeline(owner meeting.Owner) (meeting.ID, bool) {
	if a.service != "chime" || a.account != owner.Account || a.region != owner.Region {
		return meeting.ID{}, false
	}
	return meeting.ParseID(a.pipelineID)
}

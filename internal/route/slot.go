package route

import (
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// slotInBody returns the slot of a request that does not name its meeting in
// the path; false when it is about none, or about something that no slot can
// have: any node gives the same answer then.
func (r *Router) slotInBody(req *http.Request, b *body) (slot int, ok bool) {
	get, post := req.Method == http.MethodGet, req.Method == http.MethodPost
	switch segment := lastSegment(req.URL.Path); {
	case segment == "tags" && get:
		return slotOfARN(req.URL.Query().Get("arn"))
	case segment == "tags" && post:
		return slotOfARN(b.members().text("ResourceARN"))
	case segment == "meetings" && post:
		return r.slotOfNew(req, b.members())
	case strings.HasSuffix(segment, "media-capture-pipelines") && post: // in either flavour
		return slotOfARN(b.members().text("SourceArn"))
	case segment == "sdk-media-concatenation-pipelines" && post:
		source := b.members().first("Sources").object("MediaCapturePipelineSourceConfiguration")
		return slotOfARN(source.text("MediaPipelineArn"))
	case segment == "sdk-media-live-connector-pipelines" && post:
		source := b.members().first("Sources").object("ChimeSdkMeetingLiveConnectorConfiguration")
		return slotOfARN(source.text("Arn"))
	case segment == "turn_sessions" && post: // of clients before 1.18.4
		return slotOfID(b.members().text("meetingId"))
	case segment == "client-events" && post: // of clients that were not told the whole address
		return slotOfID(b.members().object("metadata").text("meetingId"))
	}
	return 0, false
}

// slotOfNew returns the slot of a meeting that is to be created.
func (r *Router) slotOfNew(req *http.Request, m members) (int, bool) {
	if slot, ok := slotOfID(m.text("PrimaryMeetingId")); ok && r.cfg.Replicates(req) {
		return slot, true
	}
	token := m.text("ClientRequestToken")
	if token == "" {
		return 0, false
	}
	return r.cfg.SlotOfToken(req, token)
}

// meetingInPath returns the first segment of a path that is a meeting's id:
// both doors, the console and the application API name a meeting so.
func meetingInPath(path string) (meeting.ID, bool) {
	const length = 36
	for segment := range strings.SplitSeq(path, "/") {
		if len(segment) != length {
			continue
		}
		if id, ok := meeting.ParseID(segment); ok {
			return id, true
		}
	}
	return meeting.ID{}, false
}

func lastSegment(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// slotOfARN finds the meeting in the three spellings of an ARN: with a Region or
// without one, as meeting/id or meeting:id (API decision D-49); or the media
// pipeline, which lies in the slot of its meeting.
func slotOfARN(arn string) (int, bool) {
	_, resource, found := strings.Cut(arn, ":meeting")
	if !found {
		_, resource, found = strings.Cut(arn, ":media-pipeline")
	}
	if !found || resource == "" {
		return 0, false
	}
	id, ok := meetingInPath(resource[1:])
	return id.Slot(), ok
}

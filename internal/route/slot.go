package route

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// maxPeek bounds what is read of a body to find the slot, in bytes: the largest
// body of an operation that names its meeting or its token there, a
// CreateMeetingWithAttendees of a hundred people with ten tags each.
const maxPeek = 4 << 20

// slotOf returns the slot a request is about; false when it is about none, or
// about something that no slot can have: any node gives the same answer then.
// It may read the body, and puts it back.
func (r *Router) slotOf(req *http.Request) (slot int, ok bool) {
	if id, ok := meetingInPath(req.URL.Path); ok {
		return r.cfg.SlotOfMeeting(id), true
	}
	switch segment := lastSegment(req.URL.Path); {
	case segment == "tags" && req.Method == http.MethodGet:
		return r.slotOfARN(req.URL.Query().Get("arn"))
	case segment == "tags":
		return r.slotOfARN(peek(req).ResourceARN)
	case segment == "meetings" && req.Method == http.MethodPost:
		p := peek(req)
		if id, ok := meeting.ParseID(p.PrimaryMeetingID); ok {
			return r.cfg.SlotOfMeeting(id), true
		}
		if p.ClientRequestToken == "" {
			return 0, false
		}
		return r.cfg.SlotOfToken(accessKey(req), p.ClientRequestToken)
	}
	return 0, false
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

// slotOfARN finds the meeting in arn:aws:chime:region:account:meeting/id and in
// the ARN of an attendee, which has the meeting's id as well.
func (r *Router) slotOfARN(arn string) (int, bool) {
	_, resource, found := strings.Cut(arn, ":meeting/")
	if !found {
		return 0, false
	}
	id, ok := meetingInPath(resource)
	if !ok {
		return 0, false
	}
	return r.cfg.SlotOfMeeting(id), true
}

// peeked is what a body says about its slot.
type peeked struct {
	ClientRequestToken string
	PrimaryMeetingID   string `json:"PrimaryMeetingId"`
	ResourceARN        string
}

// peek reads the body and puts it back. What cannot be read says nothing: the
// door finds out what is wrong with it.
func peek(req *http.Request) (p peeked) {
	if data, err := keepBody(req); err == nil {
		_ = json.Unmarshal(data, &p)
	}
	return p
}

// keepBody reads up to maxPeek of the body, puts it back and returns it; nil
// when there is none. A longer one is refused by every door, which may as well
// be the one here.
func keepBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body := req.Body
	data, err := io.ReadAll(io.LimitReader(body, maxPeek))
	req.Body = &replayed{Reader: io.MultiReader(bytes.NewReader(data), body), Closer: body}
	return data, err
}

// replayed is a body of which a part was read before.
type replayed struct {
	io.Reader
	io.Closer
}

// accessKey returns the access key id that a request is signed with, unproven;
// "" when it names none.
func accessKey(req *http.Request) string {
	credential := req.URL.Query().Get("X-Amz-Credential")
	if _, rest, found := strings.Cut(req.Header.Get("Authorization"), "Credential="); found {
		credential = rest
	}
	if decoded, err := url.QueryUnescape(credential); err == nil {
		credential = decoded
	}
	key, _, _ := strings.Cut(credential, "/")
	return strings.TrimSpace(key)
}

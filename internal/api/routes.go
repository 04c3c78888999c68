package api

import (
	"net/url"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// respond writes the body of a successful response; nil stands for no body.
type respond func(w *restjson.Writer)

// operation is one API operation, shared by the flavours that have it.
type operation struct {
	name      string // as in the API; with "chime:" before it, the action of policies
	run       func(*Server, *call) (respond, error)
	unmetered bool // has no request quota of its own
	maxBody   int  // bytes; 0: smallBody

	// For operations that both flavours have, what tells which is meant when
	// neither the endpoint nor the client says.
	arn     func(*call) string                // the resource it is about, when that tells it
	home    func(*call) (meeting.ID, bool)    // the meeting it is about, when its path has no label for it
	flavour func(body []byte) meeting.Flavour // by what the body holds; 0 when that tells nothing
}

// The operations, each a method in the file of its name.
var (
	createMeeting                         = operation{name: "CreateMeeting", run: (*Server).createMeeting, maxBody: meetingBody, flavour: newMeetingFlavour}
	createMeetingWithAttendees            = operation{name: "CreateMeetingWithAttendees", run: (*Server).createMeetingWithAttendees, maxBody: meetingBody, flavour: newMeetingWithAttendeesFlavour}
	getMeeting                            = operation{name: "GetMeeting", run: (*Server).getMeeting}
	deleteMeeting                         = operation{name: "DeleteMeeting", run: (*Server).deleteMeeting}
	listMeetings                          = operation{name: "ListMeetings", run: (*Server).listMeetings}
	createAttendee                        = operation{name: "CreateAttendee", run: (*Server).createAttendee}
	batchCreateAttendee                   = operation{name: "BatchCreateAttendee", run: (*Server).batchCreateAttendee, maxBody: MaxBody}
	getAttendee                           = operation{name: "GetAttendee", run: (*Server).getAttendee, unmetered: true}
	listAttendees                         = operation{name: "ListAttendees", run: (*Server).listAttendees}
	deleteAttendee                        = operation{name: "DeleteAttendee", run: (*Server).deleteAttendee}
	updateAttendeeCapabilities            = operation{name: "UpdateAttendeeCapabilities", run: (*Server).updateAttendeeCapabilities}
	batchUpdateAttendeeCapabilitiesExcept = operation{name: "BatchUpdateAttendeeCapabilitiesExcept", run: (*Server).batchUpdateAttendeeCapabilitiesExcept}
	startMeetingTranscription             = operation{name: "StartMeetingTranscription", run: (*Server).startMeetingTranscription, unmetered: true}
	stopMeetingTranscription              = operation{name: "StopMeetingTranscription", run: (*Server).stopMeetingTranscription, unmetered: true}
	tagResource                           = operation{name: "TagResource", run: (*Server).tagResource, maxBody: tagsBody, home: homeByBody, arn: arnOfBody}
	untagResource                         = operation{name: "UntagResource", run: (*Server).untagResource, maxBody: tagsBody, home: homeByBody, arn: arnOfBody}
	listTagsForResource                   = operation{name: "ListTagsForResource", run: (*Server).listTagsForResource, home: homeByQuery, arn: arnOfQuery}
	tagMeeting                            = operation{name: "TagMeeting", run: (*Server).tagMeeting, maxBody: tagsBody}
	untagMeeting                          = operation{name: "UntagMeeting", run: (*Server).untagMeeting, maxBody: tagsBody}
	listMeetingTags                       = operation{name: "ListMeetingTags", run: (*Server).listMeetingTags}
	tagAttendee                           = operation{name: "TagAttendee", run: (*Server).tagAttendee, maxBody: tagsBody}
	untagAttendee                         = operation{name: "UntagAttendee", run: (*Server).untagAttendee, maxBody: tagsBody}
	createMediaCapturePipeline            = operation{name: "CreateMediaCapturePipeline", run: (*Server).createMediaCapturePipeline, maxBody: pipelineBody}
	getMediaCapturePipeline               = operation{name: "GetMediaCapturePipeline", run: (*Server).getMediaCapturePipeline}
	listMediaCapturePipelines             = operation{name: "ListMediaCapturePipelines", run: (*Server).listMediaCapturePipelines}
	deleteMediaCapturePipeline            = operation{name: "DeleteMediaCapturePipeline", run: (*Server).deleteMediaCapturePipeline}
	createMediaConcatenationPipeline      = operation{name: "CreateMediaConcatenationPipeline", run: (*Server).createMediaConcatenationPipeline, maxBody: pipelineBody}
	createMediaLiveConnectorPipeline      = operation{name: "CreateMediaLiveConnectorPipeline", run: (*Server).createMediaLiveConnectorPipeline, maxBody: pipelineBody}
	getMediaPipeline                      = operation{name: "GetMediaPipeline", run: (*Server).getMediaPipeline}
	listMediaPipelines                    = operation{name: "ListMediaPipelines", run: (*Server).listMediaPipelines}
	deleteMediaPipeline                   = operation{name: "DeleteMediaPipeline", run: (*Server).deleteMediaPipeline}
	listAttendeeTags                      = operation{name: "ListAttendeeTags", run: (*Server).listAttendeeTags}
)

// route says how a flavour reaches an operation.
type route struct {
	method string
	path   string // segments; those in braces are labels
	param  string // value of the query parameter operation; "" when there must be none
	status int    // of success
	op     *operation
}

// The paths.
const (
	meetingsPath     = "/meetings"
	meetingPath      = meetingsPath + "/{meetingId}"
	transcription    = meetingPath + "/transcription"
	meetingTagsPath  = meetingPath + "/tags"
	attendeesPath    = meetingPath + "/attendees"
	attendeePath     = attendeesPath + "/{attendeeId}"
	attendeeTagsPath = attendeePath + "/tags"
	tagsPath         = "/tags"

	capturesPath       = "/sdk-media-capture-pipelines"
	concatenationsPath = "/sdk-media-concatenation-pipelines"
	connectorsPath     = "/sdk-media-live-connector-pipelines"
	pipelinesPath      = "/sdk-media-pipelines"
	legacyCapturesPath = "/media-capture-pipelines"
	pipelineLabel      = "/{mediaPipelineId}"
)

// sharedRoutes are the routes that both flavours have; created is the status
// of what makes something.
func sharedRoutes(created int) []route {
	return []route{
		{"POST", meetingsPath, "", created, &createMeeting},
		{"POST", meetingsPath, "create-attendees", created, &createMeetingWithAttendees},
		{"GET", meetingPath, "", 200, &getMeeting},
		{"DELETE", meetingPath, "", 204, &deleteMeeting},
		{"POST", attendeesPath, "", created, &createAttendee},
		{"POST", attendeesPath, "batch-create", created, &batchCreateAttendee},
		{"GET", attendeesPath, "", 200, &listAttendees},
		{"GET", attendeePath, "", 200, &getAttendee},
		{"DELETE", attendeePath, "", 204, &deleteAttendee},
		{"POST", transcription, "start", 200, &startMeetingTranscription},
		{"POST", transcription, "stop", 200, &stopMeetingTranscription},
		{"POST", tagsPath, "tag-resource", 204, &tagResource},
		{"POST", tagsPath, "untag-resource", 204, &untagResource},
		{"GET", tagsPath, "", 200, &listTagsForResource},
	}
}

func currentRoutes() []route {
	return append(sharedRoutes(200), []route{
		{"PUT", attendeePath + "/capabilities", "", 200, &updateAttendeeCapabilities},
		{"PUT", attendeesPath + "/capabilities", "batch-update-except", 200, &batchUpdateAttendeeCapabilitiesExcept},
	}...)
}

func legacyRoutes() []route {
	return slices.Concat(sharedRoutes(201), []route{
		{"GET", meetingsPath, "", 200, &listMeetings},
		{"POST", meetingTagsPath, "add", 204, &tagMeeting},
		{"POST", meetingTagsPath, "delete", 204, &untagMeeting},
		{"GET", meetingTagsPath, "", 200, &listMeetingTags},
		{"POST", attendeeTagsPath, "add", 204, &tagAttendee},
		{"POST", attendeeTagsPath, "delete", 204, &untagAttendee},
		{"GET", attendeeTagsPath, "", 200, &listAttendeeTags},
	}, captureRoutes(legacyCapturesPath))
}

// captureRoutes are those of the four operations that two services have under
// paths of their own.
func captureRoutes(path string) []route {
	return []route{
		{"POST", path, "", 201, &createMediaCapturePipeline},
		{"GET", path + pipelineLabel, "", 200, &getMediaCapturePipeline},
		{"GET", path, "", 200, &listMediaCapturePipelines},
		{"DELETE", path + pipelineLabel, "", 204, &deleteMediaCapturePipeline},
	}
}

func pipelineRoutes() []route {
	return append(captureRoutes(capturesPath), []route{
		{"POST", concatenationsPath, "", 201, &createMediaConcatenationPipeline},
		{"POST", connectorsPath, "", 201, &createMediaLiveConnectorPipeline},
		{"GET", pipelinesPath + pipelineLabel, "", 200, &getMediaPipeline},
		{"GET", pipelinesPath, "", 200, &listMediaPipelines},
		{"DELETE", pipelinesPath + pipelineLabel, "", 204, &deleteMediaPipeline},
		{"POST", tagsPath, "tag-resource", 204, &tagResource},
		{"POST", tagsPath, "untag-resource", 204, &untagResource},
		{"GET", tagsPath, "", 200, &listTagsForResource},
	}...)
}

// Actions returns the actions that policies of keys may name, such as
// "chime:CreateMeeting", in the order of the route tables.
func Actions() (actions []string) {
	for _, name := range Operations() {
		actions = append(actions, actionPrefix+name)
	}
	return actions
}

// Operations returns the names of the operations that one of the flavours has,
// or any when none is given, in the order of the route tables.
func Operations(flavours ...meeting.Flavour) (names []string) {
	for _, table := range []struct {
		of     meeting.Flavour
		routes func() []route
	}{{meeting.Meetings, currentRoutes}, {meeting.Legacy, legacyRoutes}, {meeting.Pipelines, pipelineRoutes}} {
		if len(flavours) > 0 && !slices.Contains(flavours, table.of) {
			continue
		}
		for _, r := range table.routes() {
			if !slices.Contains(names, r.op.name) {
				names = append(names, r.op.name)
			}
		}
	}
	return names
}

// actionPrefix makes the action of policies of an operation's name.
const actionPrefix = "chime:"

func (op *operation) action() string { return actionPrefix + op.name }

// labels are the values of the path labels, decoded once.
type labels struct {
	meetingID, attendeeID, pipelineID string
}

// segments splits a raw path and decodes each part once. ok is false when a
// percent sign starts no escape.
func segments(path string) (parts []string, ok bool) {
	parts = strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		if strings.Contains(part, "%") {
			decoded, err := url.PathUnescape(part)
			if err != nil {
				return nil, false
			}
			parts[i] = decoded
		}
	}
	return parts, true
}

// find returns the route of a request, or nil. An empty label still is one:
// its operation refuses it.
func find(table []route, method string, parts []string, param string) *route {
	for i := range table {
		r := &table[i]
		if r.method == method && r.param == param && fits(r.path, parts, nil) {
			return r
		}
	}
	return nil
}

// fits reports whether the parts are those of a pattern, and puts the labels
// into l unless it is nil.
func fits(pattern string, parts []string, l *labels) bool {
	pattern = pattern[1:]
	for i, part := range parts {
		var want string
		var more bool
		want, pattern, more = strings.Cut(pattern, "/")
		switch want {
		case "{meetingId}":
			if l != nil {
				l.meetingID = part
			}
		case "{attendeeId}":
			if l != nil {
				l.attendeeID = part
			}
		case "{mediaPipelineId}":
			if l != nil {
				l.pipelineID = part
			}
		case part:
		default:
			return false
		}
		if more != (i+1 < len(parts)) {
			return false
		}
	}
	return true
}

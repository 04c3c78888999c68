package api

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// AttendeeControl makes, finds and removes attendees, says what they may do, and
// makes their join tokens.
type AttendeeControl interface {
	CreateAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, items []meeting.NewAttendee) ([]meeting.AttendeeResult, error)
	GetAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) (meeting.Attendee, error)
	ListAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, limit int, token string) ([]meeting.Attendee, string, error)
	DeleteAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) error
	UpdateCapabilities(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, caps meeting.Capabilities) (meeting.Attendee, error)
	UpdateCapabilitiesExcept(ctx context.Context, owner meeting.Owner, id meeting.ID, except []meeting.ID, caps meeting.Capabilities) error

	JoinToken(meetingID, attendee meeting.ID) string
	JoinTokens(meetingID meeting.ID, attendees []meeting.Attendee) []string
}

// accessInput is one capability as given. An unknown spelling is set without a
// value.
type accessInput struct {
	set   bool
	value meeting.Access
}

// capabilitiesInput is the structure of three capabilities as given.
type capabilitiesInput struct {
	set                   bool
	audio, video, content accessInput
}

var capabilityMembers = []string{"Audio", "Video", "Content"}

func readCapabilities(r *restjson.Reader) (in capabilitiesInput) {
	if in.set = r.Present(); !in.set {
		return in
	}
	for name := range r.Object(capabilityMembers) {
		switch name {
		case "Audio":
			in.audio = readAccess(r)
		case "Video":
			in.video = readAccess(r)
		case "Content":
			in.content = readAccess(r)
		}
	}
	return in
}

func readAccess(r *restjson.Reader) accessInput {
	chars, ok := r.Chars()
	if !ok {
		return accessInput{}
	}
	in := accessInput{set: true}
	switch string(chars) { // compares without making a string
	case "SendReceive":
		in.value = meeting.SendReceive
	case "Send":
		in.value = meeting.Send
	case "Receive":
		in.value = meeting.Receive
	case "None":
		in.value = meeting.None
	}
	return in
}

func (in *accessInput) check(v *restjson.Violations, up *restjson.Path, name string) {
	switch at := up.Member(name); {
	case !in.set:
		v.Missing(&at)
	case in.value == meeting.AccessUnset:
		v.Enum(&at, accessNames)
	}
}

// check checks capabilities that were given: all three members, and the rules
// that hold in every meeting.
func (in *capabilitiesInput) check(v *restjson.Violations, at *restjson.Path) {
	in.audio.check(v, at, "Audio")
	in.video.check(v, at, "Video")
	in.content.check(v, at, "Content")
	c := in.capabilities()
	if c.Audio == 0 || c.Video == 0 || c.Content == 0 {
		return
	}
	if err := c.Check(); err != nil {
		v.Rule("%s (at '%s').", err, at.String())
	}
}

func (in *capabilitiesInput) capabilities() meeting.Capabilities {
	return meeting.Capabilities{Audio: in.audio.value, Video: in.video.value, Content: in.content.value}
}

// attendeeInput is one attendee to create.
type attendeeInput struct {
	null           bool
	externalUserID restjson.Text
	capabilities   capabilitiesInput
	tags           tagsInput
}

// attendeesInput is a list of attendees to create; items beyond what the
// operation allows are counted but not kept.
type attendeesInput struct {
	set   bool
	count int
	items []attendeeInput
}

// readAttendee reads the members of an attendee that the flavour knows.
func (c *call) readAttendee(r *restjson.Reader) (in attendeeInput) {
	if in.null = !r.Present(); in.null {
		return in
	}
	for name := range r.Object(c.shapes.attendee) {
		switch name {
		case "ExternalUserId":
			in.externalUserID = r.Text()
		case "Capabilities":
			in.capabilities = readCapabilities(r)
		case "Tags":
			in.tags = readTags(r)
		}
	}
	return in
}

// shortestAttendee is the length of the shortest legal item, in bytes: it
// bounds how many a body can hold.
const shortestAttendee = len(`{"ExternalUserId":"xy"}`)

func (c *call) readAttendees(r *restjson.Reader, most int) (in attendeesInput) {
	if in.set = r.Present(); !in.set {
		return in
	}
	in.items = make([]attendeeInput, 0, min(most, len(c.body)/shortestAttendee+1))
	for range r.Array() {
		a := c.readAttendee(r)
		if in.count++; in.count <= most {
			in.items = append(in.items, a)
		}
	}
	return in
}

// checkAttendee checks the members of an attendee at a path; nil is the top of
// the request.
func (c *call) checkAttendee(v *restjson.Violations, up *restjson.Path, in *attendeeInput) {
	at := up.Member("ExternalUserId")
	c.shapes.checkExternalID(v, &at, in.externalUserID, true)
	if in.capabilities.set {
		at := up.Member("Capabilities")
		in.capabilities.check(v, &at)
	}
	at = up.Member("Tags")
	c.shapes.checkTags(v, &at, &in.tags, maxAttendeeTags)
}

// checkAttendees checks a list of attendees.
func (c *call) checkAttendees(v *restjson.Violations, in *attendeesInput, most int) {
	at := restjson.At("Attendees")
	v.Length(&at, in.count, 1, most)
	for i := range in.items {
		item := at.Item(i)
		if in.items[i].null {
			v.Missing(&item)
			continue
		}
		c.checkAttendee(v, &item, &in.items[i])
	}
}

func (in *attendeeInput) attendee() meeting.NewAttendee {
	return meeting.NewAttendee{
		ExternalUserID: in.externalUserID.Value,
		Capabilities:   in.capabilities.capabilities(),
		Tags:           in.tags.tags(),
	}
}

func (in *attendeesInput) attendees() []meeting.NewAttendee {
	if len(in.items) == 0 {
		return nil
	}
	items := make([]meeting.NewAttendee, len(in.items))
	for i := range in.items {
		items[i] = in.items[i].attendee()
	}
	return items
}

// writeAttendee writes an attendee with the members of the flavour.
func (c *call) writeAttendee(w *restjson.Writer, a *meeting.Attendee, joinToken string) {
	w.Object()
	w.Member("ExternalUserId", a.ExternalUserID)
	w.PlainMember("AttendeeId", a.ID.String())
	w.PlainMember("JoinToken", joinToken)
	if !c.legacy() {
		w.Name("Capabilities")
		w.Object()
		w.PlainMember("Audio", a.Capabilities.Audio.String())
		w.PlainMember("Video", a.Capabilities.Video.String())
		w.PlainMember("Content", a.Capabilities.Content.String())
		w.EndObject()
	}
	w.EndObject()
}

// oneAttendee is the response of operations that return a single attendee.
func (s *Server) oneAttendee(c *call, meetingID meeting.ID, a meeting.Attendee) respond {
	token := s.cfg.Control.JoinToken(meetingID, a.ID)
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Attendee")
		c.writeAttendee(w, &a, token)
		w.EndObject()
	}
}

// writeResults writes the Attendees and Errors of a batch, both always there,
// in the order of the request's items.
func (s *Server) writeResults(w *restjson.Writer, c *call, meetingID meeting.ID, items []meeting.NewAttendee, results []meeting.AttendeeResult) {
	made := make([]meeting.Attendee, 0, len(results))
	for i := range results {
		if results[i].Err == nil {
			made = append(made, results[i].Attendee)
		}
	}
	tokens := s.cfg.Control.JoinTokens(meetingID, made)
	w.Name("Attendees")
	w.Array()
	for i := range made {
		c.writeAttendee(w, &made[i], tokens[i])
	}
	w.EndArray()
	w.Name("Errors")
	w.Array()
	for i := range results {
		if refused := results[i].Err; refused != nil {
			w.Object()
			w.Member("ExternalUserId", items[i].ExternalUserID)
			w.Member("ErrorCode", itemCode(refused.Kind))
			w.Member("ErrorMessage", refused.Message)
			w.EndObject()
		}
	}
	w.EndArray()
}

package api

import (
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// MeetingControl makes, finds and ends meetings.
type MeetingControl interface {
	CreateMeeting(ctx context.Context, n meeting.NewMeeting) (meeting.Summary, []meeting.AttendeeResult, error)
	GetMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) (meeting.Summary, error)
	DeleteMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) error
	ListMeetings(ctx context.Context, owner meeting.Owner, limit int, token string) ([]meeting.Summary, string, error)
}

// MediaPlacement is where clients of a meeting connect. All are URLs except
// AudioHostURL, which is host:port. SignalingURL must contain neither '?' nor
// '#': the JS client appends to it. All are always sent except
// EventIngestionURL, which clients take as an invitation to post metrics.
// TurnControlURL may be "": clients then skip the step it is for.
type MediaPlacement struct {
	AudioHostURL      string
	AudioFallbackURL  string
	SignalingURL      string
	TurnControlURL    string
	ScreenDataURL     string
	ScreenViewingURL  string
	ScreenSharingURL  string
	EventIngestionURL string // "" leaves it out
}

func (p *MediaPlacement) write(w *restjson.Writer) {
	w.Object()
	w.Member("AudioHostUrl", p.AudioHostURL)
	w.Member("AudioFallbackUrl", p.AudioFallbackURL)
	w.Member("SignalingUrl", p.SignalingURL)
	w.Member("TurnControlUrl", p.TurnControlURL)
	w.Member("ScreenDataUrl", p.ScreenDataURL)
	w.Member("ScreenViewingUrl", p.ScreenViewingURL)
	w.Member("ScreenSharingUrl", p.ScreenSharingURL)
	w.OptionalMember("EventIngestionUrl", p.EventIngestionURL)
	w.EndObject()
}

// writeMeeting writes a meeting with the members of the flavour.
func (s *Server) writeMeeting(w *restjson.Writer, c *call, m *meeting.Summary) {
	placement := s.cfg.Placement(*m)
	w.Object()
	w.Member("MeetingId", m.ID.String())
	w.OptionalMember("ExternalMeetingId", m.ExternalMeetingID)
	w.Member("MediaRegion", m.MediaRegion)
	w.Name("MediaPlacement")
	placement.write(w)
	if !c.legacy() {
		w.OptionalMember("MeetingHostId", m.HostID)
		if m.Features != nil {
			w.Name("MeetingFeatures")
			writeFeatures(w, m.Features)
		}
		if !m.PrimaryID.IsZero() {
			w.Member("PrimaryMeetingId", m.PrimaryID.String())
		}
		w.Name("TenantIds")
		w.Array()
		for _, id := range m.TenantIDs {
			w.Text(id)
		}
		w.EndArray()
		w.Member("MeetingArn", meetingArn(m.Owner, m.ID))
	}
	w.EndObject()
}

// writeFeatures echoes the levels that were given and no others (API decision
// D-47).
func writeFeatures(w *restjson.Writer, f *meeting.Features) {
	level := func(name, member, value string) {
		if value != "" {
			w.Name(name)
			w.Object()
			w.Member(member, value)
			w.EndObject()
		}
	}
	w.Object()
	level("Audio", "EchoReduction", f.EchoReduction)
	level("Video", "MaxResolution", f.VideoMax)
	level("Content", "MaxResolution", f.ContentMax)
	if f.MaxCount > 0 {
		w.Name("Attendee")
		w.Object()
		w.Name("MaxCount")
		w.Int(int64(f.MaxCount))
		w.EndObject()
	}
	w.EndObject()
}

// featuresInput is MeetingFeatures as given.
type featuresInput struct {
	echoReduction, video, content restjson.Text
	maxCount                      restjson.Int
}

var (
	echoReduction     = restjson.TextRule{Enum: []string{"AVAILABLE", "UNAVAILABLE"}}
	videoResolution   = restjson.TextRule{Enum: []string{"None", "HD", "FHD"}}
	contentResolution = restjson.TextRule{Enum: []string{"None", "FHD", "UHD"}}
)

func readFeatures(r *restjson.Reader) (in featuresInput) {
	if !r.Present() {
		return in
	}
	for name := range r.Object([]string{"Audio", "Video", "Content", "Attendee"}) {
		if !r.Present() {
			continue
		}
		switch name {
		case "Audio":
			for range r.Object([]string{"EchoReduction"}) {
				in.echoReduction = r.Text()
			}
		case "Video":
			for range r.Object([]string{"MaxResolution"}) {
				in.video = r.Text()
			}
		case "Content":
			for range r.Object([]string{"MaxResolution"}) {
				in.content = r.Text()
			}
		case "Attendee":
			for range r.Object([]string{"MaxCount"}) {
				in.maxCount = r.Int()
			}
		}
	}
	return in
}

// check checks the levels one by one. The published maximum of MaxCount holds
// unless the server is configured for larger meetings.
func (in *featuresInput) check(v *restjson.Violations, limits meeting.Limits) {
	top := restjson.At("MeetingFeatures")
	audio, video, content, attendee := top.Member("Audio"), top.Member("Video"), top.Member("Content"), top.Member("Attendee")
	echo, videoMax, contentMax, count := audio.Member("EchoReduction"), video.Member("MaxResolution"), content.Member("MaxResolution"), attendee.Member("MaxCount")
	v.Text(&echo, in.echoReduction, &echoReduction)
	v.Text(&videoMax, in.video, &videoResolution)
	v.Text(&contentMax, in.content, &contentResolution)
	v.Range(&count, in.maxCount, 1, int64(max(250, limits.Attendees)))
}

// features returns nil when no level was given.
func (in *featuresInput) features() *meeting.Features {
	f := meeting.Features{EchoReduction: in.echoReduction.Value, VideoMax: in.video.Value, ContentMax: in.content.Value, MaxCount: int(in.maxCount.Value)}
	if f == (meeting.Features{}) {
		return nil
	}
	return &f
}

// checkMediaRegion checks that meetings of a control Region may use a media
// Region: it is one that is served, and both are on the same side of the wall
// around GovCloud.
func (s *Server) checkMediaRegion(v *restjson.Violations, control, media string) {
	if !slices.Contains(s.cfg.MediaRegions, media) {
		v.Rule("The media Region is not one of those that are served.")
		return
	}
	gov := func(region string) bool { return partition(region) == "aws-us-gov" }
	if gov(control) != gov(media) {
		v.Rule("The media Region belongs to another partition than the control Region.")
	}
}

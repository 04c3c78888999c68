package meeting

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// PipelineKind says what a media pipeline does.
type PipelineKind uint8

// The kinds.
const (
	CapturePipeline       PipelineKind = iota + 1 // records a meeting
	ConcatenationPipeline                         // joins what a capture has recorded
	LiveConnectorPipeline                         // streams a meeting
)

// PipelineStatus is where a media pipeline is in its life. It only ever grows.
type PipelineStatus uint8

// The statuses, in order.
const (
	PipelineInitializing PipelineStatus = iota + 1
	PipelineInProgress
	PipelineStopping
	PipelineStopped
	PipelineFailed
)

// String returns the API's spelling.
func (s PipelineStatus) String() string {
	if s < PipelineInitializing || s > PipelineFailed {
		return "unknown"
	}
	return [...]string{"Initializing", "InProgress", "Stopping", "Stopped", "Failed"}[s-1]
}

// Over reports whether the pipeline does nothing more.
func (s PipelineStatus) Over() bool { return s == PipelineStopped || s == PipelineFailed }

// Pipeline is one media pipeline: the fold of its records. It is never changed:
// each record makes another one.
type Pipeline struct {
	ID                ID
	Kind              PipelineKind
	Owner             Owner // its flavour is that of the API that created it
	Meeting           ID    // that is or was recorded
	ExternalMeetingID string
	MediaRegion       string
	Notifications     Notifications // the meeting's: its targets hear of the pipeline, too
	Token             TokenHash
	Settings          PipelineSettings
	Attendee          ID     // stands for a capture or a live connector in its meeting; zero for a concatenation
	AttendeeUser      string // that attendee's external user id
	Created           time.Time
	Tags              []Tag
	Status            PipelineStatus
	Updated           time.Time // when Status became what it is
	Failure           string    // why it has failed; empty if it has not
	Trouble           string    // why it cannot do its work for the time being; empty if it can
	Told              int       // how often it came to work, or to trouble and out of it, before it was over
}

// maxTold bounds Told.
const maxTold = 1 << 30

// PipelineSettings are what the creator asked for.
type PipelineSettings struct {
	SourceArn string // as given; of the meeting, or of the capture to concatenate
	SinkArn   string // as given; empty for a live connector
	Bucket    string
	Prefix    string // of the objects' keys, without slashes around it; may be empty
	Source    ID     // the capture to concatenate; zero for other kinds

	Artifacts Artifacts

	// Only for captures and live connectors.
	ActiveSpeakerVideo bool         // the sound comes with the picture of who is speaking
	Composition        *Composition // nil when none was given
	Attendees          []string     // whose videos are recorded, by attendee id; with Users empty: everybody's
	Users              []string     // likewise, by external user id
	KMSKey, KMSContext string       // of server-side encryption; empty for the bucket's own
	Role               string       // stored and echoed, never assumed

	Stream Stream // only for live connectors
}

// Artifacts are the kinds of things that a capture records and a concatenation
// joins. The others are recorded whenever there is something. Composed of a capture
// or a live connector says that its sound comes with the composed picture.
type Artifacts struct {
	Audio, Video, Content, Composed           bool
	DataChannel, Transcription, MeetingEvents bool // only of concatenations
}

// NewPipeline is the input of the calls that create pipelines, after stateless
// validation.
type NewPipeline struct {
	Kind               PipelineKind
	Owner              Owner
	ClientRequestToken string // secret
	Meeting            ID     // to record; zero for a concatenation, whose source tells it
	Settings           PipelineSettings
	Tags               []Tag
}

// CaptureUserPrefix begins the external user id of the attendee that stands for
// a recording in its meeting. Applications tell it from people by that.
const CaptureUserPrefix = "aws:MediaPipeline-"

// Composes reports whether the pipeline puts videos together, which takes an
// encoder.
func (s *PipelineSettings) Composes(kind PipelineKind) bool {
	return kind == LiveConnectorPipeline || kind == CapturePipeline && s.Composition != nil
}

// MaxPipelineTags is how many tags a pipeline may have.
const MaxPipelineTags = 200

// DecidePipeline makes the first record of a pipeline. The caller has settled
// that the source is right and that there may be one more.
func DecidePipeline(by Stamp, id ID, token TokenHash, n NewPipeline, of *Profile, newID func() ID) *Record {
	p := Pipeline{
		ID: id, Kind: n.Kind, Owner: n.Owner, Meeting: of.ID, ExternalMeetingID: of.ExternalMeetingID, MediaRegion: of.MediaRegion,
		Notifications: of.Notifications,
		Token:         token, Settings: n.Settings, Tags: n.Tags,
		Created: by.Time, Updated: by.Time, Status: PipelineInitializing,
	}
	if n.Kind != ConcatenationPipeline {
		p.Attendee = newID()
		p.AttendeeUser = CaptureUserPrefix + p.Attendee.String()[:5]
	}
	return &Record{Stamp: by, Body: &PipelineCreated{Pipeline: p}}
}

// DecideStatus moves a pipeline on. It returns nil when the pipeline is
// there already, or further.
func (p *Pipeline) DecideStatus(by Stamp, to PipelineStatus, failure string) *Record {
	switch {
	case to <= p.Status || p.Status.Over():
		return nil
	case !to.Over():
		return &Record{Stamp: by, Body: &PipelineMoved{Status: to}}
	}
	last := *p
	last.Status, last.Updated, last.Failure, last.Trouble = to, by.Time, failure, ""
	return &Record{Stamp: by, Body: &PipelineEnded{Pipeline: last}}
}

// EndedWith returns the pipeline as it is once its meeting has ended, at that time:
// a capture and a live connector stop with it. There is no record of that but the
// meeting's own, so neither can be there without the other.
func (p *Pipeline) EndedWith(at time.Time) *Pipeline {
	if p.Kind == ConcatenationPipeline || p.Status >= PipelineStopping {
		return p
	}
	next := *p
	next.Status, next.Updated = PipelineStopping, at
	return &next
}

// DecideTrouble says that the pipeline cannot do its work for the time being,
// and why; with an empty message, that it can again. It returns nil when that is
// known, or when the pipeline is not at work.
func (p *Pipeline) DecideTrouble(by Stamp, message string) *Record {
	if p.Status != PipelineInProgress && p.Status != PipelineStopping || (p.Trouble == "") == (message == "") {
		return nil
	}
	return &Record{Stamp: by, Body: &PipelineTroubled{Message: message}}
}

// DecideTags adds tags, replacing the value of keys that are there.
func (p *Pipeline) DecideTags(by Stamp, tags []Tag) (*Record, error) {
	merged := mergeTags(p.Tags, tags)
	if len(merged) > MaxPipelineTags {
		return nil, Errorf(Invalid, "Too many tags: at most %d per media pipeline", MaxPipelineTags)
	}
	return p.retagged(by, merged), nil
}

// DecideUntag removes tags; keys that are not there do no harm.
func (p *Pipeline) DecideUntag(by Stamp, keys []string) *Record {
	return p.retagged(by, withoutTags(p.Tags, keys))
}

// retagged returns the record of new tags: of an ended pipeline the last record
// again, since that is all that is left of it.
func (p *Pipeline) retagged(by Stamp, tags []Tag) *Record {
	rec := tagRecord(by, ID{}, p.Tags, tags)
	if rec == nil || !p.Status.Over() {
		return rec
	}
	last := *p
	last.Tags = rec.Body.(*TagsSet).Tags
	return &Record{Stamp: by, Body: &PipelineEnded{Pipeline: last}}
}

// Fold returns the pipeline as it is after the record; p is nil before the
// first one. The error wraps ErrOrder.
func (p *Pipeline) Fold(rec *Record) (*Pipeline, error) {
	var next Pipeline
	if p != nil {
		next = *p
	}
	switch b := rec.Body.(type) {
	case *PipelineCreated:
		if p != nil {
			return nil, outOfOrder(b)
		}
		return b.Pipeline.own(), nil
	case *PipelineEnded:
		return b.Pipeline.own(), nil
	case *PipelineMoved:
		if p == nil || p.Status.Over() || b.Status <= p.Status {
			return nil, outOfOrder(b)
		}
		next.Status, next.Updated = b.Status, rec.Time
		if b.Status == PipelineInProgress {
			next.Told = min(next.Told+1, maxTold)
		}
	case *PipelineTroubled:
		if p == nil || p.Status.Over() {
			return nil, outOfOrder(b)
		}
		next.Trouble, next.Told = strings.Clone(b.Message), min(next.Told+1, maxTold)
	case *TagsSet:
		if p == nil || !b.Attendee.IsZero() {
			return nil, outOfOrder(b)
		}
		next.Tags = ownTags(b.Tags)
	case *Newer:
		if p == nil {
			return nil, outOfOrder(b)
		}
	default:
		return nil, outOfOrder(b)
	}
	return &next, nil
}

// own returns a copy that shares no memory with the record it was part of.
func (p Pipeline) own() *Pipeline {
	for _, s := range []*string{
		&p.Owner.Account, &p.Owner.Region, &p.ExternalMeetingID, &p.MediaRegion, &p.AttendeeUser, &p.Failure,
		&p.Notifications.LambdaFunctionArn, &p.Notifications.SnsTopicArn, &p.Notifications.SqsQueueArn,
		&p.Settings.SourceArn, &p.Settings.SinkArn, &p.Settings.Bucket, &p.Settings.Prefix,
		&p.Settings.KMSKey, &p.Settings.KMSContext, &p.Settings.Role, &p.Settings.Stream.Channels, &p.Settings.Stream.SampleRate,
	} {
		*s = strings.Clone(*s)
	}
	p.Settings.Stream.URL = StreamURL(strings.Clone(string(p.Settings.Stream.URL)))
	if c := p.Settings.Composition; c != nil {
		own := *c
		for _, text := range own.texts() {
			*text = strings.Clone(*text)
		}
		p.Settings.Composition = &own
	}
	p.Settings.Attendees = ownStrings(p.Settings.Attendees)
	p.Settings.Users = ownStrings(p.Settings.Users)
	p.Tags = ownTags(p.Tags)
	return &p
}

func ownStrings(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = strings.Clone(list[i])
	}
	return list
}

// Before orders pipelines by their creation.
func (p *Pipeline) Before(q *Pipeline) int {
	return cmp.Or(p.Created.Compare(q.Created), slices.Compare(p.ID[:], q.ID[:]))
}

// Selects reports whether the videos of an attendee are to be recorded.
func (s *PipelineSettings) Selects(attendee, user string) bool {
	if len(s.Attendees) == 0 && len(s.Users) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Attendees, func(id string) bool { return strings.EqualFold(id, attendee) }) || slices.Contains(s.Users, user)
}

// MissingPipeline is the refusal of a call on a media pipeline that is not
// there.
func MissingPipeline(id ID) *Error { return Errorf(NotFound, "MediaPipeline %s not found", id) }

// DecideCaptureAttendee makes the attendee that stands for a recording in its
// meeting. It counts against no limit. When it is there, nothing happens; when it
// was there and has been removed, with which the recording ends, it is NotFound.
func DecideCaptureAttendee(s *State, by Stamp, p *Pipeline) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if s.find(p.Attendee) >= 0 {
		return nil, nil
	}
	if _, removed := s.formerRecorders[p.Attendee]; removed {
		return nil, Errorf(NotFound, "The attendee of the media pipeline was removed")
	}
	return &Record{Stamp: by, Body: &AttendeesAdded{Attendees: []Attendee{{
		ID: p.Attendee, ExternalUserID: p.AttendeeUser, Pipeline: p.ID,
		Capabilities: Capabilities{Audio: Receive, Video: Receive, Content: Receive},
	}}}}, nil
}

// DecideCaptureAttendeeGone removes that attendee again, if it is there.
func DecideCaptureAttendeeGone(s *State, by Stamp, p *Pipeline) (*Record, error) {
	if !s.Active() || s.find(p.Attendee) < 0 {
		return nil, nil
	}
	return &Record{Stamp: by, Body: &AttendeeDeleted{Attendee: p.Attendee}}, nil
}

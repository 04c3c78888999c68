package capture

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// DeskControl is the part of the control plane that operators reach through a
// Desk. *control.Control satisfies it.
type DeskControl interface {
	Meeting(ctx context.Context, id meeting.ID) (m observe.Meeting, ok bool)
	Pipelines() []*meeting.Pipeline
	Pipeline(id meeting.ID) (*meeting.Pipeline, bool)
	CreatePipeline(ctx context.Context, n meeting.NewPipeline, ready func(context.Context) error) (*meeting.Pipeline, error)
	StopPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) error
}

// Desk is where operators begin, end, list and play recordings, of every
// account. What they begin is a pipeline like any other, of the meeting's
// account. Refusals are *meeting.Error.
type Desk struct {
	service *Service
	control DeskControl
	bucket  string
}

// NewDesk returns a desk; what operators begin is stored in the bucket.
func NewDesk(s *Service, c DeskControl, bucket string) *Desk {
	return &Desk{service: s, control: c, bucket: bucket}
}

// Unready says why nothing can be recorded, as a sentence; empty when something
// can.
func (d *Desk) Unready() string {
	if d.service.cfg.Sink != nil {
		return ""
	}
	return "This server has nowhere to store recordings. Start it with --recordings and a directory, or with --capture-s3-endpoint."
}

// Of returns the recordings of a meeting, oldest first.
func (d *Desk) Of(id meeting.ID) []observe.Recording {
	list := []observe.Recording{}
	for _, p := range d.control.Pipelines() {
		if p.Meeting == id && recorded(p) {
			list = append(list, d.service.shown(p))
		}
	}
	return list
}

// recorded reports whether a pipeline leaves something that plays.
func recorded(p *meeting.Pipeline) bool {
	return p.Kind == meeting.CapturePipeline || p.Kind == meeting.ConcatenationPipeline
}

// maxShown bounds the list of all recordings.
const maxShown = 500

// All returns the recordings of all meetings, oldest first; of very many the
// newest.
func (d *Desk) All() []observe.Recording {
	all := slices.DeleteFunc(d.control.Pipelines(), func(p *meeting.Pipeline) bool { return !recorded(p) })
	list := []observe.Recording{}
	for _, p := range all[max(0, len(all)-maxShown):] {
		list = append(list, d.service.shown(p))
	}
	return list
}

// find returns a pipeline of a meeting.
func (d *Desk) find(id, recording meeting.ID) (*meeting.Pipeline, error) {
	if p, ok := d.control.Pipeline(recording); ok && p.Meeting == id {
		return p, nil
	}
	return nil, meeting.Errorf(meeting.NotFound, "The meeting has no such recording, or not any more.")
}

// Files lists the objects of a recording, in the order in which they were made.
func (d *Desk) Files(id, recording meeting.ID) ([]observe.RecordingFile, error) {
	p, err := d.find(id, recording)
	if err != nil {
		return nil, err
	}
	return d.service.files(p.ID)
}

// Open returns an object of a recording, by its number, and its content.
func (d *Desk) Open(ctx context.Context, id, recording meeting.ID, number int) (observe.RecordingFile, Content, error) {
	p, err := d.find(id, recording)
	if err != nil {
		return observe.RecordingFile{}, nil, err
	}
	return d.service.open(ctx, p, number)
}

// Begin begins to record a meeting, and has what is recorded joined at the end.
func (d *Desk) Begin(ctx context.Context, id meeting.ID, wish observe.RecordingWish) error {
	m, ok := d.control.Meeting(ctx, id)
	if !ok || !m.Ended.IsZero() {
		return meeting.Errorf(meeting.NotFound, "The meeting has ended.")
	}
	owner := meeting.Owner{Account: m.Account, Region: m.Region, Flavour: meeting.Pipelines}
	p, err := d.create(ctx, meeting.NewPipeline{Kind: meeting.CapturePipeline, Owner: owner, Meeting: id, Settings: meeting.PipelineSettings{
		SourceArn: "arn:aws:chime::" + m.Account + ":meeting:" + id.String(), Prefix: id.String(),
		Artifacts: meeting.Artifacts{Audio: true, Video: wish.Cameras, Content: wish.Shares},
	}})
	if err != nil {
		return err
	}
	if err := d.join(ctx, p); err != nil {
		d.service.cfg.Logger.Warn("what is being recorded will not be joined by itself", "pipeline", p.ID.String(), "err", err)
	}
	return nil
}

// Stop ends a recording, or gives up a concatenation. One that is over stays as
// it is.
func (d *Desk) Stop(ctx context.Context, id, recording meeting.ID) error {
	p, err := d.find(id, recording)
	if err != nil {
		return err
	}
	return d.control.StopPipeline(ctx, p.Owner, p.ID, p.Kind)
}

// Join has what a capture has recorded, or will have, joined to one file of each
// kind.
func (d *Desk) Join(ctx context.Context, id, recording meeting.ID) error {
	p, err := d.find(id, recording)
	if err != nil {
		return err
	}
	if p.Kind != meeting.CapturePipeline {
		return meeting.Errorf(meeting.Invalid, "Only what was recorded can be joined.")
	}
	return d.join(ctx, p)
}

func (d *Desk) join(ctx context.Context, p *meeting.Pipeline) error {
	_, err := d.create(ctx, meeting.NewPipeline{Kind: meeting.ConcatenationPipeline, Owner: p.Owner, Settings: meeting.PipelineSettings{
		SourceArn: "arn:aws:chime:" + p.Owner.Region + ":" + p.Owner.Account + ":media-pipeline/" + p.ID.String(),
		Source:    p.ID, Prefix: p.Meeting.String() + "/joined",
		Artifacts: meeting.Artifacts{Audio: true, Video: true, Content: true, DataChannel: true, Transcription: true, MeetingEvents: true},
	}})
	return err
}

// create creates a pipeline whose objects go to the operators' bucket.
func (d *Desk) create(ctx context.Context, n meeting.NewPipeline) (*meeting.Pipeline, error) {
	n.ClientRequestToken = rand.Text()
	n.Settings.Bucket = d.bucket
	n.Settings.SinkArn = "arn:aws:s3:::" + d.bucket + "/" + n.Settings.Prefix
	if why := d.Unready(); why != "" {
		return nil, meeting.Errorf(meeting.Invalid, "%s", why)
	}
	p, err := d.control.CreatePipeline(ctx, n, func(ctx context.Context) error { return d.service.Ready(ctx, &n) })
	var refused *meeting.Error
	if errors.As(err, &refused) && refused.Kind == meeting.LimitExceeded && n.Kind == meeting.CapturePipeline {
		return nil, &meeting.Error{Kind: refused.Kind, Message: "The meeting is being recorded already, or the account has too many recordings.", Err: err}
	}
	return p, err
}

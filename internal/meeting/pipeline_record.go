package meeting

import "fmt"

// The records of a pipeline. A pipeline has a log of its own, beside the
// meetings', in the slot of its meeting.

// PipelineCreated is the first record of a pipeline.
type PipelineCreated struct{ Pipeline Pipeline }

// PipelineMoved says that a pipeline has come to another status, which is not
// its last.
type PipelineMoved struct{ Status PipelineStatus }

// PipelineTroubled says that a pipeline cannot do its work for the time being,
// and why; without a Message, that it can again.
type PipelineTroubled struct{ Message string }

// PipelineEnded is the last record of a pipeline. In the ledger it replaces all
// the others, so it repeats the whole pipeline.
type PipelineEnded struct{ Pipeline Pipeline }

// Kind implements Body; so do the methods below.
func (*PipelineCreated) Kind() string { return "pipeline created" }

// Kind returns "pipeline moved".
func (*PipelineMoved) Kind() string { return "pipeline moved" }

// Kind returns "pipeline troubled".
func (*PipelineTroubled) Kind() string { return "pipeline troubled" }

// Kind returns "pipeline ended".
func (*PipelineEnded) Kind() string { return "pipeline ended" }

func (*PipelineCreated) code() recordCode { return codePipelineCreated | notSkipped }
func (*PipelineMoved) code() recordCode   { return codePipelineMoved | notSkipped }
func (*PipelineEnded) code() recordCode   { return codePipelineEnded | notSkipped }

func (*PipelineTroubled) code() recordCode { return codePipelineTroubled } // an older version does without

func outOfOrder(b Body) error { return fmt.Errorf("%w: %s", ErrOrder, b.Kind()) }

// BeginsPipeline reports whether an encoded record, the first there is of
// something, is a pipeline's and not a meeting's.
func BeginsPipeline(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	switch recordCode(data[1] &^ notSkipped) {
	case codePipelineCreated, codePipelineMoved, codePipelineEnded:
		return true
	}
	return false
}

func (b *PipelineCreated) write(w *writer) { b.Pipeline.write(w) }
func (b *PipelineCreated) read(r *reader)  { b.Pipeline.read(r) }

func (b *PipelineMoved) write(w *writer) { w.byte(byte(b.Status)) }
func (b *PipelineMoved) read(r *reader)  { b.Status = r.pipelineStatus() }

func (b *PipelineTroubled) write(w *writer) { w.string(b.Message) }
func (b *PipelineTroubled) read(r *reader)  { b.Message = r.string() }

func (b *PipelineEnded) write(w *writer) { b.Pipeline.write(w) }
func (b *PipelineEnded) read(r *reader)  { b.Pipeline.read(r) }

func (r *reader) pipelineStatus() PipelineStatus {
	s := PipelineStatus(r.byte())
	if s < PipelineInitializing || s > PipelineFailed {
		r.fail("no status")
	}
	return s
}

func (p *Pipeline) write(w *writer) {
	w.id(p.ID)
	w.byte(byte(p.Kind))
	w.string(p.Owner.Account)
	w.string(p.Owner.Region)
	w.byte(byte(p.Owner.Flavour))
	w.id(p.Meeting)
	w.string(p.ExternalMeetingID)
	w.string(p.MediaRegion)
	w.id(ID(p.Token))
	p.Settings.write(w)
	w.id(p.Attendee)
	w.string(p.AttendeeUser)
	w.time(p.Created)
	w.tags(p.Tags)
	w.byte(byte(p.Status))
	w.time(p.Updated)
	w.string(p.Failure)
}

func (p *Pipeline) read(r *reader) {
	p.ID = r.id()
	p.Kind = PipelineKind(r.byte())
	p.Owner.Account = r.string()
	p.Owner.Region = r.string()
	p.Owner.Flavour = Flavour(r.byte())
	p.Meeting = r.id()
	p.ExternalMeetingID = r.string()
	p.MediaRegion = r.string()
	p.Token = TokenHash(r.id())
	p.Settings.read(r)
	p.Attendee = r.id()
	p.AttendeeUser = r.string()
	p.Created = r.time()
	p.Tags = r.tags()
	p.Status = r.pipelineStatus()
	p.Updated = r.time()
	p.Failure = r.string()
}

func (s *PipelineSettings) write(w *writer) {
	for _, text := range s.texts() {
		w.string(*text)
	}
	w.id(s.Source)
	for _, flag := range s.flags() {
		w.bool(*flag)
	}
	w.strings(s.Attendees)
	w.strings(s.Users)
}

func (s *PipelineSettings) read(r *reader) {
	for _, text := range s.texts() {
		*text = r.string()
	}
	s.Source = r.id()
	for _, flag := range s.flags() {
		*flag = r.bool()
	}
	s.Attendees = r.strings()
	s.Users = r.strings()
}

// texts and flags are the settings in the order in which they are written.
func (s *PipelineSettings) texts() []*string {
	return []*string{&s.SourceArn, &s.SinkArn, &s.Bucket, &s.Prefix, &s.KMSKey, &s.KMSContext, &s.Role}
}

func (s *PipelineSettings) flags() []*bool {
	a := &s.Artifacts
	return []*bool{&s.ActiveSpeakerVideo, &a.Audio, &a.Video, &a.Content, &a.DataChannel, &a.Transcription, &a.MeetingEvents, &a.Composed}
}

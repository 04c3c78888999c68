package meeting

import "time"

// How each body, and the values inside, are written and read. A pair of write
// and read always stands together.

// tagsFollow is set in an attendee's capability byte when tags follow. The
// byte extended stands before the capability byte of an attendee that ends in
// extra fields.
const (
	tagsFollow = 0x80
	extended   = 0x7f
)

// minAttendee and minFact are the fewest bytes one takes.
const (
	minAttendee = 16 + 1 + 1
	minFact     = 1 + 16 + 1 + 1
	maxCapacity = 1 << 16
	maxTimer    = 1 << 40 // milliseconds: what a time.Duration holds, and no overflow
)

func (b *Created) write(w *writer) {
	b.Profile.write(w)
	w.tags(b.Tags)
	w.attendees(b.Attendees)
}

func (b *Created) read(r *reader) {
	b.Profile.read(r)
	b.Tags = r.tags()
	b.Attendees = r.attendees()
}

func (b *AttendeesAdded) write(w *writer) { w.attendees(b.Attendees) }
func (b *AttendeesAdded) read(r *reader)  { b.Attendees = r.attendees() }

func (b *AttendeeDeleted) write(w *writer) { w.id(b.Attendee) }
func (b *AttendeeDeleted) read(r *reader)  { b.Attendee = r.id() }

func (b *CapabilitiesSet) write(w *writer) {
	w.byte(b.Capabilities.pack())
	w.uint(len(b.Attendees))
	for _, id := range b.Attendees {
		w.id(id)
	}
}

func (b *CapabilitiesSet) read(r *reader) {
	b.Capabilities = r.capabilities(r.byte())
	for n := r.count(len(ID{})); n > 0; n-- {
		b.Attendees = append(b.Attendees, r.id())
	}
}

func (b *TagsSet) write(w *writer) {
	w.id(b.Attendee)
	w.tags(b.Tags)
}

func (b *TagsSet) read(r *reader) {
	b.Attendee = r.id()
	b.Tags = r.tags()
}

func (b *TranscriptionStarted) write(w *writer) {
	w.transcription(b.Config)
	w.string(b.Failure)
}

func (b *TranscriptionStarted) read(r *reader) {
	b.Config = r.transcription()
	b.Failure = r.string()
}

func (b *TranscriptionMoved) write(w *writer) {
	w.byte(byte(b.Phase))
	w.string(b.Message)
}

func (b *TranscriptionMoved) read(r *reader) {
	if b.Phase = TranscriptionPhase(r.byte()); b.Phase < TranscriptionRunning || b.Phase > TranscriptionFailed {
		r.fail("no phase")
	}
	b.Message = r.string()
}

func (*TranscriptionStopped) write(*writer) {}
func (*TranscriptionStopped) read(*reader)  {}

func (b *TimersSet) write(w *writer) {
	w.uint(int(b.Timers.Idle.Milliseconds()))
	w.uint(int(b.Timers.MaxAge.Milliseconds()))
}

func (b *TimersSet) read(r *reader) {
	b.Timers.Idle = time.Duration(r.uint(maxTimer)) * time.Millisecond
	b.Timers.MaxAge = time.Duration(r.uint(maxTimer)) * time.Millisecond
}

func (b *Ended) write(w *writer) {
	b.Profile.write(w)
	w.byte(byte(b.Reason))
	w.uint(b.Attendees)
	w.uint(len(b.Departures))
	for _, f := range b.Departures {
		w.fact(f)
	}
	w.bool(b.Transcription != nil)
	if b.Transcription != nil {
		w.transcription(*b.Transcription)
	}
}

func (b *Ended) read(r *reader) {
	b.Profile.read(r)
	b.Reason = EndReason(r.byte())
	b.Attendees = r.uint(maxCapacity)
	for n := r.count(minFact); n > 0; n-- {
		b.Departures = append(b.Departures, r.fact())
	}
	if r.bool() {
		t := r.transcription()
		b.Transcription = &t
	}
}

// The body of a newer record is all that is left of it, its extra fields too:
// only the version that wrote it can tell where they begin.
func (n *Newer) write(w *writer) { w.buf = append(w.buf, n.rest...) }
func (n *Newer) read(r *reader)  { n.rest, r.rest = r.rest, "" }

func (p *Profile) write(w *writer) {
	w.id(p.ID)
	w.string(p.Owner.Account)
	w.string(p.Owner.Region)
	w.byte(byte(p.Owner.Flavour))
	w.id(ID(p.Token))
	w.string(p.ExternalMeetingID)
	w.string(p.HostID)
	w.string(p.MediaRegion)
	w.notifications(p.Notifications)
	w.bool(p.Features != nil)
	if p.Features != nil {
		w.string(p.Features.EchoReduction)
		w.string(p.Features.VideoMax)
		w.string(p.Features.ContentMax)
		w.uint(p.Features.MaxCount)
	}
	w.id(p.PrimaryID)
	w.strings(p.TenantIDs)
	w.bool(p.DualStack)
	w.uint(p.Capacity)
	w.time(p.CreatedAt)
	w.extra(p.Extra)
}

func (p *Profile) read(r *reader) {
	p.ID = r.id()
	p.Owner.Account = r.string()
	p.Owner.Region = r.string()
	p.Owner.Flavour = Flavour(r.byte())
	p.Token = TokenHash(r.id())
	p.ExternalMeetingID = r.string()
	p.HostID = r.string()
	p.MediaRegion = r.string()
	p.Notifications = r.notifications()
	if r.bool() {
		p.Features = &Features{
			EchoReduction: r.string(), VideoMax: r.string(), ContentMax: r.string(),
			MaxCount: r.uint(maxCapacity),
		}
	}
	p.PrimaryID = r.id()
	p.TenantIDs = r.strings()
	p.DualStack = r.bool()
	p.Capacity = r.uint(maxCapacity)
	p.CreatedAt = r.time()
	p.Extra = r.extra()
}

func (w *writer) notifications(n Notifications) {
	w.string(n.LambdaFunctionArn)
	w.string(n.SnsTopicArn)
	w.string(n.SqsQueueArn)
}

func (r *reader) notifications() Notifications {
	return Notifications{LambdaFunctionArn: r.string(), SnsTopicArn: r.string(), SqsQueueArn: r.string()}
}

func (w *writer) bool(b bool) {
	if b {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("not a truth value")
	}
	return b == 1
}

func (w *writer) attendees(list []Attendee) {
	w.uint(len(list))
	for i := range list {
		a := &list[i]
		w.id(a.ID)
		if !a.Pipeline.IsZero() {
			w.byte(extended)
		}
		head := a.Capabilities.pack()
		if len(a.Tags) > 0 {
			head |= tagsFollow
		}
		w.byte(head)
		w.string(a.ExternalUserID)
		if len(a.Tags) > 0 {
			w.tags(a.Tags)
		}
		if !a.Pipeline.IsZero() {
			w.extra(attendeeExtra(a))
		}
	}
}

// keyPipeline is the key of an attendee's extra field that says for which
// recording it stands.
const keyPipeline = 1

func attendeeExtra(a *Attendee) Extra {
	var w writer
	w.uint(1)
	w.uint(keyPipeline)
	w.string(string(a.Pipeline[:]))
	return Extra(w.buf)
}

func (a *Attendee) readExtra(e Extra) {
	r := reader{rest: string(e)}
	for n := r.count(2); n > 0; n-- {
		key, value := r.uvarint(), r.string()
		if key == keyPipeline && len(value) == len(a.Pipeline) {
			copy(a.Pipeline[:], value)
		}
	}
}

func (r *reader) attendees() []Attendee {
	n := r.count(minAttendee)
	if n == 0 {
		return nil
	}
	list := make([]Attendee, n)
	for i := range list {
		a := &list[i]
		a.ID = r.id()
		head := r.byte()
		more := head == extended
		if more {
			head = r.byte()
		}
		a.Capabilities = r.capabilities(head &^ tagsFollow)
		a.ExternalUserID = r.string()
		if head&tagsFollow != 0 {
			a.Tags = r.tags()
		}
		if more {
			a.readExtra(r.extra())
		}
	}
	return list
}

// pack folds the three capabilities, five values each, into one number below
// 125.
func (c Capabilities) pack() byte {
	return (byte(c.Audio)*5+byte(c.Video))*5 + byte(c.Content)
}

func (r *reader) capabilities(b byte) Capabilities {
	if b >= 125 {
		r.fail("capabilities out of range")
		return Capabilities{}
	}
	return Capabilities{Audio: Access(b / 25), Video: Access(b / 5 % 5), Content: Access(b % 5)}
}

func (w *writer) tags(list []Tag) {
	w.uint(len(list))
	for _, t := range list {
		w.string(t.Key)
		w.string(t.Value)
	}
}

func (r *reader) tags() []Tag {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	list := make([]Tag, n)
	for i := range list {
		list[i] = Tag{Key: r.string(), Value: r.string()}
	}
	return list
}

func (w *writer) transcription(c TranscriptionConfig) {
	w.string(c.JSON)
	w.string(c.Region)
}

func (r *reader) transcription() TranscriptionConfig {
	return TranscriptionConfig{JSON: r.string(), Region: r.string()}
}

func (w *writer) fact(f Fact) {
	w.byte(byte(f.Kind))
	w.id(f.Attendee)
	w.string(f.ExternalUserID)
	w.extra("")
}

// fact reads a fact, of a kind that this version need not know.
func (r *reader) fact() Fact {
	f := Fact{Kind: FactKind(r.byte()), Attendee: r.id(), ExternalUserID: r.string()}
	r.extra()
	if f.Kind == 0 {
		r.fail("no fact")
	}
	return f
}

// Encode returns the fact as bytes for the ledger's second stream.
func (f Fact) Encode() []byte {
	w := &writer{buf: make([]byte, 0, minFact+17+len(f.ExternalUserID))}
	w.byte(recordVersion)
	w.time(f.Time)
	w.fact(f)
	return w.buf
}

// DecodeFact reads what Fact.Encode wrote. Its kind may be one that only a
// newer version knows. The error wraps ErrCorrupt.
func DecodeFact(data []byte) (Fact, error) {
	r := newReader(data)
	if v := r.byte(); v != recordVersion {
		r.fail("unknown version")
	}
	at := r.time()
	f := r.fact()
	f.Time = at
	return f, r.finish()
}

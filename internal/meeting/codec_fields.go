package meeting

// grown is a body that has got fields since its encoding was settled. They are
// among the record's extra fields, so that versions without them read the rest.
type grown interface {
	// laterFields returns those that are not zero.
	laterFields() []laterField
	// setLater takes a field in. It returns false for one that it does not know
	// or cannot read; that one stays in the record's Extra.
	setLater(laterField) bool
}

// laterField is one extra field: its key, which is never used for anything else
// in a body of that kind, and its value's bytes.
type laterField struct {
	key   uint64
	value string
}

// fields writes the extra fields of a record: those of the body, then those that
// only a newer version knows.
func (w *writer) fields(b Body, rest Extra) {
	var own []laterField
	if g, ok := b.(grown); ok {
		own = g.laterFields()
	}
	if len(own) == 0 {
		w.extra(rest)
		return
	}
	others := rest.list()
	w.uint(len(own) + len(others))
	for _, f := range append(own, others...) {
		w.field(f)
	}
}

func (w *writer) field(f laterField) {
	w.uvarint(f.key)
	w.string(f.value)
}

// list returns the fields one by one.
func (e Extra) list() (list []laterField) {
	r := reader{rest: string(e)}
	if e == "" {
		return nil
	}
	for n := r.count(2); n > 0; n-- {
		list = append(list, laterField{r.uvarint(), r.string()})
	}
	return list
}

// take gives a body the fields that it knows and returns the rest.
func (e Extra) take(b Body) Extra {
	g, ok := b.(grown)
	if !ok || e == "" {
		return e
	}
	var rest []laterField
	for _, f := range e.list() {
		if !g.setLater(f) {
			rest = append(rest, f)
		}
	}
	if len(rest) == 0 {
		return ""
	}
	w := &writer{}
	w.uint(len(rest))
	for _, f := range rest {
		w.field(f)
	}
	return Extra(w.buf)
}

// keyPending is the key of TranscriptionStarted.Pending, whose value is empty.
const keyPending = 1

func (b *TranscriptionStarted) laterFields() []laterField {
	if !b.Pending {
		return nil
	}
	return []laterField{{key: keyPending}}
}

func (b *TranscriptionStarted) setLater(f laterField) bool {
	known := f.key == keyPending && f.value == ""
	b.Pending = b.Pending || known
	return known
}

// The keys of a pipeline's later fields: its meeting's targets, Told, and of its
// settings Stream and Composition.
const (
	keyNotifications = iota + 1
	keyTold
	keyStream
	keyComposition
)

func (p *Pipeline) laterFields() (list []laterField) {
	if p.Notifications != (Notifications{}) {
		w := &writer{}
		w.notifications(p.Notifications)
		list = append(list, laterField{keyNotifications, string(w.buf)})
	}
	if p.Told > 0 {
		w := &writer{}
		w.uint(p.Told)
		list = append(list, laterField{keyTold, string(w.buf)})
	}
	if p.Settings.Stream != (Stream{}) {
		w := &writer{}
		p.Settings.Stream.write(w)
		list = append(list, laterField{keyStream, string(w.buf)})
	}
	if p.Settings.Composition != nil {
		w := &writer{}
		p.Settings.Composition.write(w)
		list = append(list, laterField{keyComposition, string(w.buf)})
	}
	return list
}

func (p *Pipeline) setLater(f laterField) bool {
	r := &reader{rest: f.value}
	switch f.key {
	case keyNotifications:
		if n := r.notifications(); r.finish() == nil {
			p.Notifications = n
			return true
		}
	case keyTold:
		if n := r.uint(maxTold); r.finish() == nil {
			p.Told = n
			return true
		}
	case keyStream:
		var s Stream
		if s.read(r); r.finish() == nil {
			p.Settings.Stream = s
			return true
		}
	case keyComposition:
		var c Composition
		if c.read(r); r.finish() == nil {
			p.Settings.Composition = &c
			return true
		}
	}
	return false
}

func (b *PipelineCreated) laterFields() []laterField  { return b.Pipeline.laterFields() }
func (b *PipelineCreated) setLater(f laterField) bool { return b.Pipeline.setLater(f) }
func (b *PipelineEnded) laterFields() []laterField    { return b.Pipeline.laterFields() }
func (b *PipelineEnded) setLater(f laterField) bool   { return b.Pipeline.setLater(f) }

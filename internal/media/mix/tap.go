package mix

// Tap is handed what each talker says, before it is mixed.
type Tap interface {
	// Voice is called in each tick for each talker who has a name, with what is
	// said: 20 ms of mono at 48 kHz. A talker who falls silent is heard a little
	// longer, and then not called for any more. The rules of Sink.WriteFrame hold;
	// pcm is valid during the call only.
	Voice(speaker string, pcm []float32)
}

// SetTap has the tap handed what is said in the room, from the next tick on, also
// while nobody else listens; nil ends that. A room has one tap. When SetTap
// returns, the tap before is not being called and will not be again.
func (r *Room) SetTap(t Tap) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tap = t
}

// tapped reports whether the tap wants what the member says.
func (x *mixer) tapped(m *Member) bool { return x.tap != nil && m.speaker != "" }

// fillTap hands the tap this tick's frames.
func (x *mixer) fillTap() {
	for _, v := range x.voices {
		if !v.cut && x.tapped(v.member) {
			x.tap.Voice(v.member.speaker, v.frame[:])
		}
	}
}

package capture

import (
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// view is one camera or share that a recording takes.
type view struct {
	recording *recording
	video     media.Video

	// Used by the goroutine that brings packets, one at a time.
	pictures frame.Assembler
	clock    rtpClock
	since    time.Time // when the first packet came

	settled bool            // guarded by recording.mu; see settleLocked
	held    []frame.Picture // guarded by recording.mu; those that wait for that
	tap     *media.VideoTap // guarded by recording.mu; nil at first
	camera  *camera         // guarded by recording.mu; nil when it is only to go with the sound
	asked   time.Time       // guarded by recording.mu; see askAgainLocked
	lost    bool            // pictures are missing before the next one; guarded by recording.mu
}

// wanted says whether a video is recorded by itself, and whether it goes with the
// sound now.
func (r *recording) wantedLocked(v media.Video) (apart, withSound bool) {
	s := &r.pipeline.Settings
	attendee, _ := strings.CutSuffix(v.AttendeeID, meeting.ContentSuffix)
	apart = s.Selects(attendee, v.ExternalUserID) && (v.Content && s.Artifacts.Content || !v.Content && s.Artifacts.Video)
	return apart, s.ActiveSpeakerVideo && !v.Content && v.AttendeeID == r.speaker.now
}

// review takes the videos that there are now and are wanted, and gives up the
// others. It runs on the queue for work.
func (r *recording) review() {
	listener := r.listener.Load()
	if listener == nil {
		return
	}
	if r.film != nil {
		r.film.show.Review(listener)
	}
	videos := listener.Videos()
	now := r.now()
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		return
	}
	r.noteVideosLocked(videos, now)
	opening, shown := r.wantLocked(videos)
	closing := r.dropUnwantedLocked(videos, now)
	r.showLocked(shown)
	r.mu.Unlock()
	for _, t := range closing {
		t.Close()
	}
	for _, v := range opening {
		tap := listener.Take(v.video, v.packet)
		r.mu.Lock()
		v.tap = tap
		r.mu.Unlock()
	}
}

// wantLocked enters the videos that are wanted and not taken yet. shown is the one
// that goes with the sound, or nil.
func (r *recording) wantLocked(videos []media.Video) (opening []*view, shown *view) {
	for _, v := range videos {
		apart, withSound := r.wantedLocked(v)
		if !apart && !withSound {
			continue
		}
		one := r.views[v.GroupID]
		if one == nil {
			one = &view{recording: r, video: v}
			r.views[v.GroupID] = one
			opening = append(opening, one)
		}
		if apart && one.camera == nil {
			one.camera = &camera{stream: videoFolder + "/" + v.AttendeeID}
		}
		if withSound {
			shown = one
		}
	}
	return opening, shown
}

// dropUnwantedLocked ends the views of videos that are gone or not wanted any
// more. The taps are the caller's to close.
func (r *recording) dropUnwantedLocked(videos []media.Video, now time.Time) (closing []*media.VideoTap) {
	keep := make(map[uint32]bool)
	for _, v := range videos {
		apart, withSound := r.wantedLocked(v)
		one := r.views[v.GroupID]
		stays := r.speaker.now == "" && one != nil && one == r.shown // see showLocked
		keep[v.GroupID] = apart || withSound || stays
	}
	for group, v := range r.views {
		if !keep[group] {
			closing = append(closing, v.tap)
			r.endViewLocked(v, now)
			delete(r.views, group)
		}
	}
	return closing
}

// noteVideosLocked writes down which cameras and shares have come and gone.
func (r *recording) noteVideosLocked(videos []media.Video, now time.Time) {
	there := make(map[uint32]bool)
	for _, v := range videos {
		there[v.GroupID] = true
		if _, known := r.live[v.GroupID]; !known {
			r.live[v.GroupID] = v.AttendeeID
			r.events.event(now, videoJoined, v.AttendeeID, modality(v.AttendeeID))
		}
	}
	for group, attendee := range r.live {
		if !there[group] {
			delete(r.live, group)
			r.events.event(now, videoLeft, attendee, modality(attendee))
		}
	}
}

// showLocked changes whose picture goes with the sound. While nobody is speaking
// the last one stays, as long as it is there.
func (r *recording) showLocked(v *view) {
	if v == nil && r.speaker.now == "" && r.shown != nil && r.views[r.shown.video.GroupID] == r.shown {
		return
	}
	if r.shown == v {
		return
	}
	r.shown = v
	switch {
	case v == nil && r.sound.film() != nil:
		r.cutSoundLocked()
	case v != nil:
		v.askLocked()
	}
}

// endViewLocked ends the piece being made of a view.
func (r *recording) endViewLocked(v *view, now time.Time) {
	v.showAllLocked(v.releaseLocked(), v.video.SoundDelay())
	if c := v.camera; c != nil && c.run != nil {
		c.run.stop(now)
		r.emitLocked(c.piece(c.run))
		c.run = nil
	}
	if r.shown == v {
		r.shown = nil
		r.cutSoundLocked()
	}
}

// askAgain is between two requests for a key frame that is waited for.
const askAgain = time.Second

// changeWithin is how long a camera may take to change to a codec that was asked
// for. Until then its pictures are left out: what joins the pieces without
// decoding them cannot cope with two codecs.
const changeWithin = 3 * time.Second

// early reports whether the packet is in a codec that its sender is about to
// leave.
func (v *view) early(p *media.VideoPacket) bool {
	if v.since.IsZero() {
		v.since = p.At
	}
	wanted := v.recording.codecs
	asked := slices.ContainsFunc(wanted, func(c media.Codec) bool { return c.String() == p.Codec.String() })
	return len(wanted) > 0 && !asked && p.At.Sub(v.since) < changeWithin
}

// packet takes a packet of the view.
func (v *view) packet(p *media.VideoPacket) {
	if v.early(p) {
		return
	}
	pictures, broken := v.pictures.Push(p)
	behind := v.video.SoundDelay()
	r := v.recording
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	if broken {
		v.lost = true
		v.askLocked()
	}
	v.showAllLocked(v.settleLocked(pictures, p.At), behind)
}

// showAllLocked takes pictures, whose sound is heard so long after they were
// captured.
func (v *view) showAllLocked(pictures []frame.Picture, behind time.Duration) {
	for _, picture := range pictures {
		heard := picture.Captured
		if !heard.IsZero() {
			heard = heard.Add(behind)
		}
		v.pictureLocked(timed{picture, v.clock.at(picture.TS, picture.At, heard)})
	}
}

// reportsWithin is for how long the first pictures of a view wait for their sender
// to report when it captured them. Browsers report once a second.
const reportsWithin = 1500 * time.Millisecond

// settleLocked returns the pictures that can be shown. Those before the first
// report would be shown as they come, which is before or after what was said as
// they were captured: they wait for it, and go by it too.
func (v *view) settleLocked(pictures []frame.Picture, now time.Time) []frame.Picture {
	if v.settled {
		return pictures
	}
	v.held = append(v.held, pictures...)
	if len(v.held) == 0 {
		return nil
	}
	last := v.held[len(v.held)-1]
	if last.Captured.IsZero() && now.Sub(v.held[0].At) < reportsWithin {
		return nil
	}
	for i := range v.held {
		p := &v.held[i]
		before := time.Duration(int32(last.TS-p.TS)) * time.Second / 90000
		if p.Captured.IsZero() && !last.Captured.IsZero() && before >= 0 && before < 2*reportsWithin {
			p.Captured = last.Captured.Add(-before)
		}
	}
	return v.releaseLocked()
}

// releaseLocked returns the pictures that wait, and has none wait from now on.
func (v *view) releaseLocked() []frame.Picture {
	held := v.held
	v.settled, v.held = true, nil
	return held
}

func (v *view) pictureLocked(p timed) {
	r := v.recording
	if c := v.camera; c != nil {
		if c.run != nil && v.lost {
			c.run.lost(p.at)
		}
		v.filmLocked(c, p)
	}
	if film := r.sound.film(); film != nil && v.lost && r.filmed == v && r.shown == v {
		film.lost(p.at)
	}
	v.lost = false
	if r.shown != v {
		return
	}
	was := r.sound.film()
	if was == nil || r.filmed != v {
		if !p.Key { // until then, the picture of before stands still
			v.askAgainLocked(p.at)
			return
		}
		r.sound.show(newRun(p))
		r.filmed = v
		r.turnSoundLocked()
		return
	}
	cut, ask := was.cuts(p)
	if cut {
		r.sound.show(was.cut(p))
		r.turnSoundLocked()
	} else {
		was.add(p)
	}
	if ask {
		v.askLocked()
	}
}

// filmLocked adds a picture to the pieces of the view alone.
func (v *view) filmLocked(c *camera, p timed) {
	if c.run == nil {
		if p.Key {
			c.run = newRun(p)
		} else {
			v.askAgainLocked(p.at)
		}
		return
	}
	cut, ask := c.run.cuts(p)
	if cut {
		done := c.run
		c.run = done.cut(p)
		v.recording.emitLocked(c.piece(done))
	} else {
		c.run.add(p)
	}
	if ask {
		v.askLocked()
	}
}

// askAgainLocked asks for a key frame without which pictures cannot be shown, now
// and then.
func (v *view) askAgainLocked(now time.Time) {
	if now.Sub(v.asked) >= askAgain {
		v.asked = now
		v.askLocked()
	}
}

// keepStillLocked cuts pictures that stand still, lest their pieces grow without
// end: a share of a text shows no new one for minutes.
func (r *recording) keepStillLocked(now time.Time) {
	for _, v := range r.views {
		if c := v.camera; c != nil && c.run != nil && now.Sub(c.run.start) >= stillFor {
			done := c.run
			c.run = done.still(now)
			r.emitLocked(c.piece(done))
		}
	}
	if film := r.sound.film(); film != nil && film == r.sound.picture && r.sound.end().Sub(r.sound.start) >= stillFor {
		r.sound.show(film.still(r.sound.end()))
		r.turnSoundLocked()
	}
}

// askLocked has a key frame asked for.
func (v *view) askLocked() {
	r := v.recording
	r.work.Push(func() {
		r.mu.Lock()
		tap := v.tap
		r.mu.Unlock()
		if tap != nil {
			tap.RequestKeyFrame(r.now())
		}
	})
}

// rechoose has every view take the best layer that flows.
func (r *recording) rechoose() {
	r.mu.Lock()
	var taps []*media.VideoTap
	for _, v := range r.views {
		if v.tap != nil {
			taps = append(taps, v.tap)
		}
	}
	r.mu.Unlock()
	for _, t := range taps {
		t.Choose(r.now())
	}
}

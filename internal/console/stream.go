package console

import (
	"net/http"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// streamWrite is how long one event may take to be written.
const streamWrite = 15 * time.Second

// listFeed is the name of the feed of all meetings.
const listFeed = "meetings"

func meetingFeed(id meeting.ID) string { return "meeting:" + id.String() }

func (c *Console) streamMeetings(w http.ResponseWriter, r *http.Request) {
	c.stream(w, r, listFeed, func() source {
		return &listSource{directory: c.cfg.Directory, live: c.cfg.Live, ended: c.cfg.Ended}
	})
}

func (c *Console) streamMeeting(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r, "meeting")
	if !ok {
		return
	}
	c.stream(w, r, meetingFeed(id), func() source {
		return newMeetingSource(c.cfg, id)
	})
}

// stream sends a feed as server-sent events until the client goes, the session
// ends or the console closes.
func (c *Console) stream(w http.ResponseWriter, r *http.Request, name string, open func() source) {
	sess := sessionOf(r)
	left, done := c.sessions.look(sess)
	defer done()
	v, leave := c.look(name, open)
	defer leave()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies must pass events on at once
	out := eventWriter{w: w, rc: http.NewResponseController(w)}
	if !out.send([]byte("retry: 1000\n\n")) {
		return
	}
	expiry := time.NewTimer(left)
	defer expiry.Stop()
	for ok := true; ok; {
		select {
		case e := <-v.events:
			ok = out.send(e)
		case <-sess.ended:
			ok = out.end()
		case <-expiry.C:
			ok = out.end()
		case <-r.Context().Done():
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// eventWriter writes server-sent events and gives each its own deadline, so
// that a server-wide write timeout neither ends nor keeps a stream.
type eventWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// send reports whether the stream is still good.
func (e eventWriter) send(b []byte) bool {
	// A connection without deadlines (a test's recorder) still works.
	_ = e.rc.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := e.w.Write(b); err != nil {
		return false
	}
	return e.rc.Flush() == nil
}

// end tells the page to show the sign-in again. It always returns false.
func (e eventWriter) end() bool {
	e.send(event("signed-out", struct{}{}))
	return false
}

// pathID reads a GUID of the address, or answers with the refusal.
func pathID(w http.ResponseWriter, r *http.Request, name string) (meeting.ID, bool) {
	id, ok := meeting.ParseID(r.PathValue(name))
	if !ok {
		writeFault(w, http.StatusBadRequest, "The "+name+" id in the address is not a GUID.")
	}
	return id, ok
}

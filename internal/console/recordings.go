package console

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// unrecorded says why no meeting can be recorded; empty when one can.
func (c *Console) unrecorded() string {
	if c.cfg.Recordings == nil {
		return "This server does not record."
	}
	return c.cfg.Recordings.Unready()
}

// recordingRoutes are the addresses of recordings.
func (c *Console) recordingRoutes() []route {
	if c.cfg.Recordings == nil {
		return nil
	}
	all := pathAPI + "meetings/{meeting}/recordings"
	one := all + "/{recording}"
	return []route{
		{"GET " + pathAPI + "recordings/events", lookers, c.streamRecordings, ""},
		{"POST " + all, changers, c.beginRecording, "record meeting"},
		{"POST " + one + "/stop", changers, c.stopRecording, "stop recording"},
		{"POST " + one + "/join", changers, c.joinRecording, "join recording"},
		{"GET " + one + "/files", lookers, c.recordingFiles, ""},
		{"GET " + one + "/files/{number}", lookers, c.recordingFile, ""},
	}
}

func recordingKey(r *observe.Recording) string { return r.ID.String() }

func (c *Console) beginRecording(w http.ResponseWriter, r *http.Request) {
	id, ok := pathID(w, r, "meeting")
	if !ok {
		return
	}
	var wish observe.RecordingWish
	if !readJSON(w, r, &wish) {
		return
	}
	err := c.cfg.Recordings.Begin(c.asOperator(r), id, wish)
	c.finish(w, r, "record meeting", id, err)
}

func (c *Console) stopRecording(w http.ResponseWriter, r *http.Request) {
	id, recording, ok := pathBelow(w, r, "recording")
	if !ok {
		return
	}
	err := c.cfg.Recordings.Stop(c.asOperator(r), id, recording)
	c.finish(w, r, "stop recording", id, err)
}

func (c *Console) joinRecording(w http.ResponseWriter, r *http.Request) {
	id, recording, ok := pathBelow(w, r, "recording")
	if !ok {
		return
	}
	err := c.cfg.Recordings.Join(c.asOperator(r), id, recording)
	c.finish(w, r, "join recording", id, err)
}

func (c *Console) recordingFiles(w http.ResponseWriter, r *http.Request) {
	id, recording, ok := pathBelow(w, r, "recording")
	if !ok {
		return
	}
	list, err := c.cfg.Recordings.Files(id, recording)
	if err != nil {
		c.refuseFile(w, id, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string][]observe.RecordingFile{"files": list})
}

// recordingFile sends one object, or the range of it that is asked for.
func (c *Console) recordingFile(w http.ResponseWriter, r *http.Request) {
	id, recording, ok := pathBelow(w, r, "recording")
	if !ok {
		return
	}
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		writeFault(w, http.StatusNotFound, "The recording has no such file.")
		return
	}
	f, content, err := c.cfg.Recordings.Open(r.Context(), id, recording, number)
	if err != nil {
		c.refuseFile(w, id, err)
		return
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Cache-Control", "no-store") // what people said stays on no disk but the store's
	if f.SHA256 != "" {
		h.Set("ETag", `"`+f.SHA256+`"`)
	}
	if r.URL.Query().Has("download") {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
		c.cfg.Logger.Info("operator action", "action", "download recording", "meeting", id, "actor", actor(r))
		c.cfg.Audit(c.entry(r, "download recording", http.StatusOK, ""))
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// refuseFile answers why a recording cannot be read.
func (c *Console) refuseFile(w http.ResponseWriter, id meeting.ID, err error) {
	why := refusal(err, "The recording cannot be read.")
	if why.Kind != meeting.NotFound {
		c.cfg.Logger.Warn("a recording could not be read", "meeting", id, "err", err)
	}
	refuse(w, why)
}

// recordingsFeed is the name of the feed of all recordings.
const recordingsFeed = "recordings"

func (c *Console) streamRecordings(w http.ResponseWriter, r *http.Request) {
	c.stream(w, r, recordingsFeed, func() source { return shelfSource{c.cfg.Recordings} })
}

// shelfSource reads the list of all recordings.
type shelfSource struct{ recordings Recordings }

func (s shelfSource) read(context.Context) (reading, error) {
	table, err := tableOf(s.recordings.All(), recordingKey)
	return reading{state: state{"recordings": table}}, err
}

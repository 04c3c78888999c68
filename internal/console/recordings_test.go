package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// joined is the only recording of the meeting "weekly".
var joined = meeting.ID{4}

const movie = "0123456789abcdef"

// shelf is the recordings of a server that exists only in memory.
type shelf struct {
	*server
	unready string
	broken  error // of reading
}

func (s *shelf) Unready() string { return s.unready }

func (s *shelf) Of(id meeting.ID) []observe.Recording {
	if id != weekly {
		return nil
	}
	return []observe.Recording{{
		ID: joined, Meeting: weekly, External: "weekly", Kind: observe.ConcatenationRecording, Status: "Failed", Failure: "there is nothing to read", Source: meeting.ID{5},
		Created: observe.At(start), Updated: observe.At(start.Add(time.Minute)), Bucket: "recordings", Prefix: "weekly", Waiting: 7,
		Streams: []observe.RecordingStream{{Name: "video/" + ada.String(), Type: "video/mp4", Codec: "H264", Files: 2, First: 1, Bytes: 16, Length: observe.Span(time.Second)}},
	}}
}

func (s *shelf) All() []observe.Recording { return s.Of(weekly) }

func (s *shelf) find(id, recording meeting.ID) error {
	if s.broken != nil || id == weekly && recording == joined {
		return s.broken
	}
	return meeting.Errorf(meeting.NotFound, "The meeting has no such recording, or not any more.")
}

func (s *shelf) Files(id, recording meeting.ID) ([]observe.RecordingFile, error) {
	return []observe.RecordingFile{{
		Number: 1, Stream: "video/" + ada.String(), Name: "a \"film\".mp4", Type: "video/mp4", Bytes: 16,
		Start: observe.At(start), Length: observe.Span(time.Second), Stored: true, SHA256: "abc",
	}}, s.find(id, recording)
}

func (s *shelf) Open(_ context.Context, id, recording meeting.ID, number int) (f observe.RecordingFile, content io.ReadSeekCloser, err error) {
	list, err := s.Files(id, recording)
	if err != nil {
		return f, nil, err
	}
	if number != 1 {
		return f, nil, meeting.Errorf(meeting.NotFound, "The recording has no such file.")
	}
	return list[0], closed{strings.NewReader(movie)}, nil
}

type closed struct{ io.ReadSeeker }

func (closed) Close() error { return nil }

func (s *shelf) Begin(ctx context.Context, id meeting.ID, wish observe.RecordingWish) error {
	return s.do(ctx, fmt.Sprintf("record %s %+v", id, wish))
}

func (s *shelf) Stop(ctx context.Context, id, recording meeting.ID) error {
	return errors.Join(s.find(id, recording), s.do(ctx, "stop "+recording.String()))
}

func (s *shelf) Join(ctx context.Context, id, recording meeting.ID) error {
	return errors.Join(s.find(id, recording), s.do(ctx, "join "+recording.String()))
}

// openShelf is a console with recordings.
func openShelf(t *testing.T) (*site, *shelf) {
	rec := &shelf{server: newServer()}
	s := open(t, func(c *Config) { c.Recordings = rec })
	return s, rec
}

const recordings = "/operator/api/meetings/01000000-0000-0000-0000-000000000000/recordings"

func TestOperatorsBeginAndEndRecordings(t *testing.T) {
	s, rec := openShelf(t)
	one := recordings + "/" + joined.String()
	for _, path := range []string{recordings, one + "/stop", one + "/join"} {
		s.want(s.send("POST", path, "{}"), http.StatusUnauthorized, "Sign in")
	}
	s.signIn()
	csrf := s.csrf
	s.csrf = ""
	for _, path := range []string{recordings, one + "/stop", one + "/join"} {
		s.want(s.send("POST", path, "{}"), http.StatusForbidden, "token of your session")
	}
	s.csrf = csrf
	s.want(s.send("POST", recordings, `{"cameras":true}`), http.StatusNoContent, "")
	s.want(s.send("POST", recordings, `{"bucket":"elsewhere"}`), http.StatusBadRequest, "not the JSON")
	s.want(s.send("POST", one+"/stop", ""), http.StatusNoContent, "")
	s.want(s.send("POST", one+"/join", ""), http.StatusNoContent, "")
	s.want(s.send("POST", recordings+"/nonsense/stop", ""), http.StatusBadRequest, "GUID")
	want := []string{
		"operator:127.0.0.1: record " + weekly.String() + " {Cameras:true Shares:false}",
		"operator:127.0.0.1: stop " + joined.String(), "operator:127.0.0.1: join " + joined.String(),
	}
	if !slices.Equal(rec.done, want) {
		t.Errorf("done %q, want %q", rec.done, want)
	}
	rec.refusal = meeting.Errorf(meeting.LimitExceeded, "The meeting is being recorded already.")
	s.want(s.send("POST", recordings, `{}`), http.StatusBadRequest, "being recorded already")
}

func TestARecordingPlays(t *testing.T) {
	s, _ := openShelf(t)
	file := recordings + "/" + joined.String() + "/files/1"
	s.want(s.send("GET", file, ""), http.StatusUnauthorized, "Sign in")
	s.signIn()
	whole := s.send("GET", file, "")
	s.want(whole, http.StatusOK, movie)
	if h := whole.Header; h.Get("Content-Type") != "video/mp4" || h.Get("Accept-Ranges") != "bytes" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Disposition") != "" {
		t.Errorf("headers %v", h)
	}
	part := s.send("GET", file, "", "Range", "bytes=4-7")
	s.want(part, http.StatusPartialContent, "4567")
	if got := part.Header.Get("Content-Range"); got != "bytes 4-7/16" || part.body != "4567" {
		t.Errorf("range %q, body %q", got, part.body)
	}
	s.want(s.send("GET", file, "", "Range", "bytes=-4", "If-Range", `"abc"`), http.StatusPartialContent, "cdef")
	s.want(s.send("GET", file, "", "Range", "bytes=16-"), http.StatusRequestedRangeNotSatisfiable, "")
	if got := s.send("GET", file+"?download", "").Header.Get("Content-Disposition"); got != `attachment; filename="a \"film\".mp4"` {
		t.Errorf("a download is %q", got)
	}
}

// TestOnlyFilesOfARecordingAreSent tries to reach something else.
func TestOnlyFilesOfARecordingAreSent(t *testing.T) {
	s, rec := openShelf(t)
	s.signIn()
	one := recordings + "/" + joined.String()
	for path, status := range map[string]int{
		one + "/files/0": http.StatusNotFound, one + "/files/2": http.StatusNotFound, one + "/files/-1": http.StatusNotFound,
		one + "/files/1e0": http.StatusNotFound, one + "/files/..%2F..%2Fsecret": http.StatusNotFound, one + "/files/99999999999999999999": http.StatusNotFound,
		recordings + "/" + ada.String() + "/files/1":                                           http.StatusNotFound,
		"/operator/api/meetings/" + ada.String() + "/recordings/" + joined.String() + "/files": http.StatusNotFound,
		recordings + "/..%2F" + joined.String() + "/files":                                     http.StatusBadRequest,
	} {
		if a := s.send("GET", path, ""); a.StatusCode != status || strings.Contains(a.body, movie) {
			t.Errorf("%s answered %d %q, want %d", path, a.StatusCode, a.body, status)
		}
	}
	rec.broken = errors.New("open /srv/recordings/x: no such file")
	if a := s.send("GET", one+"/files/1", ""); a.StatusCode != http.StatusInternalServerError || strings.Contains(a.body, "/srv") {
		t.Errorf("a broken store answered %d %q", a.StatusCode, a.body)
	}
	rec.broken = &meeting.Error{Kind: meeting.Unavailable, Message: "The store of recordings does not answer."}
	s.want(s.send("GET", one+"/files/1", ""), http.StatusServiceUnavailable, "does not answer")
}

func TestThePageKnowsWhyNothingIsRecorded(t *testing.T) {
	s, rec := openShelf(t)
	rec.unready = "nowhere to store"
	s.signIn()
	s.want(s.send("GET", "/operator/api/session", ""), http.StatusOK, `"unrecorded":"nowhere to store"`)
	rec.unready = ""
	if a := s.send("GET", "/operator/api/session", ""); strings.Contains(a.body, "unrecorded") {
		t.Errorf("it can record, and says %s", a.body)
	}
	without := open(t)
	without.signIn()
	without.want(without.send("GET", "/operator/api/session", ""), http.StatusOK, "does not record")
	without.want(without.send("POST", recordings, "{}"), http.StatusNotFound, "nothing at this address")
}

func TestAllRecordingsAreListed(t *testing.T) {
	s, _ := openShelf(t)
	s.want(s.send("GET", "/operator/api/recordings/events", ""), http.StatusUnauthorized, "Sign in")
	s.signIn()
	var tables map[string][]observe.Recording
	s.watch("/operator/api/recordings/events").next("snapshot", &tables)
	if list := tables["recordings"]; len(list) != 1 || list[0].External != "weekly" || list[0].Meeting != weekly {
		t.Errorf("%+v", tables)
	}
}

// TestRecordingsOfAnEndedMeetingGoOn reads them anew while the rest is read once.
func TestRecordingsOfAnEndedMeetingGoOn(t *testing.T) {
	rec := &shelf{server: newServer()}
	rec.meetings = nil
	rec.kept = []observe.Detail{{Meeting: observe.Meeting{ID: weekly, Ended: observe.At(start)}}}
	s := newMeetingSource(Config{Directory: rec, Live: rec, Ended: rec, Recordings: rec, Now: time.Now}, weekly)
	for range 2 {
		got, err := s.read(t.Context())
		var row observe.Recording
		if err == nil {
			err = json.Unmarshal(got.state["recordings"][joined.String()], &row)
		}
		if err != nil || row.Waiting != 7 || got.state["meeting"] == nil {
			t.Fatalf("%v %+v %v", got.state, row, err)
		}
	}
	if _, mixed := s.kept["recordings"]; mixed {
		t.Error("the recordings are kept with what does not change")
	}
}

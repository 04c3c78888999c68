package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// newMeeting makes a meeting with one attendee.
func newMeeting(t *testing.T, s *server, token string) *chimesdkmeetings.CreateMeetingWithAttendeesOutput {
	t.Helper()
	made, err := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient).CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: &token, ExternalMeetingId: &token, MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// get answers with the body of what an operator reads.
func (o *operator) get(path string, status int) string {
	o.Helper()
	response := o.send("GET", path, "")
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		o.Fatalf("%s answered %d %s, %v, want %d", path, response.StatusCode, body, err, status)
	}
	return string(body)
}

// An operator records a meeting into a directory and reads what came of it.
func TestOperatorsRecordAMeeting(t *testing.T) {
	store := t.TempDir()
	s := startServer(t, t.TempDir(), "--recordings", store, "--recordings-bucket", "taped")
	id := *newMeeting(t, s, "taped").Meeting.MeetingId
	o := signIn(t, s)
	recordings := "meetings/" + id + "/recordings"
	o.act("POST", recordings, `{"cameras":true,"shares":true}`)
	meetingID, _ := meeting.ParseID(id)
	desk := func() []observe.Recording {
		return capture.NewDesk(s.capture, s.control, "taped").Of(meetingID)
	}
	patience := time.Now().Add(time.Minute)
	waitFor := func(what string, holds func() bool) {
		t.Helper()
		for !holds() {
			if time.Now().After(patience) {
				t.Fatalf("waited in vain: %s\n%+v", what, desk())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	taped := desk()[0].ID.String()
	waitFor("it runs", func() bool { return desk()[0].Status == "InProgress" })
	o.act("POST", recordings+"/"+taped+"/stop", "")
	waitFor("all is stored and joined", func() bool { all := desk(); return all[0].Status == "Stopped" && all[1].Status == "Stopped" })

	for _, r := range desk() {
		var list struct{ Files []observe.RecordingFile }
		files := recordings + "/" + r.ID.String() + "/files"
		if err := json.Unmarshal([]byte(o.get(files, http.StatusOK)), &list); err != nil || len(list.Files) == 0 {
			t.Fatalf("%s: %+v, %v", files, list, err)
		}
		content := o.get(files+"/0", http.StatusOK)
		if int64(len(content)) != list.Files[0].Bytes {
			t.Errorf("%s has %d bytes, want %d", list.Files[0].Name, len(content), list.Files[0].Bytes)
		}
		o.get(files+"/12345", http.StatusNotFound)
	}
	if _, err := os.Stat(filepath.Join(store, "taped", id, "joined")); err != nil {
		t.Error(err)
	}
}

// An operator takes an attendee's seat: its token is one that signaling takes.
func TestOperatorsJoinAsAnAttendee(t *testing.T) {
	s := startServer(t, t.TempDir())
	made := newMeeting(t, s, "seats")
	o := signIn(t, s)
	path := "meetings/" + *made.Meeting.MeetingId + "/attendees/"
	response := o.send("POST", path+*made.Attendees[0].AttendeeId+"/seat", "")
	defer response.Body.Close()
	var seat struct {
		Meeting struct {
			MeetingID      string
			MediaPlacement struct{ SignalingURL, AudioHostURL, TurnControlURL string }
		}
		Attendee struct{ AttendeeID, ExternalUserID, JoinToken string }
	}
	if err := json.NewDecoder(response.Body).Decode(&seat); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v", response.StatusCode, err)
	}
	at, own := seat.Meeting.MediaPlacement, made.Meeting.MediaPlacement
	if at.SignalingURL != *own.SignalingUrl || at.AudioHostURL != *own.AudioHostUrl || seat.Attendee.JoinToken != *made.Attendees[0].JoinToken || seat.Attendee.ExternalUserID != "ada" {
		t.Errorf("the seat %+v is not that of the API: %+v", seat, made)
	}
	tryToJoin(t, at.SignalingURL, seat.Attendee.JoinToken)
	nobody := o.send("POST", path+*made.Meeting.MeetingId+"/seat", "")
	defer nobody.Body.Close()
	if body, _ := io.ReadAll(nobody.Body); nobody.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "no such attendee") {
		t.Errorf("nobody's seat: %d %s", nobody.StatusCode, body)
	}
}

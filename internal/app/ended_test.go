package app_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/app"
)

// story puts what is kept of a meeting into one line.
func story(b *backend, id string) string {
	m := get[app.MeetingDetail](b, "meetings/"+id)
	var parts []string
	for _, a := range get[app.AttendeeList](b, "meetings/"+id+"/attendees").Attendees {
		parts = append(parts, fmt.Sprint(a.External, a.Deleted))
	}
	for _, r := range get[app.RecordList](b, "meetings/"+id+"/records").Records {
		parts = append(parts, r.Kind)
	}
	return fmt.Sprintf("%s, %s, %s, %d, %v, %v", m.External, m.Reason, m.EndedBy, m.Attendees, m.Tags, parts)
}

const told = "standup, deleted by request, key:AKIDADA, 1, [{team red}], [adatrue bobfalse created attendees added attendees added attendee deleted ended]"

// aMeeting ends a meeting that somebody was removed from.
func aMeeting(b *backend) string {
	b.t.Helper()
	id, people := b.meet("standup", map[string]string{"team": "red"}, "ada", "bob")
	if _, err := b.sdk().DeleteAttendee(b.t.Context(), &chimesdkmeetings.DeleteAttendeeInput{MeetingId: &id, AttendeeId: people[0].AttendeeId}); err != nil {
		b.t.Fatal(err)
	}
	b.end(id)
	return id
}

func TestAnEndedMeetingIsTheSameForEver(t *testing.T) {
	s := start(t, "--timer-tombstone", "2s")
	a := ada(t, s)
	id := aMeeting(a)
	want(t, "at once", story(a, id), told)
	eventually(t, "the meeting is written down", func() bool { return size(t, s.Dir) > 0 })
	time.Sleep(2 * time.Second) // the tombstone's time, which is the server's own
	want(t, "without a tombstone", story(a, id), told)
	s.Stop()
	s.Restart()
	want(t, "after a restart", story(a, id), told)
	want(t, "in the list", ids(get[app.MeetingList](a, "meetings?state=ended&tagKey=team&tagValue=red&externalMeetingId=standup")), []string{id})
	want(t, "in the other's list", ids(get[app.MeetingList](bob(t, s), "meetings?state=ended")), []string{})
	bob(t, s).refused(http.MethodGet, app.Prefix+"meetings/"+id+"/records", "", 404, "NotFoundException")
	bob(t, s).refused(http.MethodGet, app.Prefix+"meetings/"+id+"/attendees", "", 404, "NotFoundException")
}

func TestKillRightAfterAnEnd(t *testing.T) {
	s := start(t)
	a := ada(t, s)
	var all []string
	for range 5 {
		all = append([]string{aMeeting(a)}, all...)
	}
	s.Kill()
	s.Restart()
	for _, id := range all {
		want(t, "after kill -9", story(a, id), told)
	}
	eventually(t, "all are written down", func() bool { return strings.Count(kept(t, s.Dir), "standup") >= len(all) })
	s.Kill()
	s.Restart()
	want(t, "the list after kill -9", ids(get[app.MeetingList](a, "meetings?state=ended")), all)
	want(t, "after another kill -9", story(a, all[0]), told)
}

func TestADamagedArchiveIsPassedOver(t *testing.T) {
	s := start(t, "--timer-tombstone", "1s")
	a := ada(t, s)
	first := aMeeting(a)
	eventually(t, "the first is written down", func() bool { return size(t, s.Dir) > 0 })
	s.Stop()
	files, err := filepath.Glob(filepath.Join(s.Dir, "history", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // until the tombstone is gone as well
	s.Restart()
	a.refused(http.MethodGet, app.Prefix+"meetings/"+first, "", 404, "NotFoundException")
	if !strings.Contains(s.Output(), "damaged and passed over") {
		t.Error("the log does not say so")
	}
	second := aMeeting(a)
	want(t, "the second", story(a, second), told)
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// kept returns what the files of ended meetings have in them.
func kept(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "history", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func size(t *testing.T, dir string) int { return len(kept(t, dir)) }

package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 4, 5, 6, 7, 123e6, time.UTC)

func openTestSpool(t *testing.T, dir string, room *budget) *spool {
	t.Helper()
	s, err := openSpool(dir, room, originOf(aPipeline()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// aPiece is a piece of a stream that begins so many seconds after start.
func aPiece(stream string, second int) Piece {
	at := start.Add(time.Duration(second) * time.Second)
	return Piece{Key: fmt.Sprintf("p/%s/%d", stream, second), Stream: stream, Type: typeMP4, Start: at, Millis: 5000, Codec: "opus"}
}

func TestWhatTheJournalHasIsThereAfterACrash(t *testing.T) {
	dir, room := t.TempDir(), new(budget)
	s := openTestSpool(t, dir, room)
	for i := range 3 {
		must(t, s.add(aPiece("audio", 5*i), []byte(fmt.Sprint("piece ", i))))
	}
	must(t, s.stored(s.waiting()[1]))
	// A crash: the spool is not closed, a line is half written, a file is not in the
	// journal.
	f, err := os.OpenFile(filepath.Join(dir, journalName), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"piece":{"key":"half`)
	must(t, errors.Join(err, f.Close()))
	must(t, os.WriteFile(filepath.Join(dir, "3"), []byte("stray"), 0o600))

	again := openTestSpool(t, dir, room)
	defer again.close()
	if got := again.all(); !reflect.DeepEqual(got, s.all()) || len(got) != 3 {
		t.Errorf("%+v, want %+v", got, s.all())
	}
	waiting := again.waiting()
	if len(waiting) != 2 || waiting[0].Key != "p/audio/0" || waiting[1].Key != "p/audio/10" {
		t.Errorf("%+v", waiting)
	}
	if content, err := again.content(waiting[1]); err != nil || string(content) != "piece 2" {
		t.Errorf("%q, %v", content, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "3")); !os.IsNotExist(err) {
		t.Errorf("the stray file: %v", err)
	}
	must(t, again.add(aPiece("audio", 15), []byte("piece 3")))
	if got := again.all()[3]; got.File != "3" || got.Size != 7 {
		t.Errorf("%+v", got)
	}
	must(t, s.close())
}

func TestAStoredPieceLeavesTheDisk(t *testing.T) {
	dir, room := t.TempDir(), new(budget)
	s := openTestSpool(t, dir, room)
	must(t, s.add(aPiece("audio", 0), []byte("content")))
	if room.used != 7 {
		t.Errorf("%d bytes are used", room.used)
	}
	must(t, s.stored(s.waiting()[0]))
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != journalName {
		t.Errorf("%v, %v", entries, err)
	}
	if len(s.waiting()) != 0 || len(s.all()) != 1 || room.used != 0 {
		t.Errorf("waiting %v, %d bytes are used", s.waiting(), room.used)
	}
	must(t, s.close())
}

func TestSpoolsShareTheirRoom(t *testing.T) {
	room := &budget{most: 10}
	a, b := openTestSpool(t, t.TempDir(), room), openTestSpool(t, t.TempDir(), room)
	must(t, a.add(aPiece("audio", 0), []byte("123456")))
	if err := b.add(aPiece("audio", 0), []byte("12345")); !errors.Is(err, errNoRoom) {
		t.Errorf("%v", err)
	}
	if len(b.all()) != 0 {
		t.Errorf("%v", b.all())
	}
	must(t, b.add(aPiece("audio", 0), []byte("1234")))
	must(t, a.close())
	must(t, b.add(aPiece("audio", 5), []byte("123456")))
	must(t, b.close())
	if room.used != 0 {
		t.Errorf("%d bytes are used by nobody", room.used)
	}
}

func TestADiskThatRefusesLeavesTheJournalWhole(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, dir, new(budget))
	must(t, s.add(aPiece("audio", 0), []byte("one")))
	must(t, os.Mkdir(filepath.Join(dir, "1.new"), 0o700)) // where the next file would be written
	if err := s.add(aPiece("audio", 5), []byte("two")); err == nil {
		t.Fatal("written nevertheless")
	}
	must(t, s.add(aPiece("audio", 10), []byte("three")))
	must(t, s.close())
	again := openTestSpool(t, dir, new(budget))
	defer again.close()
	if got := again.all(); len(got) != 2 || got[1].Key != "p/audio/10" {
		t.Errorf("%+v", got)
	}
}

func TestASpoiltFileIsNotStored(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, dir, new(budget))
	defer s.close()
	must(t, s.add(aPiece("audio", 0), []byte("content")))
	must(t, os.WriteFile(filepath.Join(dir, "0"), []byte("CONTENT"), 0o600))
	if _, err := s.content(s.waiting()[0]); err == nil || !strings.Contains(err.Error(), "not what was written") {
		t.Errorf("%v", err)
	}
}

func TestASpoiltJournalIsSaidToBe(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, journalName), []byte("{}\nrubbish\n"), 0o600))
	if _, err := openSpool(dir, new(budget), nil); err == nil || !strings.Contains(err.Error(), "byte 3") {
		t.Errorf("%v", err)
	}
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := openSpool(filepath.Join(file, "below"), new(budget), nil); err == nil {
		t.Error("a spool below a file")
	}
}

func TestAPieceThatIsStoredMakesRoomOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := openTestSpool(t, dir, new(budget))
	must(t, s.add(aPiece("audio", 0), []byte("stored")))
	must(t, s.add(aPiece("audio", 5), []byte("not stored")))
	must(t, s.journal.Close()) // nothing can be noted any more
	if err := s.stored(s.waiting()[0]); err == nil {
		t.Error("it is said to be noted")
	}
	if _, err := os.Stat(filepath.Join(dir, "0")); !os.IsNotExist(err) {
		t.Errorf("its file is there still: %v", err)
	}
	again := openTestSpool(t, dir, new(budget))
	if got := again.waiting(); len(got) != 1 || got[0].File != "1" || len(again.all()) != 2 {
		t.Errorf("%+v", got)
	}
	must(t, again.close())
}

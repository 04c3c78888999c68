package meeting

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write-corpus writes down what this version's records look like. It is given
// once a version, into a folder of that version's name; what is there is never
// written over.
var writeCorpus = flag.String("write-corpus", "", "the version under whose name to add records to the corpus")

const corpusDir = "testdata/corpus"

// corpusRecords names the records that every version adds to the corpus.
func corpusRecords() map[string][]byte {
	named := map[string][]byte{}
	for i, rec := range sampleRecords() {
		named[fmt.Sprintf("%02d %s", i, rec.Body.Kind())] = rec.Encode()
	}
	for k := Authorized; int(k) <= factKinds; k++ {
		f := Fact{Kind: k, Attendee: ID{9}, ExternalUserID: "ålice", Time: time.UnixMilli(1772600767123).UTC()}
		named[fmt.Sprintf("fact %02d %s", k, k)] = f.Encode()
	}
	return named
}

func TestEveryVersionsRecordsAreRead(t *testing.T) {
	if *writeCorpus != "" {
		addToCorpus(t, *writeCorpus)
	}
	want := corpusRecords()
	versions, err := os.ReadDir(corpusDir)
	if err != nil || len(versions) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, v := range versions {
		files, err := filepath.Glob(filepath.Join(corpusDir, v.Name(), "*.hex"))
		if err != nil || len(files) == 0 {
			t.Fatalf("nothing of version %s: %v", v.Name(), err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".hex")
			stored := readHex(t, file)
			mustReadTheSame(t, v.Name()+"/"+name, stored, want[name])
		}
	}
}

// mustReadTheSame fails unless a stored record says what this version's sample
// of the same name says.
func mustReadTheSame(t *testing.T, name string, stored, sample []byte) {
	t.Helper()
	if sample == nil {
		t.Errorf("%s: this version has no sample of that name; records keep their names", name)
		return
	}
	if strings.Contains(name, "/fact ") {
		got, err := DecodeFact(stored)
		want, _ := DecodeFact(sample)
		if err != nil || got != want {
			t.Errorf("%s: read %+v (%v), want %+v", name, got, err, want)
		}
		return
	}
	got, err := DecodeRecord(stored)
	want, _ := DecodeRecord(sample)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: read %+v (%v), want %+v", name, got, err, want)
	}
}

func addToCorpus(t *testing.T, version string) {
	t.Helper()
	dir := filepath.Join(corpusDir, version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range corpusRecords() {
		file, err := os.OpenFile(filepath.Join(dir, name+".hex"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			_, err = fmt.Fprintln(file, hex.EncodeToString(data))
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readHex(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return data
}

// extraFields encodes what a newer version might add to a value.
func extraFields(pairs ...string) Extra {
	w := &writer{}
	w.uint(len(pairs))
	for i, p := range pairs {
		w.uint(1000 + i)
		w.string(p)
	}
	return Extra(w.buf)
}

func TestFieldsOfANewerVersionArePassedOverAndKept(t *testing.T) {
	for _, rec := range sampleRecords() {
		rec.Extra = extraFields("colour", "")
		if c, ok := rec.Body.(*Created); ok {
			c.Profile.Extra = extraFields("shape")
		}
		data := rec.Encode()
		got, err := DecodeRecord(data)
		if err != nil || !reflect.DeepEqual(got, rec) {
			t.Errorf("%s: read %+v (%v), want %+v", rec.Body.Kind(), got, err, rec)
			continue
		}
		if string(got.Encode()) != string(data) {
			t.Errorf("%s: not written back as it was", rec.Body.Kind())
		}
	}
}

func TestTheLastRecordRepeatsWhatANewerVersionAddedToTheProfile(t *testing.T) {
	created := &Created{Profile: Profile{ID: ID{1}, CreatedAt: time.UnixMilli(1).UTC(), Extra: extraFields("shape")}}
	var s State
	if err := s.Apply(&Record{Body: created}); err != nil {
		t.Fatal(err)
	}
	end, err := DecideEnd(&s, Stamp{}, EndedIdle, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := end.Body.(*Ended).Profile.Extra; got != created.Profile.Extra {
		t.Errorf("the last record has %q, the first had %q", got, created.Profile.Extra)
	}
}

func TestAnAttendeeMayEndInExtraFields(t *testing.T) {
	caps := Capabilities{Audio: Receive}
	w := &writer{}
	w.uint(2)
	w.id(ID{5})
	w.byte(extended)
	w.byte(caps.pack() | tagsFollow)
	w.string("ann")
	w.tags([]Tag{{"k", "v"}})
	w.extra(extraFields("colour"))
	w.id(ID{6})
	w.byte(caps.pack())
	w.string("bob")
	want := []Attendee{
		{ID: ID{5}, ExternalUserID: "ann", Capabilities: caps, Tags: []Tag{{"k", "v"}}},
		{ID: ID{6}, ExternalUserID: "bob", Capabilities: caps},
	}
	r := newReader(w.buf)
	if got := r.attendees(); r.finish() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v (%v), want %+v", got, r.err, want)
	}
}

func TestRecordsOfANewerVersionArePassedOverUnlessMarked(t *testing.T) {
	sample := sampleRecords()
	data := sample[3].Encode()
	data[1] = 77
	got, err := DecodeRecord(data)
	if err != nil {
		t.Fatalf("an unknown code: %v", err)
	}
	if string(got.Encode()) != string(data) {
		t.Error("not written back as it was")
	}
	var s State
	var o Outline
	for _, rec := range []*Record{sample[0], got, sample[3]} {
		if err := s.Apply(rec); err != nil {
			t.Errorf("state, %s: %v", rec.Body.Kind(), err)
		}
		if err := o.Add(rec.Encode()); err != nil {
			t.Errorf("outline, %s: %v", rec.Body.Kind(), err)
		}
	}
	if s.Len() != 1 || o.Attendees != 1 {
		t.Errorf("%d attendees in the state, %d in the outline, want 1", s.Len(), o.Attendees)
	}
	if err := new(State).Apply(got); !errors.Is(err, ErrOrder) {
		t.Errorf("as a meeting's first record: %v", err)
	}
	data[1] |= notSkipped
	if _, err := DecodeRecord(data); !errors.Is(err, ErrNewer) {
		t.Errorf("an unknown code that must not be passed over: %v", err)
	}
	known := sample[3].Encode()
	known[1] |= notSkipped
	if got, err := DecodeRecord(known); err != nil || !reflect.DeepEqual(got, sample[3]) {
		t.Errorf("a known code that must not be passed over: %+v, %v", got, err)
	}
}

func TestAFactOfANewerVersionIsRead(t *testing.T) {
	f := Fact{Kind: factKinds + 1, Attendee: ID{9}, Time: time.UnixMilli(1).UTC()}
	data := f.Encode()
	data = append(data[:len(data)-1], extraFields("colour")...)
	if got, err := DecodeFact(data); err != nil || got != f || got.Kind.String() != "unknown" {
		t.Errorf("read %+v, %v", got, err)
	}
}

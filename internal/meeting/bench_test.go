package meeting

import (
	"fmt"
	"testing"
)

func BenchmarkDecideAddAttendees100(b *testing.B) {
	items := make([]NewAttendee, 100)
	for i := range items {
		items[i].ExternalUserID = fmt.Sprintf("5b1d7c02-90aa-4c3e-8f21-77a1c0de%04d", i)
	}
	create, _, err := DecideCreate(Stamp{}, ID{1}, TokenHash{}, NewMeeting{}, DefaultLimits(), ids())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var s State
		n := uint32(0)
		newID := func() ID { n++; return ID{byte(n), byte(n >> 8)} }
		if err := s.Apply(create); err != nil {
			b.Fatal(err)
		}
		rec, _, err := DecideAddAttendees(&s, Stamp{}, items, DefaultLimits(), newID)
		if err != nil {
			b.Fatal(err)
		}
		rec.Encode()
		if err := s.Apply(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAndFold100(b *testing.B) {
	items := make([]Attendee, 100)
	for i := range items {
		items[i] = Attendee{ID: ID{byte(i)}, ExternalUserID: fmt.Sprintf("5b1d7c02-90aa-4c3e-8f21-77a1c0de%04d", i), Capabilities: Features{}.DefaultCapabilities()}
	}
	created := (&Record{Body: &Created{}}).Encode()
	data := (&Record{Body: &AttendeesAdded{Attendees: items}}).Encode()
	b.ReportAllocs()
	for b.Loop() {
		var s State
		for _, d := range [][]byte{created, data} {
			rec, err := DecodeRecord(d)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Apply(rec); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOutline(b *testing.B) {
	created := (&Record{Body: &Created{Profile: Profile{Owner: testOwner, MediaRegion: "eu-west-3", ExternalMeetingID: "x"}}}).Encode()
	b.ReportAllocs()
	for b.Loop() {
		var o Outline
		if err := o.Add(created); err != nil {
			b.Fatal(err)
		}
	}
}

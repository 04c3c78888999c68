package meeting

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleRecords() []*Record {
	at := Stamp{Command: ID{1}, Time: time.UnixMilli(1772600767123).UTC(), Actor: "operator:jo"}
	caps := Capabilities{Audio: SendReceive, Video: None, Content: Send}
	profile := Profile{
		ID: ID{2}, Owner: Owner{Account: "000000000000", Region: "us-east-1", Flavour: Legacy}, Token: TokenHash{3},
		ExternalMeetingID: "standup", HostID: "h", MediaRegion: "eu-west-3",
		Notifications: Notifications{LambdaFunctionArn: "arn:l", SnsTopicArn: "arn:s", SqsQueueArn: "arn:q"},
		Features:      &Features{EchoReduction: "AVAILABLE", VideoMax: "FHD", ContentMax: "UHD", MaxCount: 25},
		PrimaryID:     ID{4}, TenantIDs: []string{"t1", "t2"}, DualStack: true, Capacity: 25, CreatedAt: at.Time,
	}
	people := []Attendee{
		{ID: ID{5}, ExternalUserID: "ålice", Capabilities: caps},
		{ID: ID{6}, ExternalUserID: "bob", Capabilities: caps, Tags: []Tag{{"k", "v"}, {"empty", ""}}},
	}
	t := TranscriptionConfig{JSON: `{"EngineTranscribeSettings":{}}`, Region: "auto"}
	return []*Record{
		{Stamp: at, Body: &Created{Profile: profile, Tags: []Tag{{"a", "b"}}, Attendees: people}},
		{Stamp: at, Body: &Created{Profile: Profile{CreatedAt: at.Time}}},
		{Stamp: at, Body: &AttendeesAdded{Attendees: people}},
		{Stamp: at, Body: &AttendeeDeleted{Attendee: ID{5}}},
		{Stamp: at, Body: &CapabilitiesSet{Attendees: []ID{{5}, {6}}, Capabilities: caps}},
		{Stamp: at, Body: &TagsSet{Attendee: ID{5}, Tags: []Tag{{"x", "y"}}}},
		{Stamp: at, Body: &TagsSet{}},
		{Stamp: at, Body: &TranscriptionStarted{Config: t, Failure: "none"}},
		{Stamp: at, Body: &TranscriptionStopped{}},
		{Stamp: at, Body: &Ended{Profile: profile, Reason: EndedByAge, Attendees: 2, Transcription: &t,
			Departures: []Fact{{Kind: Left, Attendee: ID{5}, ExternalUserID: "ålice"}, {Kind: ContentDropped, Attendee: ID{6}}}}},
		{Stamp: at, Body: &Ended{Profile: Profile{CreatedAt: at.Time}}},
		{Stamp: at, Body: &TimersSet{Timers: Timers{Idle: 90 * time.Second, MaxAge: time.Hour}}},
		{Stamp: at, Body: &PipelineCreated{Pipeline: samplePipeline(at)}},
		{Stamp: at, Body: &PipelineMoved{Status: PipelineStopping}},
		{Stamp: at, Body: &PipelineEnded{Pipeline: Pipeline{Created: at.Time, Updated: at.Time, Status: PipelineFailed, Failure: "disk"}}},
		{Stamp: at, Body: &AttendeesAdded{Attendees: []Attendee{{ID: ID{5}, ExternalUserID: "aws:MediaPipeline-05000", Capabilities: caps, Pipeline: ID{7}}}}},
		{Stamp: at, Body: &PipelineTroubled{Message: "the store does not answer"}},
		{Stamp: at, Body: &TranscriptionStarted{Config: t, Pending: true}},
		{Stamp: at, Body: &TranscriptionMoved{Phase: TranscriptionInterrupted, Message: "no engine answers"}},
		{Stamp: at, Body: &PipelineEnded{Pipeline: toldPipeline(at)}},
		{Stamp: at, Body: &PipelineEnded{Pipeline: toldPipeline(at)}, Extra: extraFields("of a later version")},
		{Stamp: at, Body: &PipelineCreated{Pipeline: sampleConnector(at)}},
	}
}

// toldPipeline has the fields that came later.
func toldPipeline(at Stamp) Pipeline {
	p := samplePipeline(at)
	p.Notifications, p.Told = Notifications{SnsTopicArn: "arn:s", SqsQueueArn: "arn:q"}, 300
	p.Status = PipelineStopped
	return p
}

func sampleConnector(at Stamp) Pipeline {
	p := samplePipeline(at)
	p.Kind = LiveConnectorPipeline
	p.Settings.Stream = Stream{URL: "rtmp://h/app/key", Channels: "Stereo", SampleRate: "44100"}
	p.Settings.Composition = &Composition{
		Layout: "GridView", Resolution: "FHD", ContentShareLayout: "Vertical", CanvasOrientation: "Portrait", PresenterPosition: "TopLeft", SpeakerPosition: "TopRight",
		Horizontal: TileLayout{"JoinSequence", "Top", "4/3", 2}, Vertical: TileLayout{"SpeakerSequence", "Left", "9/16", 10},
		Attribute: VideoAttribute{CornerRadius: 20, BorderThickness: 1, BorderColor: "Red", HighlightColor: "Blue"},
	}
	return p
}

func samplePipeline(at Stamp) Pipeline {
	return Pipeline{
		ID: ID{7}, Kind: CapturePipeline, Owner: Owner{Account: "000000000000", Region: "us-east-1", Flavour: Meetings},
		Meeting: ID{2}, ExternalMeetingID: "standup", MediaRegion: "eu-west-3", Token: TokenHash{8},
		Settings: PipelineSettings{
			SourceArn: "arn:m", SinkArn: "arn:s3", Bucket: "b", Prefix: "p/q", Source: ID{9},
			Artifacts:          Artifacts{Audio: true, Content: true, MeetingEvents: true},
			ActiveSpeakerVideo: true, Attendees: []string{"a"}, Users: []string{"u", "v"}, KMSKey: "k", KMSContext: "c", Role: "r",
		},
		Attendee: ID{5}, AttendeeUser: "aws:MediaPipeline-05000", Created: at.Time, Tags: []Tag{{"a", "b"}},
		Status: PipelineInProgress, Updated: at.Time, Failure: "",
	}
}

func TestRecordsSurviveTheEncoding(t *testing.T) {
	for _, rec := range sampleRecords() {
		got, err := DecodeRecord(rec.Encode())
		if err != nil {
			t.Errorf("%s: %v", rec.Body.Kind(), err)
		} else if !reflect.DeepEqual(got, rec) {
			t.Errorf("%s: wrote %+v, read %+v", rec.Body.Kind(), rec.Body, got.Body)
		}
	}
}

func TestEveryCutOfARecordIsRefused(t *testing.T) {
	for _, rec := range sampleRecords() {
		data := rec.Encode()
		for n := range data {
			if _, err := DecodeRecord(data[:n]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s cut to %d of %d bytes: %v", rec.Body.Kind(), n, len(data), err)
			}
		}
		if _, err := DecodeRecord(append(data, 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s with a byte too many: %v", rec.Body.Kind(), err)
		}
	}
}

func TestAHugeCountAllocatesNothing(t *testing.T) {
	data := (&Record{Body: &AttendeesAdded{}}).Encode()
	data = append(data[:len(data)-2], 0xff, 0xff, 0xff, 0xff, 0x7f)
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := DecodeRecord(data); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("accepted: %v", err)
		}
	})
	if allocs > 20 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestUnknownVersionsAreRefused(t *testing.T) {
	data := sampleRecords()[3].Encode()
	data[0] = 1
	if _, err := DecodeRecord(data); !errors.Is(err, ErrCorrupt) {
		t.Errorf("record: %v", err)
	}
	if err := new(Outline).Add(data); !errors.Is(err, ErrCorrupt) {
		t.Errorf("outline: %v", err)
	}
	fact := Fact{Kind: Joined}.Encode()
	fact[0] = 1
	if _, err := DecodeFact(fact); !errors.Is(err, ErrCorrupt) {
		t.Errorf("fact: %v", err)
	}
}

func TestAnAttendeeTakesFewBytes(t *testing.T) {
	people := make([]Attendee, 100)
	for i := range people {
		people[i] = Attendee{ID: ID{byte(i)}, ExternalUserID: strings.Repeat("x", 36), Capabilities: Features{}.DefaultCapabilities()}
	}
	n := len((&Record{Body: &AttendeesAdded{Attendees: people}}).Encode())
	if per := float64(n) / 100; per > 60 {
		t.Errorf("%.1f bytes per attendee", per)
	}
}

func TestFactsSurviveTheEncoding(t *testing.T) {
	for k := Authorized; k <= ContentVideoStopped; k++ {
		f := Fact{Kind: k, Attendee: ID{9}, ExternalUserID: "ålice", Time: time.UnixMilli(1772600767123).UTC()}
		got, err := DecodeFact(f.Encode())
		if err != nil || got != f {
			t.Errorf("%s: %+v, %v", k, got, err)
		}
	}
	if _, err := DecodeFact(Fact{}.Encode()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("no kind: %v", err)
	}
	if _, err := DecodeFact(nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("empty: %v", err)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, rec := range sampleRecords() {
		f.Add(rec.Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := DecodeRecord(data)
		var o Outline
		outlineErr := o.Add(data)
		if err != nil {
			return
		}
		again, err := DecodeRecord(rec.Encode())
		if err != nil || !reflect.DeepEqual(again, rec) {
			t.Fatalf("read %+v, wrote and read %+v (%v)", rec, again, err)
		}
		var s State
		if s.Apply(rec) == nil && (outlineErr != nil || o.Attendees != s.Len()) {
			t.Fatalf("state takes the record, outline says %v and %d attendees of %d", outlineErr, o.Attendees, s.Len())
		}
	})
}

func FuzzDecodeFact(f *testing.F) {
	f.Add(Fact{Kind: Joined, ExternalUserID: "u", Time: time.UnixMilli(1)}.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		fact, err := DecodeFact(data)
		if err != nil {
			return
		}
		if again, err := DecodeFact(fact.Encode()); err != nil || again != fact {
			t.Fatalf("read %+v, wrote and read %+v (%v)", fact, again, err)
		}
	})
}

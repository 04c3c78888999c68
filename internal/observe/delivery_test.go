package observe

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestAFilterOfLetters(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	l := Letter{Key: "k", Destination: "sqs arn:a", Type: "chime:MeetingEnded", Meeting: meeting.ID{1}, At: At(at)}
	for _, f := range []LetterFilter{
		{}, {Key: "k"}, {Destination: "sqs"}, {Meeting: meeting.ID{1}}, {Type: "chime:MeetingEnded"}, {Before: At(at.Add(time.Second))},
	} {
		if !f.Takes(l) {
			t.Errorf("%+v does not take %+v", f, l)
		}
	}
	for _, f := range []LetterFilter{
		{Key: "j"}, {Destination: "sns"}, {Meeting: meeting.ID{2}}, {Type: "chime:MeetingStarted"}, {Before: At(at)}, {Key: "k", Destination: "webhook"},
	} {
		if f.Takes(l) {
			t.Errorf("%+v takes %+v", f, l)
		}
	}
}

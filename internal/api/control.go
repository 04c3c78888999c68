package api

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Control is what the API needs of the control plane, in the parts that the
// files of the operations declare. Every error it returns is a *meeting.Error;
// an owner that does not fit the meeting makes it not found.
type Control interface {
	MeetingControl
	AttendeeControl
	TranscriptionControl
	TagControl
	PipelineControl

	// HomeFlavour returns the flavour through which the account created the
	// meeting in the Region; ok is false when it has no such meeting.
	HomeFlavour(ctx context.Context, account, region string, id meeting.ID) (f meeting.Flavour, ok bool)
}

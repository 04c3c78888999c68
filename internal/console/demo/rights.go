package demo

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
)

// rights answers with what a person may do now, as the Capabilities of the
// API. The meeting SDK tells a client nothing of them: somebody who was muted
// by an operator would go on talking without knowing, so the page asks here.
func (b *Backend) rights(w http.ResponseWriter, r *http.Request) {
	code, ok := b.codes.parse(r.PathValue("code"))
	if !ok {
		refuse(w, http.StatusNotFound, "There is no meeting with this code.")
		return
	}
	var body struct {
		Who      string `json:"who"`
		Meeting  string `json:"meeting"`
		Attendee string `json:"attendee"`
	}
	if readJSON(w, r, &body) != nil || body.Meeting == "" || body.Attendee == "" {
		refuse(w, http.StatusBadRequest, "The request is not the JSON expected here.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	a, err := b.api.GetAttendee(ctx, &chimesdkmeetings.GetAttendeeInput{
		MeetingId: aws.String(body.Meeting), AttendeeId: aws.String(body.Attendee),
	})
	var gone *types.NotFoundException
	var wrong *types.BadRequestException
	switch {
	case errors.As(err, &wrong):
		refuse(w, http.StatusBadRequest, "The ids of the meeting and the attendee make no sense.")
	case errors.As(err, &gone), err == nil && !b.codes.owns(code, body.Who, aws.ToString(a.Attendee.ExternalUserId)):
		refuse(w, http.StatusNotFound, "This seat is not there, or not any more.")
	case err != nil:
		b.fail(w, err)
	default:
		answer(w, http.StatusOK, a.Attendee.Capabilities)
	}
}

// owns reports whether an ExternalUserId was made for this person.
func (c codes) owns(code, who, externalID string) bool {
	return strings.HasPrefix(externalID, c.person(code, who))
}

package main

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// seat returns what somebody joins with in an attendee's place, in the form of
// the API's answers.
func (s *server) seat(ctx context.Context, id, attendee meeting.ID) (console.Seat, error) {
	m, ok := s.control.Meeting(ctx, id)
	if !ok || !m.Ended.IsZero() {
		return console.Seat{}, meeting.Errorf(meeting.NotFound, "The meeting has ended.")
	}
	all, err := s.control.Attendees(ctx, id)
	if err != nil {
		return console.Seat{}, err
	}
	for i := range all {
		if a := &all[i]; a.ID == attendee && a.Pipeline.IsZero() { // nobody joins as a recording
			at := placement(s.ports.public, s.ports.mediaHost(s.cfg), s.media.turn != nil, s.cfg.Pages.EventIngestion)(meeting.Summary{ID: id})
			return console.Seat{
				Meeting: map[string]any{"MeetingId": id.String(), "ExternalMeetingId": m.External, "MediaRegion": m.MediaRegion, "MediaPlacement": map[string]string{
					"AudioHostUrl": at.AudioHostURL, "AudioFallbackUrl": at.AudioFallbackURL, "SignalingUrl": at.SignalingURL, "TurnControlUrl": at.TurnControlURL,
					"ScreenDataUrl": at.ScreenDataURL, "ScreenSharingUrl": at.ScreenSharingURL, "ScreenViewingUrl": at.ScreenViewingURL,
				}},
				Attendee: map[string]any{"AttendeeId": attendee.String(), "ExternalUserId": a.ExternalUserID, "JoinToken": s.control.JoinToken(id, attendee),
					"Capabilities": map[string]string{"Audio": a.Capabilities.Audio.String(), "Video": a.Capabilities.Video.String(), "Content": a.Capabilities.Content.String()}},
			}, nil
		}
	}
	return console.Seat{}, meeting.Errorf(meeting.NotFound, "The meeting has no such attendee.")
}

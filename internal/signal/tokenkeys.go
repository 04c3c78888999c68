package signal

import (
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// DropTokenKeys throws out who came with a token of a key that is not in use
// any more. It is called after such tokens have ceased to be good: who is on the
// way in meanwhile finds that when the token is looked at once more.
func (s *Server) DropTokenKeys(inUse func(jointoken.KeyID) bool) {
	for _, conf := range s.allConferences() {
		conf.update(func() {
			for _, meet := range conf.meetings { // a replica's attendee would else not be told of it
				meet.dropPromotionKeysLocked(inUse)
			}
			for _, meet := range conf.meetings {
				meet.dropTokenKeysLocked(inUse)
			}
		})
	}
}

func (meet *openMeeting) dropPromotionKeysLocked(inUse func(jointoken.KeyID) bool) {
	for _, part := range meet.conference.participants {
		if p := part.promoted; p != nil && p.meeting == meet && !inUse(p.tokenKey) {
			meet.endPromotionOfLocked(p.attendee)
		}
	}
}

func (meet *openMeeting) dropTokenKeysLocked(inUse func(jointoken.KeyID) bool) {
	conf := meet.conference
	for _, content := range []bool{true, false} { // a share would else be told that its owner left
		for _, part := range conf.participants {
			if part.meeting == meet && part.session != nil && part.key.content == content && !inUse(part.session.grant.TokenKey) {
				conf.kickLocked(part, keyDropped, departure{fact: meeting.Left})
			}
		}
	}
	for one := range meet.sessions {
		if one.state == opened && !inUse(one.grant.TokenKey) {
			one.turnAwayLocked(keyDropped)
		}
	}
}

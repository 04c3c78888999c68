package demo

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

// maxOpened is how many open meetings one address may have begun: enough for an
// office behind one address, too few to use up the account's quota.
const maxOpened = 5

// errTooMany refuses another meeting to an address.
var errTooMany = errors.New("demo backend: the address has too many open meetings")

// opened remembers which address began which meeting, until it is seen to have
// ended. It is not kept over a restart: the account's quota bounds what can be
// forgotten.
type opened struct {
	now func() time.Time

	mu     sync.Mutex
	byCode map[string]beginning
}

// beginning is one meeting that was begun here.
type beginning struct {
	meetingID string // "" while it is being created
	by        netip.Prefix
	at        time.Time
}

func newOpened(now func() time.Time) *opened {
	return &opened{now: now, byCode: make(map[string]beginning)}
}

// find returns the id of the meeting that has this code; "" when none was
// begun here.
func (o *opened) find(code string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byCode[code].meetingID
}

// of returns the meetings that an address began, by code.
func (o *opened) of(by netip.Prefix) map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	ids := make(map[string]string)
	for code, b := range o.byCode {
		if b.by == by && b.meetingID != "" {
			ids[code] = b.meetingID
		}
	}
	return ids
}

// claim takes a place for another meeting of an address; false when it has as
// many as it may. Somebody else's claim of the same code is as good.
func (o *opened) claim(code string, by netip.Prefix) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.byCode[code]; known {
		return true
	}
	n := 0
	for other, b := range o.byCode {
		switch {
		case o.now().Sub(b.at) > 2*codeDay: // so has its code
			delete(o.byCode, other)
		case b.by == by:
			n++
		}
	}
	if n >= maxOpened {
		return false
	}
	o.byCode[code] = beginning{by: by, at: o.now()}
	return true
}

// settle notes the meeting that became of a claim, or with "" that none did.
func (o *opened) settle(code, meetingID string, by netip.Prefix) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, known := o.byCode[code]
	if !known { // another's claim of the same code failed meanwhile
		b = beginning{by: by, at: o.now()}
	}
	if b.meetingID = cmp.Or(meetingID, b.meetingID); b.meetingID == "" {
		delete(o.byCode, code)
		return
	}
	o.byCode[code] = b
}

// ended forgets a meeting that is no more.
func (o *opened) ended(code, meetingID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byCode[code].meetingID == meetingID {
		delete(o.byCode, code)
	}
}

// meeting finds the meeting of a code or, for an address that may begin
// another, creates it.
func (b *Backend) meeting(ctx context.Context, r *http.Request, code string) (*types.Meeting, error) {
	if id := b.opened.find(code); id != "" {
		m, err := b.get(ctx, code, id)
		if m != nil || err != nil {
			return m, err
		}
	}
	by := clientaddr.Network(b.cfg.ClientAddr(r))
	if !b.opened.claim(code, by) {
		for other, id := range b.opened.of(by) { // some may have ended
			if _, err := b.get(ctx, other, id); err != nil {
				return nil, err
			}
		}
		if !b.opened.claim(code, by) {
			return nil, errTooMany
		}
	}
	made, err := b.api.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String(code),
		ExternalMeetingId:  aws.String(code),
		MediaRegion:        aws.String(b.cfg.MediaRegion),
	})
	if err != nil {
		b.opened.settle(code, "", by)
		return nil, err
	}
	b.opened.settle(code, *made.Meeting.MeetingId, by)
	return made.Meeting, nil
}

// get returns a meeting that was begun here; nil, forgotten, when it has ended.
func (b *Backend) get(ctx context.Context, code, id string) (*types.Meeting, error) {
	got, err := b.api.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: aws.String(id)})
	var gone *types.NotFoundException
	if errors.As(err, &gone) {
		b.opened.ended(code, id)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return got.Meeting, nil
}

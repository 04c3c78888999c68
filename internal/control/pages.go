package control

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A pagination token is a place in a list and a MAC over it and over what the
// list is: which kind, whose, and of which meeting. A token is therefore of no
// use for another list, and nobody can make one up. It does not expire: a place
// stays meaningful whatever is created or deleted.

const (
	meetingsList  = 'm'
	attendeesList = 'a'
	pipelinesList = 'p' // and by the kind of pipeline what follows in the alphabet

	macSize = 16
)

func badPageToken() error { return meeting.Errorf(meeting.Invalid, "NextToken is not valid") }

// seal makes a token of a place. It is in hexadecimal, since one that began with
// a dash would be taken for an option by command lines.
func (c *Control) seal(list byte, owner meeting.Owner, id meeting.ID, place []byte) string {
	mac := c.pageMAC(list, owner, id, place)
	return hex.EncodeToString(append(mac[:macSize:macSize], place...))
}

// unseal returns the place in a token, which must be size bytes.
func (c *Control) unseal(list byte, owner meeting.Owner, id meeting.ID, token string, size int) ([]byte, error) {
	data, err := hex.DecodeString(token)
	if err != nil || len(data) != macSize+size {
		return nil, badPageToken()
	}
	place := data[macSize:]
	if !hmac.Equal([]byte(token), []byte(c.seal(list, owner, id, place))) {
		return nil, badPageToken()
	}
	return place, nil
}

func (c *Control) pageMAC(list byte, owner meeting.Owner, id meeting.ID, place []byte) []byte {
	h := hmac.New(sha256.New, c.pageSecret[:])
	h.Write([]byte{list, byte(owner.Flavour)})
	h.Write(id[:])
	h.Write(place)
	// The only part of varying length comes last; neither contains a zero.
	h.Write([]byte(owner.Account + "\x00" + owner.Region))
	return h.Sum(nil)
}

func (c *Control) attendeesToken(owner meeting.Owner, id meeting.ID, cursor uint32) string {
	return c.seal(attendeesList, owner, id, binary.BigEndian.AppendUint32(nil, cursor))
}

func (c *Control) readAttendeesToken(owner meeting.Owner, id meeting.ID, token string) (cursor uint32, err error) {
	if token == "" {
		return 0, nil
	}
	data, err := c.unseal(attendeesList, owner, id, token, 4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(data), nil
}

func (c *Control) meetingsToken(owner meeting.Owner, p position) string {
	data := binary.BigEndian.AppendUint64(nil, uint64(p.created.UnixMilli()))
	return c.seal(meetingsList, owner, meeting.ID{}, append(data, p.id[:]...))
}

func (c *Control) readMeetingsToken(owner meeting.Owner, token string) (p position, err error) {
	if token == "" {
		return position{}, nil
	}
	data, err := c.unseal(meetingsList, owner, meeting.ID{}, token, 8+16)
	if err != nil {
		return position{}, err
	}
	return position{time.UnixMilli(int64(binary.BigEndian.Uint64(data))).UTC(), meeting.ID(data[8:])}, nil
}

func (c *Control) pipelinesToken(owner meeting.Owner, kind meeting.PipelineKind, p position) string {
	data := binary.BigEndian.AppendUint64(nil, uint64(p.created.UnixMilli()))
	return c.seal(pipelinesList+byte(kind), owner, meeting.ID{}, append(data, p.id[:]...))
}

func (c *Control) readPipelinesToken(owner meeting.Owner, kind meeting.PipelineKind, token string) (p position, err error) {
	if token == "" {
		return position{}, nil
	}
	data, err := c.unseal(pipelinesList+byte(kind), owner, meeting.ID{}, token, 8+16)
	if err != nil {
		return position{}, err
	}
	return position{time.UnixMilli(int64(binary.BigEndian.Uint64(data))).UTC(), meeting.ID(data[8:])}, nil
}

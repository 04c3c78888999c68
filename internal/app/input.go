package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/jsonbody"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// The query parameters.
const (
	paramState      = "state"
	paramExternal   = "externalMeetingId"
	paramTagKey     = "tagKey"
	paramTagValue   = "tagValue"
	paramMaxResults = "maxResults"
	paramNextToken  = "nextToken"
)

// What input may be at most.
const (
	maxBody     = 64 << 10 // bytes: the longest message with every character escaped
	maxPage     = 100      // items
	defaultPage = 50
	maxExternal = 64 // characters of an ExternalMeetingId, as in the AWS API
	maxTagKey   = 128
	maxTagValue = 256
)

func tooLarge() *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: codeTooLarge,
		message: "The request body is larger than " + strconv.Itoa(maxBody) + " bytes.", hangUp: true}
}

// readBody reads the body exactly as it was sent.
func (c *call) readBody() (err error) {
	if c.r.Body == nil {
		return nil
	}
	c.body, err = io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	switch {
	case len(c.body) > maxBody:
		return tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, code: codeTimeout, message: "The request body took too long to arrive.", hangUp: true}
	case err != nil:
		return &refusal{status: http.StatusBadRequest, code: codeBadRequest, message: "The request body could not be read.", hangUp: true}
	}
	return nil
}

// readQuery reads the parameters. One that the operation does not take is
// refused: a filter with a typing mistake would otherwise be none.
func (c *call) readQuery(raw string) error {
	c.query = map[string]string{}
	for _, p := range sigv4.ParseQuery(raw) {
		if !slices.Contains(c.op.query, p.Name) {
			return invalid("%s takes no query parameter %q.", c.op.name, shortened(p.Name))
		}
		if _, twice := c.query[p.Name]; twice {
			return invalid("The query parameter %s is given twice.", p.Name)
		}
		c.query[p.Name] = p.Value
	}
	return nil
}

// shortened bounds what is repeated of a caller's words.
func shortened(s string) string { return s[:min(len(s), 64)] }

// text returns a parameter of at most so many bytes; "" when it is not there.
// One that is there and empty is refused.
func (c *call) text(name string, most int) (string, error) {
	value, given := c.query[name]
	if given && (value == "" || len(value) > most) {
		return "", invalid("The query parameter %s must have 1 to %d bytes.", name, most)
	}
	return value, nil
}

// limit returns how many items a page is to have.
func (c *call) limit() (int, error) {
	value, given := c.query[paramMaxResults]
	if !given {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxPage {
		return 0, invalid("The query parameter %s must be a number from 1 to %d.", paramMaxResults, maxPage)
	}
	return n, nil
}

// A token is where a page ends, behind what tells its list from all others: in
// another one the same place would be a page that is quietly wrong. It gives
// nobody anything, so it is not sealed.

// tokenOf returns the token for the entries after the place at; "" for "".
func (c *call) tokenOf(at string) string {
	if at == "" {
		return ""
	}
	return c.listMark() + at
}

// after returns the place that the request's token holds; "" without one.
func (c *call) after() (at string, err error) {
	token, given := c.query[paramNextToken]
	if !given {
		return "", nil
	}
	at, ours := strings.CutPrefix(token, c.listMark())
	if !ours || at == "" {
		return "", badToken()
	}
	return at, nil
}

// listMark tells the list that is asked for from others, of other meetings,
// accounts and filters.
func (c *call) listMark() string {
	h := sha256.New()
	list := []string{c.op.name, c.identity.Account, strings.ToLower(c.labels.meeting), cmp.Or(c.query[paramState], stateActive)}
	for _, name := range []string{paramExternal, paramTagKey, paramTagValue} {
		list = append(list, c.query[name])
	}
	for _, part := range list {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:markSize])
}

// markSize is the size of a mark in bytes: mistakes are to be noticed, not
// attacks.
const markSize = 6

// A place among meetings is milliseconds and an id, in hexadecimal.
const placeSize = 8 + 16

func placeText(p observe.Place) string {
	if p.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(p.At.UnixMilli()))
	return hex.EncodeToString(append(b, p.ID[:]...))
}

// place returns where the page of meetings begins.
func (c *call) place() (p observe.Place, err error) {
	at, err := c.after()
	if err != nil || at == "" {
		return p, err
	}
	b, err := hex.DecodeString(at)
	if err != nil || len(b) != placeSize {
		return p, badToken()
	}
	return observe.Place{At: time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), ID: meeting.ID(b[8:])}, nil
}

// decode reads the body into an input. A member that it has not is refused: a
// typing mistake would otherwise be nothing.
func (c *call) decode(into any) error {
	var (
		wrong  *json.UnmarshalTypeError
		member *jsonbody.MemberError
	)
	switch err := jsonbody.Decode(c.body, into); {
	case errors.Is(err, jsonbody.ErrText):
		return invalid("The request body is not valid UTF-8, or has half of a surrogate pair.")
	case errors.Is(err, jsonbody.ErrNoObject):
		return invalid("The request body is not a JSON object.")
	case errors.As(err, &member) && member.Twice:
		return invalid("The request body has the member %q twice.", shortened(member.Name))
	case errors.As(err, &member):
		return invalid("The request body has a member %q, which %s does not take.", shortened(member.Name), c.op.name)
	case errors.As(err, &wrong):
		return invalid("The member %s of the request body must not be a %s.", wrong.Field, wrong.Value)
	case err != nil:
		return invalid("A member of the request body is not valid base64.")
	}
	return nil
}

// meetingID returns the meeting that the path names.
func (c *call) meetingID() (meeting.ID, error) {
	return idOf("meeting id in the path", c.labels.meeting)
}

func idOf(what, label string) (meeting.ID, error) {
	id, ok := meeting.ParseID(label)
	if !ok {
		return id, invalid("The %s is not a GUID.", what)
	}
	return id, nil
}

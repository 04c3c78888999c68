package conform

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go/service/chime"
)

// Client makes calls in one flavour, signed with one key pair for one Region.
// Calls of operations go through the flavour's SDK; Send and Raw speak HTTP.
type Client struct {
	t       *T
	flavour Flavour
	base    string // endpoint, with the flavour's path prefix
	region  string
	keys    Credentials
	plain   *http.Client // shares the run's connections, records nothing
	door    door
	current currentOnly // nil in the legacy flavour
	legacy  legacyOnly  // nil in the current flavour
}

// door is what an SDK's package offers of the API, in values both flavours
// share: the operations that both have.
type door interface {
	// code returns the error code the SDK made of a refusal.
	code(err error) string
	createMeeting(context.Context, NewMeeting) (Meeting, error)
	createMeetingWithAttendees(context.Context, NewMeeting) (Batch, error)
	getMeeting(ctx context.Context, meeting string) (Meeting, error)
	deleteMeeting(ctx context.Context, meeting string) error
	createAttendee(ctx context.Context, meeting string, in NewAttendee) (Attendee, error)
	batchCreateAttendee(ctx context.Context, meeting string, in []NewAttendee) (Batch, error)
	getAttendee(ctx context.Context, meeting, attendee string) (Attendee, error)
	listAttendees(ctx context.Context, meeting string, p Page) (AttendeePage, error)
	deleteAttendee(ctx context.Context, meeting, attendee string) error
	startTranscription(ctx context.Context, meeting string, in Transcription) error
	stopTranscription(ctx context.Context, meeting string) error
	tagResource(ctx context.Context, arn string, tags []Tag) error
	untagResource(ctx context.Context, arn string, keys []string) error
	listTagsForResource(ctx context.Context, arn string) ([]Tag, error)
}

// currentOnly are the operations the legacy flavour lacks.
type currentOnly interface {
	updateCapabilities(ctx context.Context, meeting, attendee string, c Capabilities) (Attendee, error)
	updateCapabilitiesExcept(ctx context.Context, meeting string, except []string, c Capabilities) error
}

// legacyOnly are the operations the current flavour lacks.
type legacyOnly interface {
	listMeetings(context.Context, Page) (MeetingPage, error)
	tagMeeting(ctx context.Context, meeting string, tags []Tag) error
	untagMeeting(ctx context.Context, meeting string, keys []string) error
	listMeetingTags(ctx context.Context, meeting string) ([]Tag, error)
	tagAttendee(ctx context.Context, meeting, attendee string, tags []Tag) error
	untagAttendee(ctx context.Context, meeting, attendee string, keys []string) error
	listAttendeeTags(ctx context.Context, meeting, attendee string) ([]Tag, error)
}

// newClient returns a client whose answers are recorded for its case.
func newClient(t *T, f Flavour, base, region string, keys Credentials) *Client {
	c := &Client{t: t, flavour: f, base: base, region: region, keys: keys}
	c.plain = &http.Client{Transport: t.target.transport, CheckRedirect: noRedirect}
	recording := &http.Client{Transport: recorder{c}, CheckRedirect: noRedirect}
	if f == Legacy {
		d := newLegacyDoor(c, recording)
		c.door, c.legacy = d, d
	} else {
		d := newMeetingsDoor(c, recording)
		c.door, c.current = d, d
	}
	return c
}

// noRedirect has redirects reported as they are: the API has none.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Base returns the URL that the client's paths are appended to: the endpoint
// with the flavour's prefix, without a slash at its end.
func (c *Client) Base() string { return c.base }

// CurrentSDK returns the SDK's client of the current flavour, for what only it
// offers; nil in the legacy flavour.
func (c *Client) CurrentSDK() *chimesdkmeetings.Client {
	if d, ok := c.door.(*currentSDK); ok {
		return d.api
	}
	return nil
}

// LegacySDK returns the SDK's client of the legacy flavour, for what only it
// offers; nil in the current flavour.
func (c *Client) LegacySDK() *chime.Chime {
	if d, ok := c.door.(*legacySDK); ok {
		return d.api
	}
	return nil
}

// At returns a client that differs in the base URL.
func (c *Client) At(base string) *Client { return newClient(c.t, c.flavour, base, c.region, c.keys) }

// deleteQuietly deletes a meeting and returns the status, 0 if there was no
// answer.
func (c *Client) deleteQuietly(ctx context.Context, meeting string) int {
	req, err := c.prepare(ctx, Request{Method: http.MethodDelete, Target: "/meetings/" + meeting})
	if err != nil {
		return 0
	}
	res, err := c.plain.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// wireKey is the context key of the *Wire an answer is recorded into.
type wireKey struct{}

// recorder keeps what came over the wire beside what an SDK makes of it, and
// remembers created meetings so that they can be deleted.
type recorder struct{ c *Client }

// RoundTrip sends the request at the run's pace and records the answer.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := r.c.t.target.pace.Wait(req.Context()); err != nil {
		return nil, err
	}
	res, err := r.c.t.target.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if closeErr := res.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if w, ok := req.Context().Value(wireKey{}).(*Wire); ok {
		*w = Wire{Status: res.StatusCode, Header: res.Header.Clone(), Length: res.ContentLength, Body: body}
	}
	if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/meetings") && res.StatusCode/100 == 2 {
		r.remember(body)
	}
	return res, nil
}

// remember has the meeting of a creation's answer deleted after the case.
func (r recorder) remember(body []byte) {
	var created struct {
		Meeting struct {
			ID string `json:"MeetingId"`
		}
	}
	if json.Unmarshal(body, &created) == nil && created.Meeting.ID != "" {
		r.c.t.made(r.c, created.Meeting.ID)
	}
}

// call makes one call through the SDK and keeps all that is known of it.
// status is the documented one of success.
func call[V any](c *Client, what string, status int, fn func(context.Context) (V, error)) Result[V] {
	var w Wire
	v, err := fn(context.WithValue(c.t.ctx, wireKey{}, &w))
	r := Result[V]{Reply: Reply{Wire: w, t: c.t, flavour: c.flavour, what: what}, success: status, value: v, sdkErr: err}
	if err != nil {
		r.sdkCode = c.door.code(err)
		if w.Status == 0 {
			r.err = err
		}
	}
	return r
}

// bare adapts a call without an output.
func bare(fn func(context.Context) error) func(context.Context) (None, error) {
	return func(ctx context.Context) (None, error) { return None{}, fn(ctx) }
}

// Created returns the status of a successful creation in the client's flavour.
func (c *Client) Created() int {
	if c.flavour == Legacy {
		return http.StatusCreated
	}
	return http.StatusOK
}

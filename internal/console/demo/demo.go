package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/jsonbody"
)

// Config says which API to call, and as whom.
type Config struct {
	// Endpoint is the base URL of the API, such as "http://127.0.0.1:8480".
	Endpoint string
	// Region signs the requests; MediaRegion is where meetings are placed.
	// Both default to us-east-1.
	Region, MediaRegion string
	// AccessKey and SecretKey are this backend's own API key.
	AccessKey, SecretKey string
	// HTTPClient carries the calls; nil takes the AWS SDK's own.
	HTTPClient aws.HTTPClient
	// ClientAddr tells where a request comes from; nil takes the address of
	// the TCP peer. One address can have five open meetings.
	ClientAddr func(*http.Request) netip.Addr

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

func (c Config) withDefaults() Config {
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.MediaRegion = cmp.Or(c.MediaRegion, "us-east-1")
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// maxBody bounds a request, in bytes; callTimeout bounds what it may cause.
const (
	maxBody     = 2048
	callTimeout = 15 * time.Second
)

// maxName bounds a name, in bytes; longer ones are refused before they are
// looked at.
const maxName = 200

// Backend answers /demo/. It is safe for concurrent use and needs no closing.
type Backend struct {
	cfg    Config
	api    *chimesdkmeetings.Client
	codes  codes
	opened *opened
	mux    *http.ServeMux
}

// New returns a Backend; it makes no call yet.
func New(cfg Config) (*Backend, error) {
	if cfg.Endpoint == "" || cfg.AccessKey == "" || cfg.SecretKey == "" {
		return nil, errors.New("demo: Endpoint, AccessKey and SecretKey are required")
	}
	cfg = cfg.withDefaults()
	b := &Backend{cfg: cfg, codes: newCodes(cfg.SecretKey, cfg.Now), opened: newOpened(cfg.Now), mux: http.NewServeMux()}
	b.api = chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(cfg.Endpoint),
		Region:       cfg.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(cfg.AccessKey, cfg.SecretKey, ""),
		HTTPClient:   cfg.HTTPClient,
		Retryer:      retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 3 }),
	})
	b.mux.HandleFunc("POST /demo/meetings", b.newMeeting)
	b.mux.HandleFunc("POST /demo/meetings/{code}/attendees", b.join)
	b.mux.HandleFunc("POST /demo/meetings/{code}/rights", b.rights)
	b.mux.HandleFunc("/demo/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "There is nothing at this address.")
	})
	return b, nil
}

// ServeHTTP answers a request of the meeting page. Limiting how many there may
// be is left to the caller, who knows where clients come from.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mux.ServeHTTP(w, r)
}

// newMeeting only makes up a code. The meeting begins with its first visitor,
// so that an unused link costs nothing.
func (b *Backend) newMeeting(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"code": b.codes.fresh()})
}

// joinAnswer is what the page hands to the meeting SDK. Meeting and Attendee
// have the member names of the API.
type joinAnswer struct {
	Code     string          `json:"code"`
	Meeting  *types.Meeting  `json:"meeting"`
	Attendee *types.Attendee `json:"attendee"`
}

func (b *Backend) join(w http.ResponseWriter, r *http.Request) {
	code, ok := b.codes.parse(r.PathValue("code"))
	if !ok {
		refuse(w, http.StatusNotFound, "There is no meeting with this code, or the code has expired. Check the link for a typing mistake, or start a new meeting.")
		return
	}
	var body struct {
		Name string `json:"name"`
		Who  string `json:"who"`
	}
	if readJSON(w, r, &body) != nil {
		refuse(w, http.StatusBadRequest, "The request is not the JSON expected here.")
		return
	}
	name := cleanName(body.Name)
	if name == "" || len(body.Name) > maxName {
		refuse(w, http.StatusBadRequest, "Please give a name of one to forty letters.")
		return
	}
	if len(body.Who) < 16 {
		refuse(w, http.StatusBadRequest, "The page did not say which browser is asking. Reload it.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	got, err := b.admit(ctx, r, code, b.codes.externalID(code, body.Who, name))
	if err != nil {
		b.fail(w, err)
		return
	}
	answer(w, http.StatusOK, got)
}

// admit finds or creates the meeting and the attendee.
func (b *Backend) admit(ctx context.Context, r *http.Request, code, externalID string) (joinAnswer, error) {
	m, err := b.meeting(ctx, r, code)
	if err != nil {
		return joinAnswer{}, fmt.Errorf("meeting: %w", err)
	}
	a, err := b.api.CreateAttendee(ctx, &chimesdkmeetings.CreateAttendeeInput{
		MeetingId:      m.MeetingId,
		ExternalUserId: aws.String(externalID),
	})
	if err != nil {
		return joinAnswer{}, fmt.Errorf("create attendee: %w", err)
	}
	return joinAnswer{Code: code, Meeting: m, Attendee: a.Attendee}, nil
}

// fail says in words why the API refused.
func (b *Backend) fail(w http.ResponseWriter, err error) {
	b.cfg.Logger.Warn("demo backend: the API refused", "err", err)
	var full *types.LimitExceededException
	var gone *types.NotFoundException
	var busy *types.ThrottlingException
	var away *types.ServiceUnavailableException
	switch {
	case errors.Is(err, errTooMany):
		refuse(w, http.StatusTooManyRequests, "Too many meetings that were started from your address are still open. Leave one of them, or try again later.")
	case errors.As(err, &full):
		refuse(w, http.StatusConflict, "The meeting is full, or this server holds as many meetings as it may.")
	case errors.As(err, &gone):
		refuse(w, http.StatusConflict, "The meeting ended just now. Try again to start it anew.")
	case errors.As(err, &busy):
		refuse(w, http.StatusTooManyRequests, "The server is busy. Wait a moment and try again.")
	case errors.As(err, &away):
		refuse(w, http.StatusServiceUnavailable, "The server is being restarted. Wait a moment and try again.")
	default:
		refuse(w, http.StatusBadGateway, "The meeting could not be opened. The server's log says why.")
	}
}

// readJSON reads the body of a request.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return jsonbody.Decode(body, into)
}

// answer sends v as JSON that nobody may keep: it holds a join token.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body)
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	answer(w, status, map[string]string{"error": sentence})
}

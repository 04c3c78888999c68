package signal

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/reports"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Server is the signaling door. It is an http.Handler for the addresses in
// the package comment; all methods are safe for concurrent use.
//
// Locks are taken in this order: Server.mu, conference.mu, then the small ones
// (a connection's, a serial queue's, the history's). The control plane's calls
// that may block are made without any of them, from a queue. A method that
// needs a lock held ends in Locked: it is conference.mu, or the receiver's own.
type Server struct {
	cfg  Config
	log  *slog.Logger
	mux  *http.ServeMux
	sdp  wire.Pool
	open atomic.Int64 // sockets

	refusing atomic.Int64 // of these, those waiting to be told that they may not join
	draining atomic.Bool  // no new connections, and those there are sent away
	stopped  atomic.Bool  // committed changes are no longer acted on

	reports *reports.Handler
	history *history.Log

	handlers sync.WaitGroup // one for each connection being served
	tasks    sync.WaitGroup // queues and timers at work

	mu          sync.Mutex
	conferences map[meeting.ID]*conference // by the id of the primary meeting
	meetings    map[meeting.ID]*openMeeting
	occupied    map[*conference]struct{} // conferences with somebody present
	ticker      *time.Timer              // runs tick while occupied is not empty
	ticks       uint64
	closed      bool
}

// New returns a Server ready to serve. It starts nothing until somebody
// connects.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, mux: http.NewServeMux(),
		conferences: make(map[meeting.ID]*conference), meetings: make(map[meeting.ID]*openMeeting),
		occupied: make(map[*conference]struct{}), history: history.New(),
	}
	s.mux.HandleFunc("GET "+PathControl+"{meeting}", s.serveControl)
	s.reports = reports.New(reports.Config{Check: s.checkReport, OriginAllowed: s.originAllowed, Logger: cfg.Logger})
	s.mux.Handle(PathEvents, s.reports)
	s.mux.Handle(PathEvents+"/{meeting}", s.reports)
	s.mux.HandleFunc(PathTURN, s.serveTURN)
	s.mux.HandleFunc(PathScreen+"{meeting}", serveRetired("screen sharing of its own ended with version 1 of the client: share content instead"))
	s.mux.HandleFunc(PathScreenViewing, serveRetired("screen sharing of its own ended with version 1 of the client: share content instead"))
	s.mux.HandleFunc(PathCalls+"{meeting}", serveRetired("audio of native clients is not served: join with the browser client"))
	return s, nil
}

// Addresses the server answers, for building a meeting's MediaPlacement.
// docs/signaling.md says who calls which.
const (
	// PathControl and a meeting's id make up the SignalingUrl.
	PathControl = "/control/"
	// PathEvents, a slash and a meeting's id make up the EventIngestionUrl.
	PathEvents = "/v1/client-events"
	// PathTURN gives clients before 1.18.4 their TURN credentials: the
	// TurnControlUrl. Later ones get them with the answer to JOIN.
	PathTURN = "/v2/turn_sessions"
	// PathScreen and a meeting's id make up ScreenDataUrl and ScreenSharingUrl,
	// PathScreenViewing is the ScreenViewingUrl, and PathCalls and a meeting's
	// id the AudioFallbackUrl. What they led to is not served: they answer 410.
	PathScreen        = "/v2/screen/"
	PathScreenViewing = "/ws/connect"
	PathCalls         = "/calls/"
)

// ServeHTTP answers a request for one of the addresses above.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// checkReport says whether a client may report on a meeting.
func (s *Server) checkReport(ctx context.Context, id meeting.ID, token string) (attendee string, status int) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	grant, err := s.cfg.Control.Authorize(ctx, id, token)
	if err != nil {
		return "", joinCause(err).outcome().http
	}
	return wireID(participantKey{id, grant.Attendee.ID, grant.Content}), http.StatusOK
}

// ClientEvents returns how many events clients have reported since the start,
// by name; see reports.Names.
func (s *Server) ClientEvents() map[string]uint64 { return s.reports.Counts() }

// callTimeout bounds one call of the control plane.
const callTimeout = 5 * time.Second

// begin counts a connection about to be served; false when there may be no
// more.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.draining.Load() || s.cfg.MaxSockets > 0 && s.open.Load() >= int64(s.cfg.MaxSockets) {
		return false
	}
	s.open.Add(1)
	s.handlers.Add(1)
	return true
}

func (s *Server) end() {
	s.open.Add(-1)
	s.handlers.Done()
}

// enter returns an open meeting, opening it and its conference if need be, once
// the meeting is being watched. It is nil on a closed server.
func (s *Server) enter(id, primary meeting.ID) *openMeeting {
	if primary.IsZero() {
		primary = id
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	meet := s.meetings[id]
	isNew := meet == nil
	if isNew {
		conf := s.conferences[primary]
		if conf == nil {
			conf = newConference(s, primary)
			s.conferences[primary] = conf
		}
		conf.mu.Lock()
		meet = conf.addMeetingLocked(id)
		if !meet.replica {
			conf.awaitLostLocked(s.cfg.Control.Awaited(id))
		}
		conf.mu.Unlock()
		s.meetings[id] = meet
	}
	s.mu.Unlock()
	if isNew {
		meet.watch()
	}
	<-meet.ready
	return meet
}

// retire forgets a meeting that has ended, and its conference with the last
// one. What happened in it is kept for a while.
func (s *Server) retire(meet *openMeeting) {
	conf := meet.conference
	s.mu.Lock()
	conf.mu.Lock()
	delete(s.meetings, meet.id)
	delete(conf.meetings, meet.id)
	s.history.Retire(meet.id, conf.now())
	last := len(conf.meetings) == 0
	if last {
		delete(s.conferences, conf.id)
		delete(s.occupied, conf)
	}
	conf.mu.Unlock()
	s.mu.Unlock()
	if last {
		conf.room.Close()
	}
}

// Counts are totals for metrics.
type Counts struct {
	Sockets int // open connections, joined or not
	Attendees, Content,
	Video int // participants present, content shares, videos being sent
}

// Counts returns the totals of now.
func (s *Server) Counts() Counts {
	c := Counts{Sockets: int(s.open.Load())}
	for _, conf := range s.allConferences() {
		conf.mu.Lock()
		for _, part := range conf.byAudioID {
			if part.key.content {
				c.Content++
			} else {
				c.Attendees++
			}
			if part.session != nil && part.session.video {
				c.Video++
			}
		}
		conf.mu.Unlock()
	}
	return c
}

func (s *Server) allConferences() []*conference {
	s.mu.Lock()
	defer s.mu.Unlock()
	conferences := make([]*conference, 0, len(s.conferences))
	for _, conf := range s.conferences {
		conferences = append(conferences, conf)
	}
	return conferences
}

// Drain refuses new connections and sends every client away with the advice
// to come back, as for a restart. Who does not come back, here or elsewhere,
// is recorded as dropped in time.
func (s *Server) Drain() {
	s.draining.Store(true)
	for _, conf := range s.allConferences() {
		conf.update(func() {
			for _, meet := range conf.meetings {
				for one := range meet.sessions {
					one.dismissLocked(stopping)
				}
			}
		})
	}
}

// Close ends everything: clients are sent away as by Drain, and all goroutines
// have ended when it returns. Whoever was present counts as present until the
// server that runs the meeting next has waited for them. When ctx ends first,
// connections are cut and what is left of the facts is given up.
func (s *Server) Close(ctx context.Context) error {
	s.Drain()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	conferences := s.allConferences()
	for _, conf := range conferences {
		conf.shut()
	}
	err := waitFor(ctx, &s.handlers)
	for _, conf := range conferences {
		conf.cutAll()
		conf.room.Close()
	}
	s.handlers.Wait()
	s.stopped.Store(true)
	return errors.Join(err, waitFor(ctx, &s.tasks))
}

// waitFor waits for the group or the context.
func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

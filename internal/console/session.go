package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/operators"
)

// cookieName carries the session's token. The cookie is HttpOnly, so a script
// that got into a page cannot take it away.
const cookieName = "carillon_operator"

// csrfHeader carries the session's second token, which the page reads from the
// session's JSON. Another site can make a browser send the cookie, but can
// neither read that JSON nor set this header.
const csrfHeader = "X-Carillon-Csrf"

// maxSessions bounds how many operators can be signed in at once. One more
// ends the session unused for longest.
const maxSessions = 200

// session is one signed-in operator. Its fields are guarded by sessions.mu.
type session struct {
	who     operators.Standing // at the sign-in; the session ends when it is another now
	csrf    string
	from    string // address that signed in, shown in records
	started time.Time
	used    time.Time
	viewers int           // open event streams; while there are any it is not idle
	ended   chan struct{} // closed when the session is over
}

// sessions are kept in memory under the hash of their token: a restart signs
// everybody out, and a memory dump holds no usable cookie.
//
// With a key that other servers have too, a token tells by itself when its
// session began, so that they know a session that began here. Each of them
// counts the idle time by what it has seen, and signing out ends the session
// where it was asked for and takes the cookie away; the age ends it everywhere.
type sessions struct {
	idle, max time.Duration
	now       func() time.Time
	key       []byte // nil: sessions are this server's own
	roster    *operators.Roster

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*session
	over   map[[sha256.Size]byte]time.Time // with a key: those that ended here before their age, and when they began
}

func newSessions(cfg Config) *sessions {
	return &sessions{
		idle:   cfg.SessionIdle,
		max:    cfg.SessionMax,
		now:    cfg.Now,
		key:    cfg.SessionKey,
		roster: cfg.Operators,
		byHash: make(map[[sha256.Size]byte]*session),
		over:   make(map[[sha256.Size]byte]time.Time),
	}
}

// start begins a session and returns the token for its cookie.
func (s *sessions) start(who operators.Standing, from string) (token string, sess *session) {
	now := s.now()
	token = s.newToken(now, who)
	sess = s.newSession(token, who, from, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweepLocked(now)
	s.byHash[sha256.Sum256([]byte(token))] = sess
	return token, sess
}

func (s *sessions) newSession(token string, who operators.Standing, from string, began time.Time) *session {
	return &session{who: who, csrf: s.csrfOf(token), from: from, started: began, used: s.now(), ended: make(chan struct{})}
}

// reconsider ends the sessions of operators who are not any more what they were
// when they signed in.
func (s *sessions) reconsider() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, sess := range s.byHash {
		if !s.roster.Holds(sess.who) {
			s.endLocked(hash)
		}
	}
}

// sweepLocked ends what has expired and makes room for one more.
func (s *sessions) sweepLocked(now time.Time) {
	maps.DeleteFunc(s.over, func(_ [sha256.Size]byte, began time.Time) bool { return now.Sub(began) >= s.max })
	var oldest [sha256.Size]byte
	var oldestUse time.Time
	for hash, sess := range s.byHash {
		if !s.aliveLocked(sess, now) {
			s.endLocked(hash)
			continue
		}
		if oldestUse.IsZero() || sess.used.Before(oldestUse) {
			oldest, oldestUse = hash, sess.used
		}
	}
	if len(s.byHash) >= maxSessions {
		s.endLocked(oldest)
	}
}

func (s *sessions) aliveLocked(sess *session, now time.Time) bool {
	idle := sess.viewers == 0 && now.Sub(sess.used) >= s.idle
	return !idle && now.Sub(sess.started) < s.max && s.roster.Holds(sess.who)
}

func (s *sessions) endLocked(hash [sha256.Size]byte) {
	if sess, ok := s.byHash[hash]; ok {
		delete(s.byHash, hash)
		close(sess.ended)
		if s.key != nil {
			s.over[hash] = sess.started
		}
	}
}

// find returns the session of the request's cookie and counts as its use. from
// is where the request comes from.
func (s *sessions) find(r *http.Request, from string) (*session, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil, false
	}
	hash := sha256.Sum256([]byte(cookie.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	sess, ok := s.byHash[hash]
	if !ok {
		began, who, genuine := s.readToken(cookie.Value)
		if _, over := s.over[hash]; over || !genuine || now.Sub(began) >= s.max {
			return nil, false
		}
		sess = s.newSession(cookie.Value, who, from, began)
		s.sweepLocked(now)
		s.byHash[hash] = sess
	}
	if !s.aliveLocked(sess, now) {
		s.endLocked(hash)
		return nil, false
	}
	sess.used = now
	return sess, true
}

// end signs out the session of the request's cookie.
func (s *sessions) end(r *http.Request) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(sha256.Sum256([]byte(cookie.Value)))
}

// look keeps the session from going idle while an event stream is open, until
// the returned function is called. left is the time until its maximum age.
func (s *sessions) look(sess *session) (left time.Duration, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sess.viewers++
	return s.max - s.now().Sub(sess.started), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		sess.viewers--
		sess.used = s.now()
	}
}

// forged reports whether a change lacks the session's second token.
func (sess *session) forged(r *http.Request) bool {
	given := r.Header.Get(csrfHeader)
	return subtle.ConstantTimeCompare([]byte(given), []byte(sess.csrf)) != 1
}

package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/operators"
)

// A session's token is drawn at random. With a key it is the time at which the
// session began, Unix seconds, random bytes, the operator's name and a MAC. The
// MAC is over the operator's stamp too, which the token does not hold: with
// another secret or role the token is good no more.
const (
	tokenTime   = 8
	tokenRandom = 24
	tokenFixed  = tokenTime + tokenRandom + sha256.Size // all but the name
	maxToken    = 512                                   // of the cookie, in characters
)

// newToken returns the token of a session that begins.
func (s *sessions) newToken(began time.Time, who operators.Standing) string {
	if s.key == nil {
		return rand.Text() + rand.Text()
	}
	data := binary.BigEndian.AppendUint64(nil, uint64(began.Unix()))
	data = append(data, make([]byte, tokenRandom)...)
	_, _ = rand.Read(data[tokenTime:]) // never fails, see crypto/rand
	data = append(data, who.Name...)
	return base64.RawURLEncoding.EncodeToString(append(data, s.tokenMAC(data, who)...))
}

// readToken returns when the session of a token began that some server with the
// same key gave out, and whose it is.
func (s *sessions) readToken(token string) (began time.Time, who operators.Standing, genuine bool) {
	if s.key == nil || len(token) > maxToken {
		return began, who, false
	}
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) <= tokenFixed {
		return began, who, false
	}
	data, mac := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	who, known := s.roster.Current(string(data[tokenTime+tokenRandom:]))
	genuine = hmac.Equal(mac, s.tokenMAC(data, who)) && known
	return time.Unix(int64(binary.BigEndian.Uint64(data)), 0), who, genuine
}

func (s *sessions) tokenMAC(data []byte, who operators.Standing) []byte {
	return s.mac("session", append(slices.Clone(data), who.Stamp[:]...))
}

// csrfOf returns the second token of the session.
func (s *sessions) csrfOf(token string) string {
	if s.key == nil {
		return rand.Text()
	}
	return base64.RawURLEncoding.EncodeToString(s.mac("csrf", []byte(token)))
}

func (s *sessions) mac(purpose string, data []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose + "\x00"))
	h.Write(data)
	return h.Sum(nil)
}

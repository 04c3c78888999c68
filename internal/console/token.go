package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A session's token is drawn at random. With a key it is the time at which the
// session began, Unix seconds, random bytes and a MAC over both.
const (
	tokenTime   = 8
	tokenRandom = 24
)

// newToken returns the token of a session that begins.
func (s *sessions) newToken(began time.Time) string {
	if s.key == nil {
		return rand.Text() + rand.Text()
	}
	data := binary.BigEndian.AppendUint64(nil, uint64(began.Unix()))
	data = append(data, make([]byte, tokenRandom)...)
	_, _ = rand.Read(data[tokenTime:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(append(data, s.mac("session", data)...))
}

// tokenBegan returns when the session of a token began that some server with
// the same key gave out.
func (s *sessions) tokenBegan(token string) (began time.Time, genuine bool) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if s.key == nil || err != nil || len(data) != tokenTime+tokenRandom+sha256.Size {
		return time.Time{}, false
	}
	data, mac := data[:tokenTime+tokenRandom], data[tokenTime+tokenRandom:]
	return time.Unix(int64(binary.BigEndian.Uint64(data)), 0), hmac.Equal(mac, s.mac("session", data))
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

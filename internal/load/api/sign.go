package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// signer signs requests with AWS Signature Version 4. It supports what this
// package sends: paths that need no escaping, at most one query parameter. It
// belongs to one goroutine.
type signer struct {
	accessKey, secretKey, token, region string

	day   string // of key, yyyymmdd
	key   []byte // signing key of day
	scope string // of day
}

// payload is a request body with its hash, made once and sent many times.
type payload struct {
	bytes []byte
	hash  string // SHA-256, hex
}

func newPayload(b []byte) payload {
	sum := sha256.Sum256(b)
	return payload{b, hex.EncodeToString(sum[:])}
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// renew derives the signing key of a day.
func (s *signer) renew(day string) {
	if s.day == day {
		return
	}
	s.day = day
	s.scope = day + "/" + s.region + "/chime/aws4_request"
	key := hmacSHA256([]byte("AWS4"+s.secretKey), day)
	key = hmacSHA256(key, s.region)
	key = hmacSHA256(key, "chime")
	s.key = hmacSHA256(key, "aws4_request")
}

// sign adds the date, the session token and the signature to r. The headers
// Content-Type, if there is one, Host and those added here are signed.
func (s *signer) sign(r *http.Request, bodyHash string, now time.Time) {
	now = now.UTC()
	date := now.Format("20060102T150405Z")
	s.renew(date[:8])
	r.Header.Set("X-Amz-Date", date)

	var canonical, names strings.Builder
	canonical.WriteString(r.Method + "\n" + r.URL.Path + "\n" + r.URL.RawQuery + "\n")
	header := func(name, value string) {
		if value == "" {
			return
		}
		canonical.WriteString(name + ":" + value + "\n")
		if names.Len() > 0 {
			names.WriteByte(';')
		}
		names.WriteString(name)
	}
	header("content-type", r.Header.Get("Content-Type"))
	header("host", r.URL.Host)
	header("x-amz-date", date)
	if s.token != "" {
		r.Header.Set("X-Amz-Security-Token", s.token)
		header("x-amz-security-token", s.token)
	}
	canonical.WriteString("\n" + names.String() + "\n" + bodyHash)

	sum := sha256.Sum256([]byte(canonical.String()))
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + s.scope + "\n" + hex.EncodeToString(sum[:])
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.accessKey+"/"+s.scope+
		", SignedHeaders="+names.String()+", Signature="+hex.EncodeToString(hmacSHA256(s.key, text)))
}

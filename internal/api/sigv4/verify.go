package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a Verifier accepts. Keys is required unless AcceptAny.
type Config struct {
	Keys                 *Keys
	Service              string           // service of the credential scope; default "chime"
	Regions              []string         // Regions of the scope that are served; empty serves all
	Window               time.Duration    // how far the date may be off either way (API decision D-58)
	Now                  func() time.Time // nil is time.Now
	AllowUnsignedPayload bool             // accept x-amz-content-sha256: UNSIGNED-PAYLOAD
	AcceptAny            bool             // development: no check at all, but account and Region are read
	Used                 func(id string)  // is called for each request that a key has signed; nil: nobody asks
}

// Verifier checks requests. It is safe for concurrent use.
type Verifier struct {
	cfg   Config
	state atomic.Pointer[state]
}

// state is what changes together: the keys and what was derived from them.
type state struct {
	keys    *Keys
	mu      sync.RWMutex
	derived map[derivedID][sha256.Size]byte // guarded by mu
}

type derivedID struct {
	accessKey, date, region string
}

// maxDerived bounds the signing keys kept; a key, a day and a Region make one.
const maxDerived = 4096

// New returns a Verifier.
func New(cfg Config) *Verifier {
	cfg.Service = cmp.Or(cfg.Service, "chime")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Keys == nil {
		cfg.Keys = &Keys{}
	}
	v := &Verifier{cfg: cfg}
	v.SetKeys(cfg.Keys)
	return v
}

// Keys returns the keys that are in use.
func (v *Verifier) Keys() *Keys { return v.state.Load().keys }

// SetKeys replaces the keys, for a key file that was read again. Requests that
// already passed Begin finish with the keys they began with.
func (v *Verifier) SetKeys(keys *Keys) {
	v.state.Store(&state{keys: keys, derived: map[derivedID][sha256.Size]byte{}})
}

// Pending is a request whose claims are plausible and whose signature is still
// to be checked.
type Pending struct {
	verifier *Verifier
	state    *state
	request  *http.Request
	auth     authorization
	key      *key // nil when AcceptAny let an unknown key pass
	accepted bool // by AcceptAny: Finish has nothing to check
	proven   bool // the signature is right for the body hash that was sent
	identity Identity
}

// Begin checks everything that needs no body: also the signature, when the hash
// of the body was sent and signed. Pass the request as the server received it:
// its RequestURI and headers are part of what was signed. A Pending that comes
// with an error tells ClaimedKey and no more.
func (v *Verifier) Begin(r *http.Request) (Pending, error) {
	p := Pending{verifier: v, state: v.state.Load(), request: r}
	if v.cfg.AcceptAny {
		p.acceptAny()
		return p, nil
	}
	var refused *Error
	if p.auth, refused = v.claims(r); refused != nil {
		return p, refused
	}
	now := v.cfg.Now()
	if refused := v.checkScope(&p.auth); refused != nil {
		return p, refused
	}
	if refused := v.checkDate(&p.auth, now); refused != nil {
		return p, refused
	}
	if p.key = p.state.keys.byID[p.auth.accessKey]; p.key == nil {
		return p, unknownCredentials()
	}
	if refused := p.key.checkSession(p.auth.sessionToken, now); refused != nil {
		return p, refused
	}
	p.identity = p.key.identity(p.auth.scope.region)
	if refused := p.checkSentHash(); refused != nil {
		return p, refused
	}
	return p, nil
}

// checkSentHash checks the signature before the body is read, if the caller
// sent its hash and signed that: then the body can at most turn out not to be
// the one signed.
func (p *Pending) checkSentHash() *Error {
	sent := p.request.Header.Get(hashHeader)
	if sent == "" || !p.auth.signs(hashHeaderName) {
		return nil
	}
	unsigned := sent == unsignedPayload && p.verifier.cfg.AllowUnsignedPayload
	if !unsigned && len(sent) != hex.EncodedLen(sha256.Size) {
		return wrongBodyHash()
	}
	if refused := p.checkSignature(sent); refused != nil {
		return refused
	}
	p.proven = true
	return nil
}

// Proven reports whether Begin could check the signature already.
func (p *Pending) Proven() bool { return p.proven }

// ClaimedKey returns the access key id that the request names, whether or not
// it is known; empty when it names none, or something that cannot be one.
func (p *Pending) ClaimedKey() string {
	if !validAccessKey(p.auth.accessKey) {
		return ""
	}
	return p.auth.accessKey
}

// ClaimedAccount returns the account of the key that a request names, unproven;
// "" when it names none that is known.
func (v *Verifier) ClaimedAccount(r *http.Request) string {
	p := Pending{verifier: v, state: v.state.Load(), request: r}
	if v.cfg.AcceptAny {
		p.acceptAny()
		return p.identity.Account
	}
	auth, refused := v.claims(r)
	if refused != nil {
		return ""
	}
	k := p.state.keys.byID[auth.accessKey]
	if k == nil {
		return ""
	}
	return k.account
}

// claims reads how the request was signed. Signatures in the query string are
// none (API decision D-65).
func (v *Verifier) claims(r *http.Request) (authorization, *Error) {
	if len(r.Header["Authorization"]) > 0 {
		return fromHeader(r)
	}
	return authorization{}, refuse(missingToken, "Missing Authentication Token")
}

func (v *Verifier) checkScope(a *authorization) *Error {
	s := a.scope
	switch {
	case s.terminator != terminator:
		return refuse(invalidSignature, "Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, s.terminator)
	case s.service != v.cfg.Service:
		return refuse(invalidSignature, "Credential should be scoped to correct service: '%s'.", v.cfg.Service)
	case !validRegion(s.region) || len(v.cfg.Regions) > 0 && !slices.Contains(v.cfg.Regions, s.region):
		return refuse(invalidSignature, "Credential should be scoped to a valid region, not '%s'.", s.region)
	}
	if day := a.date.Format("20060102"); s.date != day {
		return refuse(invalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.date, day, a.date.Format(isoBasic))
	}
	headers := ";" + a.signedHeaders + ";"
	if !a.signs("host") || strings.Contains(headers, ";;") || strings.Count(headers, ";") > maxSignedHeaders {
		return refuse(invalidSignature, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return nil
}

// checkDate holds the date of signing against the clock.
func (v *Verifier) checkDate(a *authorization, now time.Time) *Error {
	now = now.UTC()
	window := v.cfg.Window
	minutes := int(window / time.Minute)
	if limit := now.Add(window); a.date.After(limit) {
		return refuse(invalidSignature, "Signature not yet current: %s is still later than %s (%s + %d min.)",
			a.date.Format(isoBasic), limit.Format(isoBasic), now.Format(isoBasic), minutes)
	}
	if limit := now.Add(-window); a.date.Before(limit) {
		return refuse(invalidSignature, "Signature expired: %s is now earlier than %s (%s - %d min.)",
			a.date.Format(isoBasic), limit.Format(isoBasic), now.Format(isoBasic), minutes)
	}
	return nil
}

// acceptAny reads who the caller says he is. An access key of twelve digits
// names the account; a known key has the account of the key file.
func (p *Pending) acceptAny() {
	p.accepted = true
	p.identity = Identity{Account: DefaultAccount, Region: DefaultRegion}
	if values := p.request.Header["Authorization"]; len(values) > 0 {
		p.auth, _ = parseHeader(values[0])
	}
	region := p.auth.scope.region
	if !validRegion(region) {
		region = DefaultRegion
	}
	if k := p.state.keys.byID[p.auth.accessKey]; k != nil {
		p.identity = k.identity(region)
		return
	}
	p.identity.Region = region
	if validAccount(p.auth.accessKey) {
		p.identity.Account = p.auth.accessKey
	}
	if len(p.auth.accessKey) <= maxAccessKey {
		p.identity.AccessKeyID = p.auth.accessKey
	}
}

// Finish checks the signature over the request and the exact bytes of its
// body, and returns who sent it.
func (p *Pending) Finish(body []byte) (Identity, error) {
	if p.accepted {
		return p.identity, nil
	}
	hash, refused := p.bodyHash(body)
	if refused != nil {
		return Identity{}, refused
	}
	if !p.proven {
		if refused := p.checkSignature(hash); refused != nil {
			return Identity{}, refused
		}
	}
	if used := p.verifier.cfg.Used; used != nil {
		used(p.identity.AccessKeyID)
	}
	return p.identity, nil
}

// checkSignature checks the signature of a body with this hash. The path may
// have been tidied before it was signed.
func (p *Pending) checkSignature(bodyHash string) *Error {
	path, raw := Target(p.request)
	query := ParseQuery(raw)
	signingKey, known := p.signingKey()
	ok := p.signed(signingKey, path, query, bodyHash)
	if !ok {
		if plain := normalised(path); plain != path {
			ok = p.signed(signingKey, plain, query, bodyHash)
		}
	}
	if !ok {
		return refuse(invalidSignature, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if !known {
		p.keep(signingKey)
	}
	return nil
}

const (
	hashHeader      = "X-Amz-Content-Sha256"
	hashHeaderName  = "x-amz-content-sha256" // among the signed headers
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// bodyHash returns the hash that belongs into the canonical request, after
// comparing it with the one the caller sent, if any.
func (p *Pending) bodyHash(body []byte) (string, *Error) {
	sent := p.request.Header.Get(hashHeader)
	if sent == unsignedPayload && p.verifier.cfg.AllowUnsignedPayload {
		return unsignedPayload, nil
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if sent != "" && sent != hash {
		return "", wrongBodyHash()
	}
	return hash, nil
}

func wrongBodyHash() *Error {
	return refuse(invalidSignature, "The value of the x-amz-content-sha256 header does not match the SHA-256 of the request body.")
}

// signed reports whether the signature is the one of this canonical request.
func (p *Pending) signed(signingKey [sha256.Size]byte, path string, query []Param, bodyHash string) bool {
	var space [2048]byte
	canonical := appendCanonical(space[:0], p.request, path, query, p.auth.signedHeaders, bodyHash)
	sum := sha256.Sum256(canonical)
	text := append(canonical[:0], algorithm+"\n"...)
	text = p.auth.date.AppendFormat(text, isoBasic)
	text = append(text, '\n')
	text = append(text, p.auth.scope.String()...)
	text = append(text, '\n')
	text = hex.AppendEncode(text, sum[:])
	mac := hmac.New(sha256.New, signingKey[:])
	mac.Write(text)
	var wanted [2 * sha256.Size]byte
	hex.Encode(wanted[:], mac.Sum(nil))
	return subtle.ConstantTimeCompare(wanted[:], []byte(p.auth.signature)) == 1
}

// signingKey returns the key derived for the day, Region and service, and
// whether it was kept from an earlier request.
func (p *Pending) signingKey() (derived [sha256.Size]byte, known bool) {
	p.state.mu.RLock()
	derived, known = p.state.derived[p.derivedID()]
	p.state.mu.RUnlock()
	if known {
		return derived, true
	}
	step := []byte("AWS4" + p.key.secret)
	for _, part := range []string{p.auth.scope.date, p.auth.scope.region, p.auth.scope.service, terminator} {
		mac := hmac.New(sha256.New, step)
		mac.Write([]byte(part))
		step = mac.Sum(nil)
	}
	copy(derived[:], step)
	return derived, false
}

// keep remembers a derived key that has just proven right, so that strangers
// cannot fill the memory with Regions of their invention.
func (p *Pending) keep(derived [sha256.Size]byte) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	if len(p.state.derived) >= maxDerived {
		clear(p.state.derived)
	}
	id := p.derivedID()
	id.accessKey, id.date, id.region = p.key.id, strings.Clone(id.date), strings.Clone(id.region)
	p.state.derived[id] = derived
}

func (p *Pending) derivedID() derivedID {
	return derivedID{p.auth.accessKey, p.auth.scope.date, p.auth.scope.region}
}

package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// DefaultAccount is the account of a key that names none (API decision D-52).
	DefaultAccount = "000000000000"
	// DefaultRegion is assumed in development mode when a request names none.
	DefaultRegion = "us-east-1"
)

// Keys are the access keys that may sign requests. It does not change once
// built. The zero value knows nobody.
type Keys struct {
	byID map[string]*key
}

// key is one access key with what belongs to it.
type key struct {
	id, secret, account string
	disabled            bool
	allow, deny         []string // lower-case patterns
	sessions            []session
}

// session is a session token that must accompany a temporary key. The token
// itself is not kept.
type session struct {
	token   [sha256.Size]byte
	expires time.Time
}

// Single returns Keys with one key that may do everything. account is twelve
// digits, or empty for the default account.
func Single(accessKeyID, secretAccessKey, account string) (*Keys, error) {
	if account == "" {
		account = DefaultAccount
	}
	switch {
	case !validAccessKey(accessKeyID):
		return nil, fmt.Errorf("access key id must be 1 to %d letters, digits or any of _-+.=@", maxAccessKey)
	case secretAccessKey == "":
		return nil, fmt.Errorf("the secret of access key %s is empty", accessKeyID)
	case !validAccount(account):
		return nil, fmt.Errorf("account %q is not twelve digits", account)
	}
	k := &key{id: accessKeyID, secret: secretAccessKey, account: account}
	return &Keys{byID: map[string]*key{k.id: k}}, nil
}

// Own returns Keys with the one key of a part of the server itself. Its account
// is a word, so that no customer's can be the same.
func Own(accessKeyID, secretAccessKey, account string) *Keys {
	k := &key{id: accessKeyID, secret: secretAccessKey, account: account}
	return &Keys{byID: map[string]*key{k.id: k}}
}

// Len returns the number of access keys.
func (k *Keys) Len() int { return len(k.byID) }

// Key is one access key as operators see it: all but its secrets.
type Key struct {
	ID, Account string
	Disabled    bool      // its account may not use the service
	Allow, Deny []string  // patterns in lower case; no Allow: everything that is not denied
	Sessions    int       // session tokens, one of which it needs; 0: it needs none
	Expires     time.Time // of the session token that is good for longest
}

// List returns all keys, by id.
func (k *Keys) List() []Key {
	var list []Key
	for _, key := range k.byID {
		shown := Key{ID: key.id, Account: key.account, Disabled: key.disabled, Allow: key.allow, Deny: key.deny, Sessions: len(key.sessions)}
		for _, s := range key.sessions {
			if s.expires.After(shown.Expires) {
				shown.Expires = s.expires
			}
		}
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Identity is who sent a request.
type Identity struct {
	AccessKeyID string // may be empty in development mode
	Account     string // twelve digits
	Region      string // of the credential scope
	Disabled    bool   // the account may not use the service: 401 (API decision D-23)

	key *key // nil when everything is allowed
}

func (k *key) identity(region string) Identity {
	return Identity{AccessKeyID: k.id, Account: k.account, Region: region, Disabled: k.disabled, key: k}
}

// Allows reports whether the key may perform an action, such as
// "chime:CreateMeeting". A denial beats a permission; a key without an allow
// list may do everything that is not denied. Letter case does not matter.
func (i Identity) Allows(action string) bool {
	if i.key == nil || i.key.allow == nil && i.key.deny == nil {
		return true
	}
	action = strings.ToLower(action)
	matches := func(pattern string) bool { return match(pattern, action) }
	if slices.ContainsFunc(i.key.deny, matches) {
		return false
	}
	return i.key.allow == nil || slices.ContainsFunc(i.key.allow, matches)
}

// match reports whether s fits a pattern in which '*' stands for any text and
// '?' for one character.
func match(pattern, s string) bool {
	retry, from := -1, 0 // where to resume after the last '*'
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			retry, from = p+1, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case retry >= 0:
			from++
			p, i = retry, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// checkSession holds the session token of a request against the key's. Keys
// without sessions take no token.
func (k *key) checkSession(token string, now time.Time) *Error {
	if len(k.sessions) == 0 && token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	for _, s := range k.sessions {
		if subtle.ConstantTimeCompare(sum[:], s.token[:]) == 1 {
			if !now.Before(s.expires) {
				return refuse(expiredToken, "The security token included in the request is expired")
			}
			return nil
		}
	}
	return unknownCredentials()
}

func validAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func validAccessKey(s string) bool {
	return len(s) >= 1 && len(s) <= maxAccessKey && !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("_-+.=@", c))
	})
}

// validRegion keeps Region names to what can stand in an ARN.
func validRegion(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	})
}

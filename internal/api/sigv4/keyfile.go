package sigv4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/carillon-meetings/carillon/internal/yamldoc"
)

// LoadKeys reads a key file, YAML or JSON:
//
//	keys:
//	  - access-key-id: AKIDALICE
//	    secret-access-key: …
//	    account: "210987654321"        # twelve digits; default 000000000000
//	    allow: ["chime:*"]             # default: everything
//	    deny: ["chime:DeleteMeeting"]  # beats allow; * and ? are wildcards
//	  - access-key-id: ASIDBOB         # a temporary key: usable only with
//	    secret-access-key: …           # one of its session tokens
//	    sessions:
//	      - token: …
//	        expires: 2030-01-01T00:00:00Z
//	disabled-accounts: ["111111111111"]  # answered with 401
//	accounts: …                          # who is told of their meetings: not read here
//
// actions are the actions that exist, such as "chime:CreateMeeting": a pattern
// in allow or deny that matches none of them is an error, since it can only be
// a typing mistake. Every problem of the file is reported, joined, each with
// its line and field. Error texts contain no secret.
func LoadKeys(path string, actions []string) (*Keys, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return ParseKeys(path, data, actions)
}

// ParseKeys reads the contents of a key file. name is the file's name for
// error texts. See LoadKeys.
func ParseKeys(name string, data []byte, actions []string) (*Keys, error) {
	l := &loader{name: name, actions: actions, keys: &Keys{byID: map[string]*key{}}}
	var doc yaml.Node
	switch err := yamldoc.Decode(yaml.NewDecoder(bytes.NewReader(data)), &doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("key file %s: it is empty", name)
	case errors.Is(err, yamldoc.ErrSeveral):
		return nil, fmt.Errorf("key file %s: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("key file %s: %s", name, syntaxProblem(err))
	}
	disabled := map[string]bool{}
	l.mapping(doc.Content[0], "", map[string]func(*yaml.Node, string){
		"keys": func(n *yaml.Node, at string) { l.each(n, at, l.key) },
		"disabled-accounts": func(n *yaml.Node, at string) {
			l.each(n, at, func(n *yaml.Node, at string) { disabled[l.account(n, at)] = true })
		},
		"accounts": func(*yaml.Node, string) {}, // config.Events.AccountEvents reads them
	})
	for _, k := range l.keys.byID {
		k.disabled = disabled[k.account]
	}
	if len(l.errs) == 0 && len(l.keys.byID) == 0 {
		l.fail(doc.Content[0], "keys", "the file has no keys")
	}
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	return l.keys, nil
}

// syntaxProblem keeps where YAML broke but not the text that yaml quotes,
// which may be a secret.
func syntaxProblem(err error) string {
	if line := regexp.MustCompile(`line \d+`).FindString(err.Error()); line != "" {
		return line + ": not valid YAML or JSON"
	}
	return "not valid YAML or JSON"
}

// loader walks the nodes of a key file and gathers what is wrong.
type loader struct {
	name    string
	actions []string
	keys    *Keys
	errs    []error
}

func (l *loader) fail(n *yaml.Node, at, format string, args ...any) {
	where := ""
	if at != "" {
		where = at + ": "
	}
	l.errs = append(l.errs, fmt.Errorf("%s:%d: %s%s", l.name, n.Line, where, fmt.Sprintf(format, args...)))
}

// mapping hands every known field to its reader and refuses the others.
func (l *loader) mapping(n *yaml.Node, at string, fields map[string]func(*yaml.Node, string)) {
	if n.Kind != yaml.MappingNode {
		l.fail(n, at, "must be a mapping of fields")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		read := fields[name.Value]
		switch {
		case read == nil:
			l.fail(name, at, "unknown field %q", name.Value)
		case seen[name.Value]:
			l.fail(name, at, "field %q is given twice", name.Value)
		default:
			read(value, strings.TrimPrefix(at+"."+name.Value, "."))
		}
		seen[name.Value] = true
	}
}

func (l *loader) each(n *yaml.Node, at string, read func(*yaml.Node, string)) {
	if n.Kind != yaml.SequenceNode {
		l.fail(n, at, "must be a list")
		return
	}
	for i, item := range n.Content {
		read(item, fmt.Sprintf("%s[%d]", at, i+1))
	}
}

// text reads a scalar as it was written, so that an account of digits needs no
// quotes.
func (l *loader) text(n *yaml.Node, at string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		l.fail(n, at, "must be a text that is not empty")
		return ""
	}
	return n.Value
}

func (l *loader) account(n *yaml.Node, at string) string {
	s := l.text(n, at)
	if s != "" && !validAccount(s) {
		l.fail(n, at, "must be twelve digits")
	}
	return s
}

func (l *loader) key(n *yaml.Node, at string) {
	k := &key{account: DefaultAccount}
	before := len(l.errs)
	l.mapping(n, at, map[string]func(*yaml.Node, string){
		"access-key-id":     func(n *yaml.Node, at string) { k.id = l.accessKey(n, at) },
		"secret-access-key": func(n *yaml.Node, at string) { k.secret = l.text(n, at) },
		"account":           func(n *yaml.Node, at string) { k.account = l.account(n, at) },
		"allow":             func(n *yaml.Node, at string) { k.allow = l.patterns(n, at) },
		"deny":              func(n *yaml.Node, at string) { k.deny = l.patterns(n, at) },
		"sessions": func(n *yaml.Node, at string) {
			l.each(n, at, func(n *yaml.Node, at string) { k.sessions = append(k.sessions, l.session(n, at)) })
			if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
				l.fail(n, at, "must not be empty; leave it out for a key without session tokens")
			}
		},
	})
	switch {
	case len(l.errs) > before:
	case k.id == "":
		l.fail(n, at, "access-key-id is missing")
	case k.secret == "":
		l.fail(n, at, "secret-access-key is missing")
	case l.keys.byID[k.id] != nil:
		l.fail(n, at, "access key %s is in the file twice", k.id)
	default:
		l.keys.byID[k.id] = k
	}
}

func (l *loader) accessKey(n *yaml.Node, at string) string {
	id := l.text(n, at)
	if id != "" && !validAccessKey(id) {
		l.fail(n, at, "must be 1 to %d letters, digits or any of _-+.=@", maxAccessKey)
	}
	return id
}

// patterns reads a list of actions. It returns a list that is not nil, so that
// an empty allow list allows nothing.
func (l *loader) patterns(n *yaml.Node, at string) []string {
	patterns := []string{}
	l.each(n, at, func(n *yaml.Node, at string) {
		pattern := strings.ToLower(l.text(n, at))
		known := slices.ContainsFunc(l.actions, func(a string) bool { return match(pattern, strings.ToLower(a)) })
		if pattern != "" && !known {
			l.fail(n, at, "%q matches no operation; write for example chime:CreateMeeting or chime:*", n.Value)
		}
		patterns = append(patterns, pattern)
	})
	return patterns
}

func (l *loader) session(n *yaml.Node, at string) session {
	var s session
	var token string
	before := len(l.errs)
	l.mapping(n, at, map[string]func(*yaml.Node, string){
		"token": func(n *yaml.Node, at string) { token = l.text(n, at) },
		"expires": func(n *yaml.Node, at string) {
			var err error
			if s.expires, err = time.Parse(time.RFC3339, l.text(n, at)); err != nil {
				l.fail(n, at, "must be a time such as 2030-01-01T00:00:00Z")
			}
		},
	})
	if len(l.errs) == before && (token == "" || s.expires.IsZero()) {
		l.fail(n, at, "token and expires are both needed")
	}
	s.token = sha256.Sum256([]byte(token))
	return s
}

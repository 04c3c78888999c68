package operators

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"github.com/carillon-meetings/carillon/internal/yamldoc"
)

// Role is what an operator may do.
type Role string

// The roles. ReadOnly sees everything and changes nothing.
const (
	ReadOnly Role = "read-only"
	Full     Role = "operator"
)

// Name is that of the operator with the server's own secret. No file can name
// another of that name.
const Name = "operator"

// MinSecret and MaxSecret bound the length of a secret in bytes. bcrypt does not
// look at what is beyond MaxSecret, so that more is refused instead of cut.
const (
	MinSecret = 12
	MaxSecret = 72
)

// Costs of a bcrypt hash that are taken: below, guessing is too cheap for who
// has the file; above, each sign-in takes seconds of a core.
const (
	minCost  = 10 // OWASP Password Storage Cheat Sheet: 10 or more
	maxCost  = 14
	hashCost = minCost
)

// hashLength is how long a bcrypt hash is. One that lost a letter in copying
// still has a cost, but fits no secret.
const hashLength = 60

// maxOperators bounds a file.
const maxOperators = 1000

// entry is one operator as the file has it.
type entry struct {
	Name string `yaml:"name"`
	Hash string `yaml:"secret-hash"`
	Role Role   `yaml:"role"`
}

// List is what a file says. It does not change.
type List struct{ byName map[string]entry }

// Len returns how many operators the file names.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return len(l.byName)
}

// Load reads a file of operators. Every problem in it is told, joined.
func Load(file string) (*List, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

func parse(raw []byte) (*List, error) {
	var doc struct {
		Operators []entry `yaml:"operators"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	err := yamldoc.Decode(dec, &doc)
	several := errors.Is(err, yamldoc.ErrSeveral)
	switch {
	case errors.Is(err, io.EOF), (err == nil || several) && doc.Operators == nil:
		// Cut off while it was written, perhaps: it would sign everybody out.
		return nil, errors.New("it is empty; a file that names nobody says `operators: []`")
	case several:
		return nil, err
	case err != nil:
		// What the parser quotes may be a secret that stands in the wrong place.
		return nil, errors.New(regexp.MustCompile("`[^`]*`").ReplaceAllString(err.Error(), "`…`"))
	case len(doc.Operators) > maxOperators:
		return nil, fmt.Errorf("more than %d operators", maxOperators)
	}
	l := &List{byName: make(map[string]entry, len(doc.Operators))}
	var errs []error
	for i, e := range doc.Operators {
		if err := e.check(); err != nil {
			errs = append(errs, fmt.Errorf("operator %d: %w", i+1, err))
			continue
		}
		if _, twice := l.byName[e.Name]; twice {
			errs = append(errs, fmt.Errorf("operator %d: %s stands there twice", i+1, e.Name))
		}
		l.byName[e.Name] = e
	}
	return l, errors.Join(errs...)
}

// check says what is wrong with an entry, without repeating its hash.
func (e entry) check() error {
	switch {
	case !ValidName(e.Name):
		return fmt.Errorf("name: %q is not 1 to 64 letters, digits or any of . _ @ + -", e.Name)
	case e.Name == Name:
		return fmt.Errorf("name: %s is the one with the operator secret of the server", Name)
	case e.Role != ReadOnly && e.Role != Full:
		return fmt.Errorf("role of %s: %q is not %s or %s", e.Name, e.Role, ReadOnly, Full)
	}
	cost, err := bcrypt.Cost([]byte(e.Hash))
	switch {
	case err != nil, len(e.Hash) != hashLength:
		return fmt.Errorf("secret-hash of %s: it is no bcrypt hash; `carillon operators hash` makes one", e.Name)
	case cost < minCost || cost > maxCost:
		return fmt.Errorf("secret-hash of %s: its cost is %d, not %d to %d", e.Name, cost, minCost, maxCost)
	}
	return nil
}

// ValidName says whether somebody can have the name.
func ValidName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,64}$`).MatchString(name)
}

// Hash returns what stands in the file for a secret.
func Hash(secret string) (string, error) {
	if len(secret) < MinSecret || len(secret) > MaxSecret {
		return "", fmt.Errorf("the secret has %d bytes; it must have %d to %d", len(secret), MinSecret, MaxSecret)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), hashCost)
	return string(hash), err
}

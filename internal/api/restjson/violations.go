package restjson

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Violations gathers what is wrong with a request. The zero value is ready.
type Violations struct {
	clauses []string // in the validation grammar
	rules   []string // free sentences
}

// TextRule is what a string must satisfy. Zero fields ask for nothing.
type TextRule struct {
	Min, Max int               // length in Unicode code points
	Pattern  string            // as shown to the caller
	Match    func(string) bool // whether the whole value fits Pattern
	Enum     []string
}

// Add records that the value at a path breaks a rule, in the words that follow
// "failed to satisfy constraint:".
func (v *Violations) Add(p *Path, rule string) {
	v.clauses = append(v.clauses, "Value at '"+p.String()+"' failed to satisfy constraint: "+rule)
}

// Missing records that a required value is absent.
func (v *Violations) Missing(p *Path) {
	v.clauses = append(v.clauses, "Value null at '"+p.String()+"' failed to satisfy constraint: Member must not be null")
}

// Rule records a broken rule that the grammar has no words for, as one
// sentence. Such rules are reported only when no constraint is broken.
func (v *Violations) Rule(format string, args ...any) {
	v.rules = append(v.rules, fmt.Sprintf(format, args...))
}

// Text checks an optional string.
func (v *Violations) Text(p *Path, t Text, rule *TextRule) {
	if t.Set {
		v.text(p, t.Value, rule)
	}
}

// RequiredText checks a string that must be there.
func (v *Violations) RequiredText(p *Path, t Text, rule *TextRule) {
	if !t.Set {
		v.Missing(p)
		return
	}
	v.text(p, t.Value, rule)
}

func (v *Violations) text(p *Path, s string, rule *TextRule) {
	if rule.Min > 0 || rule.Max > 0 {
		v.length(p, utf8.RuneCountInString(s), rule.Min, rule.Max)
	}
	if rule.Match != nil && !rule.Match(s) {
		v.Add(p, "Member must satisfy regular expression pattern: "+rule.Pattern)
	}
	if rule.Enum != nil && !slices.Contains(rule.Enum, s) {
		v.Enum(p, rule.Enum)
	}
}

// Enum records that the value at a path is none of those allowed.
func (v *Violations) Enum(p *Path, allowed []string) {
	v.Add(p, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
}

// Length checks the number of items of a list.
func (v *Violations) Length(p *Path, n, least, most int) { v.length(p, n, least, most) }

func (v *Violations) length(p *Path, n, least, most int) {
	if n < least {
		v.Add(p, "Member must have length greater than or equal to "+strconv.Itoa(least))
	}
	if most > 0 && n > most {
		v.Add(p, "Member must have length less than or equal to "+strconv.Itoa(most))
	}
}

// Range checks an optional integer.
func (v *Violations) Range(p *Path, n Int, least, most int64) {
	if n.Set && n.Value < least {
		v.Add(p, "Member must have value greater than or equal to "+strconv.FormatInt(least, 10))
	}
	if n.Set && n.Value > most {
		v.Add(p, "Member must have value less than or equal to "+strconv.FormatInt(most, 10))
	}
}

// Err returns nil, or one error that names everything recorded: the broken
// constraints with their number or, without any, the broken rules.
func (v *Violations) Err() error {
	switch n := len(v.clauses); {
	case n == 1:
		return &Error{Message: "1 validation error detected: " + v.clauses[0], Constraint: true}
	case n > 1:
		return &Error{Message: strconv.Itoa(n) + " validation errors detected: " + strings.Join(v.clauses, "; "), Constraint: true}
	case len(v.rules) > 0:
		return &Error{Message: strings.Join(v.rules, " ")}
	}
	return nil
}

package restjson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
)

func TestViolationsInTheGrammar(t *testing.T) {
	set := func(s string) restjson.Text { return restjson.Text{Value: s, Set: true} }
	rule := &restjson.TextRule{Min: 2, Max: 4, Pattern: "[a-z]*", Match: func(s string) bool { return strings.ToLower(s) == s }, Enum: []string{"ab", "äöü"}}
	list := restjson.At("Attendees")
	item := list.Item(2)
	user := item.Member("ExternalUserId")
	for _, c := range []struct {
		check func(*restjson.Violations)
		want  string
	}{
		{func(v *restjson.Violations) { v.Text(&user, restjson.Text{}, rule) }, ""},
		{func(v *restjson.Violations) { v.Text(&user, set("äöü"), rule) }, ""},
		{func(v *restjson.Violations) { v.RequiredText(&user, restjson.Text{}, rule) },
			"1 validation error detected: Value null at 'attendees.3.member.externalUserId' failed to satisfy constraint: Member must not be null"},
		{func(v *restjson.Violations) { v.RequiredText(&user, set("A"), rule) },
			"3 validation errors detected: " +
				"Value at 'attendees.3.member.externalUserId' failed to satisfy constraint: Member must have length greater than or equal to 2; " +
				"Value at 'attendees.3.member.externalUserId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]*; " +
				"Value at 'attendees.3.member.externalUserId' failed to satisfy constraint: Member must satisfy enum value set: [ab, äöü]"},
		{func(v *restjson.Violations) { v.Length(&list, 101, 1, 100) },
			"1 validation error detected: Value at 'attendees' failed to satisfy constraint: Member must have length less than or equal to 100"},
		{func(v *restjson.Violations) { v.Length(&list, 0, 0, 50); v.Length(&list, 1, 1, 1) }, ""},
		{func(v *restjson.Violations) {
			v.Range(&item, restjson.Int{Value: 0, Set: true}, 1, 250)
			v.Range(&item, restjson.Int{Value: 251, Set: true}, 1, 250)
			v.Range(&item, restjson.Int{}, 1, 250)
		}, "2 validation errors detected: " +
			"Value at 'attendees.3.member' failed to satisfy constraint: Member must have value greater than or equal to 1; " +
			"Value at 'attendees.3.member' failed to satisfy constraint: Member must have value less than or equal to 250"},
		{func(v *restjson.Violations) { v.Rule("One %s.", "rule"); v.Rule("Two.") }, "One rule. Two."},
		{func(v *restjson.Violations) { v.Rule("One rule."); v.Missing(&list) },
			"1 validation error detected: Value null at 'attendees' failed to satisfy constraint: Member must not be null"},
	} {
		var v restjson.Violations
		c.check(&v)
		err := v.Err()
		if err == nil && c.want == "" {
			continue
		}
		var e *restjson.Error
		if !errors.As(err, &e) || e.Message != c.want || e.Constraint != strings.Contains(c.want, "detected") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

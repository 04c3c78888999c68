package config

import (
	"maps"
	"strings"
	"testing"
)

func TestAppKeys(t *testing.T) {
	one, two := strings.Repeat("a1", 32), strings.Repeat("B2", 32)
	c := Credentials{AppKeys: []string{"000000000000=" + one, "123456789012=" + two}}
	want := map[string]string{"000000000000": one, "123456789012": strings.ToLower(two)}
	if got, err := c.AppKeyOf(); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for name, keys := range map[string][]string{
		"no account":   {one},
		"a name":       {"acme=" + one},
		"no key":       {"000000000000"},
		"a short key":  {"000000000000=" + one[1:]},
		"no digits":    {"000000000000=" + strings.Repeat("xy", 32)},
		"an empty one": {""},
		"two keys":     {"000000000000=" + one, "000000000000=" + two},
	} {
		bad := Serve{Credentials: Credentials{AppKeys: keys, Account: "000000000000"}}
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), "--app-keys: ") || strings.Contains(err.Error(), one[:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

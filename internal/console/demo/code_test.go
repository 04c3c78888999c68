package demo

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCodes(t *testing.T) {
	c := newCodes("key")
	form := regexp.MustCompile(`^[a-km-np-z2-9]{3}-[a-km-np-z2-9]{4}-[a-km-np-z2-9]{3}$`)
	other, shared := newCodes("another key"), 0
	seen := map[string]bool{}
	for range 1000 {
		code := c.fresh()
		if !form.MatchString(code) {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		for _, typed := range []string{code, strings.ToUpper(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " ")} {
			if got, ok := c.parse(typed); !ok || got != code {
				t.Fatalf("parse(%q) = %q, %v", typed, got, ok)
			}
		}
		if _, ok := other.parse(code); ok {
			shared++
		}
	}
	if shared > 3 { // by chance one in thirty thousand is
		t.Errorf("%d of 1000 codes are good under another key", shared)
	}
	if len(seen) < 999 {
		t.Errorf("%d different codes of 1000", len(seen))
	}
}

func TestMistypedCodesAreRefused(t *testing.T) {
	c := newCodes("key")
	wrong := 0
	for range 200 {
		code := c.fresh()
		for _, i := range []int{0, 5, 11} { // one letter changed
			other := "q"
			if code[i] == 'q' {
				other = "w"
			}
			if _, ok := c.parse(code[:i] + other + code[i+1:]); ok {
				wrong++
			}
		}
	}
	if wrong > 2 { // the checksum lets one in thirty thousand through
		t.Errorf("%d of 600 mistyped codes were taken", wrong)
	}
}

func FuzzParse(f *testing.F) {
	c := newCodes("key")
	f.Add(c.fresh())
	f.Add("")
	f.Add("É-ééé-ééé")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := c.parse(typed)
		if !ok {
			return
		}
		if again, ok := c.parse(code); !ok || again != code || len(code) != 12 {
			t.Errorf("parse(%q) = %q, which is no code itself", typed, code)
		}
	})
}

// allowed is what the API takes as an ExternalUserId.
var allowed = regexp.MustCompile(`^[-_&@+=,(){}\[\]/«».:|'"#a-zA-Z0-9À-ÿ\s]{2,64}$`)

func TestExternalIDs(t *testing.T) {
	c := newCodes("key")
	for name, kind := range map[string]byte{
		"Ada": '#', "Zoë Müller-Lüdenscheidt": '#', "O'Brien (host)": '#', strings.Repeat("long ", 30): '#',
		"山田太郎": '=', "Ada 🌟": '=', "100%": '=', strings.Repeat("日本", 40): '=', "what?": '=',
	} {
		id := c.externalID("abc-defg-hij", "somebody's secret", cleanName(name))
		if !allowed.MatchString(id) || utf8.RuneCountInString(id) > maxExternalID {
			t.Errorf("%q gives %q, which the API refuses", name, id)
		}
		if id[12] != kind {
			t.Errorf("%q gives %q, want %q after the prefix", name, id, kind)
		}
		if kind == '=' {
			b, err := base64.RawURLEncoding.DecodeString(id[13:])
			if err != nil || !utf8.Valid(b) || !strings.HasPrefix(name, string(b)) {
				t.Errorf("%q gives %q, which holds %q (%v)", name, id, b, err)
			}
		}
	}
	one := c.externalID("abc-defg-hij", "secret one", "Ada")
	if one == c.externalID("abc-defg-hij", "secret two", "Ada") || one == c.externalID("xyz-defg-hij", "secret one", "Ada") {
		t.Error("different people or meetings share an id")
	}
	if strings.Contains(one, "secret") {
		t.Errorf("%q tells the secret", one)
	}
}

func FuzzExternalID(f *testing.F) {
	c := newCodes("key")
	f.Add("Ada")
	f.Add("日本\x00\xff")
	f.Fuzz(func(t *testing.T, name string) {
		clean := cleanName(name)
		if clean == "" {
			return
		}
		if id := c.externalID("abc-defg-hij", "secret", clean); !allowed.MatchString(id) {
			t.Errorf("%q gives %q", name, id)
		}
	})
}

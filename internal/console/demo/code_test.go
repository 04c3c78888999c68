package demo

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCodes(t *testing.T) {
	c := newCodes("key", time.Now)
	form := regexp.MustCompile(`^[a-km-np-z2-9]{3}-[a-km-np-z2-9]{4}-[a-km-np-z2-9]{3}$`)
	other, shared := newCodes("another key", time.Now), 0
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
	if shared > 3 { // by chance one in fifteen thousand is
		t.Errorf("%d of 1000 codes are good under another key", shared)
	}
	if len(seen) < 999 {
		t.Errorf("%d different codes of 1000", len(seen))
	}
}

func TestMistypedCodesAreRefused(t *testing.T) {
	c := newCodes("key", time.Now)
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
	if wrong > 2 { // the checksum lets one in fifteen thousand through
		t.Errorf("%d of 600 mistyped codes were taken", wrong)
	}
}

func TestCodesExpire(t *testing.T) {
	start := time.Date(2026, 3, 4, 23, 59, 0, 0, time.UTC)
	now := start
	c := newCodes("key", func() time.Time { return now })
	var made []string
	for range 200 {
		made = append(made, c.fresh())
	}
	good := func() (n int) {
		for _, code := range made {
			if _, ok := c.parse(code); ok {
				n++
			}
		}
		return n
	}
	for _, after := range []time.Duration{0, time.Minute, 24 * time.Hour} { // as long as a meeting can last
		if now = start.Add(after); good() != len(made) {
			t.Errorf("%v later, %d of %d are good", after, good(), len(made))
		}
	}
	for _, after := range []time.Duration{48 * time.Hour, 1000 * time.Hour} {
		if now = start.Add(after); good() > 2 { // by chance one in fifteen thousand is
			t.Errorf("%v later, %d of %d are good", after, good(), len(made))
		}
	}
}

func FuzzParse(f *testing.F) {
	c := newCodes("key", time.Now)
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

func TestNamesAreNotCutSilently(t *testing.T) {
	c := newCodes("key", time.Now)
	for name, want := range map[string]string{
		strings.Repeat("a", 51):     strings.Repeat("a", 51),
		strings.Repeat("a", 52):     strings.Repeat("a", 48) + "...",
		strings.Repeat("long ", 30): strings.TrimRight(strings.Repeat("long ", 10)[:48], " ") + "...",
	} {
		if got := c.externalID("abc-defg-hij", "secret", name)[13:]; got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		strings.Repeat("日", 12): strings.Repeat("日", 12),
		strings.Repeat("日", 13): strings.Repeat("日", 11) + "…",
	} {
		b, err := base64.RawURLEncoding.DecodeString(c.externalID("abc-defg-hij", "secret", name)[13:])
		if err != nil || string(b) != want {
			t.Errorf("%q becomes %q, want %q (%v)", name, b, want, err)
		}
	}
}

func TestExternalIDs(t *testing.T) {
	c := newCodes("key", time.Now)
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
			if err != nil || !utf8.Valid(b) || !strings.HasPrefix(name, strings.TrimSuffix(string(b), "…")) {
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
	c := newCodes("key", time.Now)
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

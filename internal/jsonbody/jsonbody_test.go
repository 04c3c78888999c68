package jsonbody

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

type input struct {
	Name  string   `json:"name"`
	Count *int     `json:"count,omitempty"`
	List  []string `json:"list"`
}

func TestWhatIsRefused(t *testing.T) {
	nested := strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000)
	for body, want := range map[string]string{
		``:                                    ErrNoObject.Error(),
		`null`:                                ErrNoObject.Error(),
		`[]`:                                  ErrNoObject.Error(),
		`"name"`:                              ErrNoObject.Error(),
		`{"name":"a"`:                         ErrNoObject.Error(),
		`{"name":"a"}x`:                       ErrNoObject.Error(),
		`{"name":"a"}{}`:                      ErrNoObject.Error(),
		"{\"name\":\"a\"}\x00":                ErrNoObject.Error(),
		"\ufeff{}":                            ErrNoObject.Error(),
		`{"list":` + nested + `}`:             ErrNoObject.Error(),
		"{\"name\":\"a\xff\"}":                ErrText.Error(),
		"{\"name\":\"\xed\xa0\x80\"}":         ErrText.Error(),
		`{"name":"\ud800"}`:                   ErrText.Error(),
		`{"name":"\ud800x"}`:                  ErrText.Error(),
		`{"name":"\ud800\n"}`:                 ErrText.Error(),
		`{"name":"\udc00\ud800"}`:             ErrText.Error(),
		`{"name":"\\\ud83d"}`:                 ErrText.Error(),
		`{"na\udfffme":"a"}`:                  ErrText.Error(),
		`{"name":"a","name":"b"}`:             `the member "name" is given twice`,
		`{"name":"a","na\u006de":"b"}`:        `the member "name" is given twice`,
		`{"name":"a","list":[{"x":1,"x":1}]}`: `the member "x" is given twice`,
		`{"Name":"a"}`:                        `there is no member "Name"`,
		`{"":1}`:                              `there is no member ""`,
		`{"other":{}}`:                        `there is no member "other"`,
	} {
		got := input{}
		if err := Decode([]byte(body), &got); err == nil || err.Error() != want {
			t.Errorf("%.60s: %v, want %s", body, err, want)
		}
	}
	var wrong *json.UnmarshalTypeError
	if err := Decode([]byte(`{"name":1}`), new(input)); !errors.As(err, &wrong) {
		t.Errorf("a number as name: %v", err)
	}
}

func TestWhatIsRead(t *testing.T) {
	for body, want := range map[string]string{
		` {"name" : "a" } ` + "\r\n\t":        "a",
		`{}`:                                  "",
		`{"name":null,"count":null}`:          "",
		`{"name":"\ud83d\ude00"}`:             "😀",
		`{"name":"\\ud800"}`:                  `\ud800`,
		`{"name":"\\\\ud800\ud83d\ude00"}`:    `\\ud800😀`,
		`{"name":"\u0000"}`:                   "\x00",
		`{"list":["name","name"],"name":"x"}`: "x",
	} {
		got := input{}
		if err := Decode([]byte(body), &got); err != nil || got.Name != want {
			t.Errorf("%s: %q, %v, want %q", body, got.Name, err, want)
		}
	}
}

func TestOthersMembersArePassedOver(t *testing.T) {
	got := input{}
	if err := DecodeKnown([]byte(`{"other":[1],"name":"a","Other":2}`), &got); err != nil || got.Name != "a" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, body := range []string{`{"NAME":"b"}`, `{"name":"a","Name":"b"}`, `{"x":1,"x":2}`, `[]`} {
		if err := DecodeKnown([]byte(body), new(input)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}

// Whatever is taken is read as encoding/json reads it, and nothing of it was
// replaced.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"\ud83d\ude00","list":["a"]}`))
	f.Add([]byte(`{"name":"\\\ud800"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want input
		if Decode(body, &got) != nil {
			return
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if !utf8.ValidString(got.Name) || strings.Contains(got.Name, "\ufffd") && !strings.Contains(strings.ToLower(string(body)), "fffd") && !strings.Contains(string(body), "\ufffd") {
			t.Errorf("%q became %q", body, got.Name)
		}
	})
}

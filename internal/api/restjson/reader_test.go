package restjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
)

// person is a small document with every kind of member.
type person struct {
	name    restjson.Text
	age     restjson.Int
	member  restjson.Bool
	address *address
	tags    []restjson.Text
}

type address struct {
	city restjson.Text
}

func readPerson(body string) (person, error) {
	var p person
	r := restjson.Read([]byte(body))
	for name := range r.Object([]string{"Name", "Age", "Member", "Address", "Tags", "Ignored"}) {
		switch name {
		case "Name":
			p.name = r.Text()
		case "Age":
			p.age = r.Int()
		case "Member":
			p.member = r.Bool()
		case "Address":
			if !r.Present() {
				continue
			}
			p.address = &address{}
			for range r.Object([]string{"City"}) {
				p.address.city = r.Text()
			}
		case "Tags":
			if !r.Present() {
				continue
			}
			for range r.Array() {
				p.tags = append(p.tags, r.Text())
			}
		}
	}
	return p, r.End()
}

func TestReaderReadsEveryKind(t *testing.T) {
	p, err := readPerson(` {"Name" : "Ann \"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00ü", "Age":-42 , "Member":true,
		"Address":{"City":"Bonn","Street":[{"x":[1.5e+3,-0,0.1E-2]},"\ud83d\ude00"],"city":1},
		"Tags":["a",null,"b"],"Ignored":{"a":[]},"Unknown":1,"Unknown":2,"name":3}` + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.name.Value != "Ann \"\\/\b\f\n\r\té😀ü" || !p.name.Set || p.age.Value != -42 || !p.age.Set || !p.member.Value || !p.member.Set {
		t.Errorf("%+v", p)
	}
	if p.address == nil || p.address.city.Value != "Bonn" {
		t.Errorf("address %+v", p.address)
	}
	if len(p.tags) != 3 || p.tags[1].Set || p.tags[2].Value != "b" {
		t.Errorf("tags %+v", p.tags)
	}
}

func TestReaderTakesNullAndNothingForAbsent(t *testing.T) {
	for _, body := range []string{"", "{}", " { } ", `{"Name":null,"Age":null,"Member":null,"Address":null,"Tags":null,"Ignored":null}`, `{"NAME":"x","name":1}`} {
		p, err := readPerson(body)
		if err != nil || p.name.Set || p.age.Set || p.member.Set || p.address != nil || p.tags != nil {
			t.Errorf("%q: %+v, %v", body, p, err)
		}
	}
	if p, err := readPerson(`{"Member":false,"Age":0,"Name":""}`); err != nil || !p.member.Set || !p.age.Set || !p.name.Set {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestReaderNamesWhatIsWrong(t *testing.T) {
	const notJSON = "The request body is not valid JSON: "
	for body, want := range map[string]string{
		" ":                            notJSON + "it ends too early.",
		"null":                         "The request body must be an object.",
		"[]":                           "The request body must be an object.",
		`"x"`:                          "The request body must be an object.",
		"{":                            notJSON + "it ends too early.",
		"{}x":                          notJSON + "unexpected character at byte 3.",
		"{}{}":                         notJSON + "unexpected character at byte 3.",
		`{"Name":"x",}`:                notJSON + "unexpected character at byte 13.",
		`{,}`:                          notJSON + "unexpected character at byte 2.",
		`{"Name" "x"}`:                 notJSON + "unexpected character at byte 9.",
		`{"Name":"x" "Age":1}`:         notJSON + "unexpected character at byte 13.",
		`{Name:"x"}`:                   notJSON + "unexpected character at byte 2.",
		"{\"Name\":\"a\nb\"}":          notJSON + "unexpected character at byte 11.",
		`{"Name":"a\x"}`:               notJSON + "unexpected character at byte 12.",
		`{"Name":"a\u12g4"}`:           notJSON + "unexpected character at byte 15.",
		`{"Name":"abc`:                 notJSON + "it ends too early.",
		`{"x":nul}`:                    notJSON + "unexpected character at byte 6.",
		`{"x":01}`:                     notJSON + "unexpected character at byte 7.",
		`{"x":1.}`:                     notJSON + "unexpected character at byte 8.",
		`{"x":-}`:                      notJSON + "unexpected character at byte 7.",
		`{"x":+1}`:                     notJSON + "unexpected character at byte 6.",
		`{"x":[1,]}`:                   notJSON + "unexpected character at byte 9.",
		`{"x":[1}`:                     notJSON + "unexpected character at byte 8.",
		"\xef\xbb\xbf{}":               "The request body must be an object.",
		"{\"x\":\"\xff\"}":             "The request body is not valid UTF-8.",
		`{"Name":"\ud83d"}`:            "The request body holds half of a surrogate pair.",
		`{"Name":"\ude00\ud83d"}`:      "The request body holds half of a surrogate pair.",
		`{"x":"\ud83dx"}`:              "The request body holds half of a surrogate pair.",
		`{"Name":"a","Name":"a"}`:      "Value at 'name' is given more than once.",
		`{"Name":1}`:                   "Value at 'name' must be a string.",
		`{"Name":["secret"]}`:          "Value at 'name' must be a string.",
		`{"Age":"1"}`:                  "Value at 'age' must be an integer.",
		`{"Age":1.0}`:                  "Value at 'age' must be an integer.",
		`{"Age":1e2}`:                  "Value at 'age' must be an integer.",
		`{"Age":99999999999999999999}`: "Value at 'age' must be an integer.",
		`{"Member":"true"}`:            "Value at 'member' must be a boolean.",
		`{"Member":1}`:                 "Value at 'member' must be a boolean.",
		`{"Address":[]}`:               "Value at 'address' must be an object.",
		`{"Address":{"City":{}}}`:      "Value at 'address.city' must be a string.",
		`{"Tags":{}}`:                  "Value at 'tags' must be a list.",
		`{"Tags":["a",2]}`:             "Value at 'tags.2.member' must be a string.",
		`{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}": "The request body is nested too deeply.",
		`{"x":` + strings.Repeat(`{"a":`, 5_000_000/5):                    "The request body is nested too deeply.",
	} {
		_, err := readPerson(body)
		var e *restjson.Error
		if !errors.As(err, &e) || e.Message != want || e.Constraint {
			t.Errorf("%.60q: got %v, want %q", body, err, want)
		}
	}
	if _, err := readPerson(`{"x":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}"); err != nil {
		t.Errorf("63 levels inside the object: %v", err)
	}
}

// FuzzReaderAgreesWithStandardLibrary: what the reader accepts is valid JSON
// and means what encoding/json takes it to mean; what it refuses is invalid,
// or breaks one of the reader's own rules.
func FuzzReaderAgreesWithStandardLibrary(f *testing.F) {
	f.Add(`{"Name":"Ann","Age":-42,"Member":true,"Address":{"City":"\u00e9\ud83d\ude00"},"Tags":["a",null]}`)
	f.Add(`{"Name":null,"x":[1.5e3,{"y":[true,false,null]}],"Name":"\ud83d"}`)
	f.Add("{\"Tags\":[\"\xff\"]}")
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		p, err := readPerson(body)
		if err != nil {
			message := err.Error()
			own := !utf8.ValidString(body) || strings.Contains(message, "surrogate") || strings.Contains(message, "deeply") ||
				strings.Contains(message, "more than once") || strings.Contains(message, "must be")
			if json.Valid([]byte(body)) && !own {
				t.Fatalf("refused valid JSON %q: %v", body, err)
			}
			return
		}
		if body == "" {
			return
		}
		// A map keeps encoding/json from matching names in any letter case.
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("accepted %q, which encoding/json refuses: %v", body, err)
		}
		var want struct {
			name *string
			age  *int64
			tags []*string
		}
		for member, target := range map[string]any{"Name": &want.name, "Age": &want.age, "Tags": &want.tags} {
			if raw, ok := members[member]; ok {
				if err := json.Unmarshal(raw, target); err != nil {
					t.Fatalf("%q: %s: %v", body, member, err)
				}
			}
		}
		text := func(s *string) restjson.Text {
			if s == nil {
				return restjson.Text{}
			}
			return restjson.Text{Value: *s, Set: true}
		}
		var tags []restjson.Text
		for _, s := range want.tags {
			tags = append(tags, text(s))
		}
		var age restjson.Int
		if want.age != nil {
			age = restjson.Int{Value: *want.age, Set: true}
		}
		if p.name != text(want.name) || p.age != age || fmt.Sprint(p.tags) != fmt.Sprint(tags) {
			t.Fatalf("%q: read %+v, encoding/json %+v", body, p, want)
		}
	})
}

// The body of a BatchCreateAttendee of 100, read as the API reads it.
func BenchmarkRead100Attendees(b *testing.B) {
	items := make([]string, 100)
	for i := range items {
		items[i] = fmt.Sprintf(`{"ExternalUserId":"01234567-89ab-cdef-0123-456789abc%03d","Capabilities":{"Audio":"SendReceive","Video":"SendReceive","Content":"SendReceive"}}`, i)
	}
	body := []byte(`{"Attendees":[` + strings.Join(items, ",") + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		users, chars := 0, 0
		r := restjson.Read(body)
		for range r.Object([]string{"Attendees"}) {
			for range r.Array() {
				for name := range r.Object([]string{"ExternalUserId", "Capabilities"}) {
					if name == "ExternalUserId" {
						users += len(r.Text().Value)
						continue
					}
					for range r.Object([]string{"Audio", "Video", "Content"}) {
						c, _ := r.Chars()
						chars += len(c)
					}
				}
			}
		}
		if err := r.End(); err != nil || users != 3600 || chars != 3300 {
			b.Fatal(err, users, chars)
		}
	}
}

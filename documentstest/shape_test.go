package documentstest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// missing returns what a JSON document in a page shows and a real one has not, by
// its place: members that are not there, or of another type. Of lists each element
// that is shown has to be like some element of the real one. Members that come only
// when there is something to say may be missing anywhere.
func missing(shown, real any, at string, optional []string) (places []string) {
	switch shown := shown.(type) {
	case map[string]any:
		there, ok := real.(map[string]any)
		if !ok {
			return []string{at}
		}
		for name, value := range shown {
			if got, ok := there[name]; ok {
				places = append(places, missing(value, got, at+"."+name, optional)...)
			} else if !slices.Contains(optional, name) {
				places = append(places, at+"."+name)
			}
		}
	case []any:
		there, ok := real.([]any)
		if !ok {
			return []string{at}
		}
		for _, value := range shown {
			least := []string{at + "[]"}
			for i, got := range there {
				if m := missing(value, got, at+"[]", optional); i == 0 || len(m) < len(least) {
					least = m
				}
			}
			places = append(places, least...)
		}
	default:
		if fmt.Sprintf("%T", shown) != fmt.Sprintf("%T", real) {
			places = append(places, at)
		}
	}
	slices.Sort(places)
	return places
}

// alike compares a block with JSON that a command printed among other things.
func alike(block, said string, optional []string) error {
	var shown, real any
	if err := json.Unmarshal([]byte(block), &shown); err != nil {
		return err
	}
	begins := strings.Index(said, "{")
	if begins < 0 {
		return fmt.Errorf("it printed no JSON: %s", said)
	}
	if err := json.NewDecoder(strings.NewReader(said[begins:])).Decode(&real); err != nil {
		return fmt.Errorf("%w in %s", err, said)
	}
	if places := missing(shown, real, "", optional); len(places) > 0 {
		return fmt.Errorf("%s is not there in what it printed: %s", strings.Join(places, ", "), said)
	}
	return nil
}

func TestShapesAreCompared(t *testing.T) {
	const real = `note: {"a": 1, "b": [{"c": "x"}, {"c": "y", "d": true}], "e": {}}`
	for block, want := range map[string]string{
		`{"a": 7}`:                         "",
		`{"b": [{"c": "z", "d": false}]}`:  "",
		`{"b": [{"c": "z", "opt": 1}]}`:    "",
		`{"a": "7"}`:                       ".a is not there",
		`{"f": 1, "e": {"g": 1}, "b": []}`: ".e.g, .f is not there",
		`{"b": [{"c": 1}]}`:                ".b[].c is not there",
		`{"e": []}`:                        ".e is not there",
		`{`:                                "unexpected end",
	} {
		err := alike(block, real, []string{"opt"})
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, want %q", block, err, want)
		}
	}
	if err := alike(`{}`, "nothing", nil); err == nil {
		t.Error("nothing is taken for JSON")
	}
}

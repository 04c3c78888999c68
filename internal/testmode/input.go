package testmode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/carillon-meetings/carillon/internal/jsonbody"
)

// maxBody bounds the body of a call, in bytes.
const maxBody = 64 << 10

// refuseInput returns what a call is given and does not take. A test whose author
// believes that it has an effect would else pass for the wrong reason.
func (c *call) refuseInput(r *http.Request) error {
	if !c.query && r.URL.RawQuery != "" {
		return badRequest(errors.New("this call takes no parameters"))
	}
	if c.body {
		return nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return explainBody(err)
	}
	if given := strings.TrimSpace(string(text)); given != "" && given != "{}" {
		return badRequest(errors.New("this call takes no body"))
	}
	return nil
}

// readBody reads the body of a call, which is one JSON object of known members.
func readBody(r *http.Request, into any) error {
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = jsonbody.Decode(text, into)
	}
	if err != nil {
		return explainBody(err)
	}
	return nil
}

// explainBody says what is wrong with a body in words of JSON, not of Go.
func explainBody(err error) error {
	var (
		large *http.MaxBytesError
		typ   *json.UnmarshalTypeError
	)
	switch {
	case errors.As(err, &large):
		return &fault{http.StatusRequestEntityTooLarge, "The body is larger than 64 KiB."}
	case errors.As(err, &typ):
		err = fmt.Errorf("%s: %s is expected, not %s", typ.Field, expected(typ.Type), article(typ.Value))
	}
	return badRequest(fmt.Errorf("the body is not what this call takes: %w", err))
}

func expected(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return `a text such as "10m" or "1.5s"`
	case t.Kind() == reflect.Int:
		return "a whole number"
	}
	return "a text"
}

func article(kind string) string {
	if strings.HasPrefix(kind, "array") || strings.HasPrefix(kind, "object") {
		return "an " + kind
	}
	return "a " + kind
}

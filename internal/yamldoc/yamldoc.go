// Package yamldoc reads YAML files that are one document: the configuration, keys
// and operators. What stands behind a line of three dashes would otherwise be
// passed over without a word, be it a key or a limit.
package yamldoc

import (
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// ErrSeveral says that there is another document.
var ErrSeveral = errors.New("it has more than one YAML document")

// Decode reads the only document into what into points to. The error is io.EOF
// when there is none, ErrSeveral when another one follows, which into does not
// have then, or the decoder's.
func Decode(dec *yaml.Decoder, into any) error {
	if err := dec.Decode(into); err != nil {
		return err
	}
	if !errors.Is(dec.Decode(new(yaml.Node)), io.EOF) {
		return ErrSeveral
	}
	return nil
}

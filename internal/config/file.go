package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/carillon-meetings/carillon/internal/yamldoc"
)

// FileEnv names the environment variable that points at a configuration file
// when --config is not given.
const FileEnv = "CARILLON_CONFIG"

// Load reads a YAML configuration file for kong. Its keys are the flag names
// without the leading dashes; a key that is no flag is refused. Flags given on
// the command line or in the environment win over the file.
func Load(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yamldoc.Decode(yaml.NewDecoder(r), &values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return &fileResolver{values: values}, nil
}

type fileResolver struct{ values map[string]any }

// Validate refuses keys that name no flag of the serve command.
func (f *fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	collectFlags(app.Node, known)
	var unknown []string
	for key := range f.values {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("configuration file: unknown keys: %s", strings.Join(unknown, ", "))
}

func collectFlags(n *kong.Node, known map[string]bool) {
	for _, flag := range n.Flags {
		known[flag.Name] = true
	}
	for _, child := range n.Children {
		collectFlags(child, known)
	}
}

// Resolve returns the file's value of a flag, or nil.
func (f *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	if flag.Target.IsValid() && slices.Contains([]reflect.Type{reflect.TypeFor[Webhooks](), reflect.TypeFor[TranscriptionEngines]()}, flag.Target.Type()) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	return flatten(flag.Name, value)
}

// flatten brings a YAML value into the string form kong's mappers read.
func flatten(name string, value any) (any, error) {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		return nil, fmt.Errorf("configuration file: %s: a mapping where a value is expected", name)
	case nil:
		return nil, fmt.Errorf("configuration file: %s: no value", name)
	}
	return fmt.Sprint(value), nil
}

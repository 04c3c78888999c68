package config

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

// Paths reads the flags that name files and directories, of kong's type "path".
// An empty one names none, or the default: a variable that a container is given
// without a value is as one that is not there, where kong would take the working
// directory.
func Paths() kong.Option {
	return kong.NamedMapper("path", kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("file", &text); err != nil {
			return err
		}
		if text == "" {
			text = ctx.Value.Default
		}
		switch {
		case text == "":
		case target.Kind() == reflect.String:
			target.SetString(kong.ExpandPath(text))
		case target.Type() == reflect.TypeFor[[]string]():
			for _, item := range kong.SplitEscaped(text, ctx.Value.Tag.Sep) {
				target.Set(reflect.Append(target, reflect.ValueOf(kong.ExpandPath(item))))
			}
		default:
			return fmt.Errorf("a path cannot be kept in a %s", target.Type())
		}
		return nil
	}))
}

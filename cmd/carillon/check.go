package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
)

type checkCommand struct {
	Config checkConfigCommand `cmd:"" help:"Check the configuration of serve and print what is in force."`
}

type checkConfigCommand struct {
	config.Serve
}

// Run prints every problem, or the settings in force as a configuration file.
func (c *checkConfigCommand) Run(k *kong.Context) error {
	if err := c.Check(); err != nil {
		return fmt.Errorf("the configuration has problems:\n%w", err)
	}
	for _, flag := range k.Selected().Flags {
		value := flag.Target.Interface()
		if strings.Contains(flag.Name, "secret") && !flag.Target.IsZero() {
			value = "(set, not shown)"
		}
		fmt.Fprintf(os.Stdout, "%s: %s\n", flag.Name, yamlValue(value))
	}
	return nil
}

func yamlValue(v any) string {
	switch v := v.(type) {
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case string:
		return fmt.Sprintf("%q", v)
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(reflect.ValueOf(v).Interface())
}

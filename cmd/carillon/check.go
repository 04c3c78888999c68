package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
)

type checkCommand struct {
	Config checkConfigCommand `cmd:"" help:"Check the configuration of serve and print what is in force."`
	Health checkHealthCommand `cmd:"" help:"Ask the server with these settings, on this machine, whether it takes calls."`
}

type checkConfigCommand struct {
	config.Serve
	Online bool `help:"Also ask everybody who is to be told of events whether they are there; nothing is told." env:"-"`
}

// Run prints every problem, or the settings in force as a configuration file.
func (c *checkConfigCommand) Run(ctx context.Context, k *kong.Context) error {
	p, err := prepare(&c.Serve)
	if err != nil {
		return err
	}
	flags := slices.DeleteFunc(slices.Clone(k.Selected().Flags), func(f *kong.Flag) bool { return f.Name == "online" })
	if err := c.print(os.Stdout, flags); err != nil || !c.Online {
		return err
	}
	return p.ways.tryAll(ctx, os.Stdout)
}

func (c *checkConfigCommand) print(w io.Writer, flags []*kong.Flag) error {
	for _, flag := range flags {
		value := flag.Target.Interface()
		switch {
		case (strings.Contains(flag.Name, "secret") || flag.Name == "nats-url") && !flag.Target.IsZero():
			value = "(set, not shown)"
		case value == any(c.Pages.Demo):
			value = c.ServesDemo()
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", flag.Name, yamlValue(value)); err != nil {
			return err
		}
	}
	return nil
}

func yamlValue(v any) string {
	switch v := v.(type) {
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			if items[i] = item; strings.ContainsAny(item, "*&!|>%@`") { // means something in YAML
				items[i] = strconv.Quote(item)
			}
		}
		return "[" + strings.Join(items, ", ") + "]"
	case config.Networks:
		items := make([]string, len(v))
		for i, network := range v {
			items[i] = network.String()
		}
		return yamlValue(items)
	case config.Webhooks:
		names := make([]string, len(v))
		for i, w := range v {
			names[i] = w.Name
		}
		return yamlValue(names)
	case config.TranscriptionEngines:
		names := make([]string, len(v))
		for i, e := range v {
			names[i] = e.Name
		}
		return yamlValue(names)
	case string:
		return fmt.Sprintf("%q", v)
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(reflect.ValueOf(v).Interface())
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
)

type checkCommand struct {
	Config checkConfigCommand `cmd:"" help:"Check the configuration of serve and print what is in force."`
	Health checkHealthCommand `cmd:"" help:"Ask the server with these settings, on this machine, whether it takes calls."`
}

type checkConfigCommand struct {
	config.Serve
	Online bool `help:"Also ask everybody who is to be told of events whether they are there; nothing is told." env:"-"`
}

// Help is what --help adds.
func (checkConfigCommand) Help() string {
	return "It refuses whatever serve would refuse, in the same words, and may be asked beside a running server. What only the moment of a start tells it " +
		"cannot: an address that something else has then, a data directory that another server has, records in it that are damaged, " +
		"an address for clients that the machine does not have, and other nodes or a NATS server that do not answer."
}

// Run prints every problem, or the settings in force as a configuration file.
func (c *checkConfigCommand) Run(ctx context.Context, k *kong.Context) error {
	settings := inForce(&c.Serve, k)
	remove, err := temporaryData(&c.Serve, given(k, "data")) // as serve does in test mode
	if err != nil {
		return err
	}
	p, err := prepare(&c.Serve)
	if err := errors.Join(err, remove()); err != nil {
		return err
	}
	if err := printSettings(os.Stdout, settings); err != nil || !c.Online {
		return err
	}
	return p.ways.tryAll(ctx, os.Stdout)
}

// printSettings prints settings as a configuration file, which says where those
// come from that are no defaults.
func printSettings(w io.Writer, settings []console.Setting) error {
	for _, s := range settings {
		from := ""
		if s.From != byDefault {
			from = " # " + s.From
		}
		if _, err := fmt.Fprintf(w, "%s: %s%s\n", s.Name, s.Value, from); err != nil {
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

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// eventsCommand is what operators do about events that are told to the outside.
type eventsCommand struct {
	Secret eventsSecretCommand `cmd:"" help:"Make a secret for a webhook and print it."`
	Status eventsStatusCommand `cmd:"" help:"Show how the receivers of events are doing."`
	Dead   eventsDeadCommand   `cmd:"" help:"List events that were given up."`
	Replay eventsReplayCommand `cmd:"" help:"Send events once more that were given up."`
	Drop   eventsDropCommand   `cmd:"" help:"Forget events that were given up."`
	Resume eventsResumeCommand `cmd:"" help:"Try a receiver again that has asked for no more events."`
}

// askEvents asks a running server about deliveries.
func (t *operatorTarget) askEvents(ctx context.Context, action string, q console.DeliveriesQuestion) (a console.DeliveriesAnswer, err error) {
	return a, t.ask(ctx, http.MethodPost, console.PathDeliveries+action, q, &a)
}

// lettersChosen says which dead letters a command is about.
type lettersChosen struct {
	Key         string        `help:"Only the one with this key, as events dead lists it." placeholder:"KEY"`
	Destination string        `help:"Only those for destinations whose name begins so." placeholder:"NAME"`
	Meeting     string        `help:"Only those of this meeting." placeholder:"ID"`
	Type        string        `help:"Only those of this type, such as chime:AttendeeJoined." placeholder:"TYPE"`
	Older       time.Duration `help:"Only those of events that happened longer ago than this." placeholder:"AGE"`
}

func (l *lettersChosen) filter() (f observe.LetterFilter, err error) {
	f = observe.LetterFilter{Key: l.Key, Destination: l.Destination, Type: l.Type}
	if l.Meeting != "" {
		id, ok := meeting.ParseID(l.Meeting)
		if !ok {
			return f, fmt.Errorf("--meeting: %q is not an id", l.Meeting)
		}
		f.Meeting = id
	}
	if l.Older > 0 {
		f.Before = observe.At(time.Now().Add(-l.Older))
	}
	return f, nil
}

type eventsSecretCommand struct {
	Pair bool `help:"Make a pair of keys instead, so that receivers can verify and cannot sign. The secret is printed, and on standard error what receivers verify with."`
}

// Run prints a new secret.
func (c *eventsSecretCommand) Run() error {
	if !c.Pair {
		fmt.Println(webhook.NewSecret())
		return nil
	}
	secret, public := webhook.NewPair()
	fmt.Println(secret)
	fmt.Fprintln(os.Stderr, public)
	return nil
}

type eventsStatusCommand struct{ operatorTarget }

// Run prints a line for each destination.
func (c *eventsStatusCommand) Run(ctx context.Context) error {
	a, err := c.askEvents(ctx, "status", console.DeliveriesQuestion{})
	if err != nil {
		return err
	}
	if a.Nobody {
		fmt.Println("This server tells nobody of events: it has no web hook, and no endpoint of a service (see docs/events.md).")
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DESTINATION\tWAITING\tOLDEST\tSTATE\tLAST FAILURE")
	for _, d := range a.Destinations {
		state := "takes events"
		switch {
		case d.Off:
			state = "wants no more since " + when(d.Since)
		case d.Open:
			state = "refuses since " + when(d.Since)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", d.Name, d.Waiting, when(d.Oldest), state, d.Trouble)
	}
	return w.Flush()
}

func when(t observe.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

type eventsDeadCommand struct {
	operatorTarget
	lettersChosen
	Limit int  `help:"How many at most." default:"1000"`
	JSON  bool `help:"Print them as JSON, one a line." name:"json"`
}

// Run prints a line for each dead letter.
func (c *eventsDeadCommand) Run(ctx context.Context) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	a, err := c.askEvents(ctx, "dead", console.DeliveriesQuestion{Filter: f, Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.JSON {
		for _, l := range a.Letters {
			if err := json.NewEncoder(os.Stdout).Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tHAPPENED\tTYPE\tMEETING\tDESTINATION\tATTEMPTS\tREASON")
	for _, l := range a.Letters {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", l.Key, when(l.At), l.Type, l.Meeting, l.Destination, l.Attempts, l.Reason)
	}
	return w.Flush()
}

// sortedOut is a command that does something to dead letters.
type sortedOut struct {
	operatorTarget
	lettersChosen
}

func (c *sortedOut) run(ctx context.Context, action, done string) error {
	f, err := c.filter()
	if err != nil {
		return err
	}
	a, err := c.askEvents(ctx, action, console.DeliveriesQuestion{Filter: f})
	if err != nil {
		return err
	}
	fmt.Println(a.Count, done)
	return nil
}

type eventsReplayCommand struct{ sortedOut }

// Run sends dead letters once more.
func (c *eventsReplayCommand) Run(ctx context.Context) error {
	return c.run(ctx, "replay", "on their way")
}

type eventsDropCommand struct{ sortedOut }

// Run forgets dead letters.
func (c *eventsDropCommand) Run(ctx context.Context) error { return c.run(ctx, "drop", "dropped") }

type eventsResumeCommand struct {
	operatorTarget
	Name string `arg:"" help:"The destination's name, as events status lists it."`
}

// Run has a destination tried again.
func (c *eventsResumeCommand) Run(ctx context.Context) error {
	_, err := c.askEvents(ctx, "resume", console.DeliveriesQuestion{Name: c.Name})
	return err
}

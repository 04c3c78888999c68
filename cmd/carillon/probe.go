package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// probeTime is how long who is to be told of events has to answer.
const probeTime = 15 * time.Second

// tryAll asks everybody who is to be told of events whether they are there, and
// prints a comment for each. The error says who is not.
func (w *waysOut) tryAll(ctx context.Context, out io.Writer) error {
	probes := w.services.Probes()
	maps.Copy(probes, w.probes)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		err := probe(ctx, probes[name])
		word := "is there"
		if err != nil {
			word = err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		if _, err := fmt.Fprintf(out, "# %s: %s\n", name, word); err != nil {
			return err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("not everybody who is to be told of events can be:\n%w", err)
	}
	return nil
}

func probe(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return try(ctx)
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/carillon-meetings/carillon/internal/cluster"
)

type clusterCommand struct {
	Status clusterStatusCommand `cmd:"" help:"Show nodes, slots and streams."`
	Drain  clusterDrainCommand  `cmd:"" help:"Have a node hand its slots over to the others, and wait until it has none."`
	Remove clusterRemoveCommand `cmd:"" help:"Take a node out for good that has no slots any more."`
}

// clusterTarget is who is asked, and how the answer is shown.
type clusterTarget struct {
	operatorTarget `embed:""`
	JSON           bool `help:"Print JSON." name:"json"`
}

// drainPoll is how often it is looked whether a node has slots left.
const drainPoll = 200 * time.Millisecond

// call makes a request and decodes the answer into v, which may be nil.
func (t *clusterTarget) call(ctx context.Context, method, path string, v any) error {
	return t.ask(ctx, method, pathCluster+path, nil, v)
}

type clusterStatusCommand struct {
	clusterTarget `embed:""`
}

// Run prints what a node knows of the cluster.
func (c *clusterStatusCommand) Run(ctx context.Context) error {
	var status clusterStatus
	if err := c.call(ctx, http.MethodGet, "", &status); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(status)
	}
	return status.print(os.Stdout)
}

func (s *clusterStatus) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tSTATE\tSLOTS\tARRIVING\tCONNECTED\tHEARD\tADDRESS\tVERSION")
	for _, n := range s.Nodes {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%s ago\t%s\t%s\n", n.Node, n.State(), n.Slots, n.Arriving, n.Connected, n.SilentFor, n.Address, n.Version)
	}
	fmt.Fprintln(t, "\nSTREAM\tLEADER\tMESSAGES\tBYTES\tREPLICAS")
	for _, stream := range s.Streams {
		var replicas []string
		for _, r := range stream.Replicas {
			state := "behind by " + fmt.Sprint(r.Lag)
			switch {
			case r.Offline:
				state = "away"
			case r.Current:
				state = "current"
			}
			replicas = append(replicas, r.Node+" "+state)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", stream.Stream, stream.Leader, stream.Messages, stream.Bytes, strings.Join(replicas, ", "))
	}
	return t.Flush()
}

type clusterDrainCommand struct {
	clusterTarget `embed:""`
	Node          string `arg:"" help:"Name of the node."`
}

// Run drains a node and waits until it has no slots.
func (c *clusterDrainCommand) Run(ctx context.Context) error {
	if err := c.call(ctx, http.MethodPost, "/nodes/"+url.PathEscape(c.Node)+"/drain", nil); err != nil {
		return err
	}
	for {
		var status clusterStatus
		if err := c.call(ctx, http.MethodGet, "", &status); err != nil {
			return err
		}
		at := slices.IndexFunc(status.Slots, func(s cluster.SlotStatus) bool { return s.Owner == c.Node || s.Next == c.Node })
		if at < 0 {
			return c.report(c.Node, "drained")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(drainPoll):
		}
	}
}

// report prints what was done to a node.
func (t *clusterTarget) report(node, what string) error {
	if t.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]string{"node": node, "done": what})
	}
	_, err := fmt.Println(node, what)
	return err
}

type clusterRemoveCommand struct {
	clusterTarget `embed:""`
	Node          string `arg:"" help:"Name of the node."`
}

// Run removes a node.
func (c *clusterRemoveCommand) Run(ctx context.Context) error {
	if err := c.call(ctx, http.MethodDelete, "/nodes/"+url.PathEscape(c.Node), nil); err != nil {
		return err
	}
	return c.report(c.Node, "removed")
}

package main

import (
	"context"
	"encoding/json"
	"os"

	loadapi "github.com/carillon-meetings/carillon/internal/load/api"
	loadmeeting "github.com/carillon-meetings/carillon/internal/load/meeting"
)

type loadCommand struct {
	API loadAPICommand `cmd:"" name:"api" help:"Call one API operation over and over and report rate, latency and the server's cost."`

	Meeting loadMeetingCommand `cmd:"" help:"Fill meetings with scripted attendees and report delivery, delay and the server's cost."`
}

type loadAPICommand struct {
	loadapi.Options `embed:""`
}

// Run loads the API and prints the report.
func (c *loadAPICommand) Run(ctx context.Context) error {
	report, err := loadapi.Run(ctx, c.Options)
	if err != nil || c.Bare {
		return err
	}
	return report.Write(os.Stdout, c.JSON)
}

type loadMeetingCommand struct {
	loadmeeting.Options `embed:""`
}

// Run loads meetings and prints the report.
func (c *loadMeetingCommand) Run(ctx context.Context) error {
	report, err := loadmeeting.Run(ctx, c.Options)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if !c.JSON {
		out.SetIndent("", "  ")
	}
	return out.Encode(report)
}

// Command carillon is a self-hosted meetings server compatible with the
// Amazon Chime SDK, with the tools to load and to check it.
//
//	carillon serve           run the server
//	carillon admin           list and show meetings, mute, remove, end, replay
//	carillon env             print what points AWS tools at the server
//	carillon check config    check a configuration and print what is in force
//	carillon check health    ask a running server whether it takes calls
//	carillon cluster         show a cluster of servers, drain and remove nodes
//	carillon completion …    print the completion of a shell
//	carillon conform         run the conformance suite against an endpoint
//	carillon events …        make a webhook secret; list, replay and drop dead letters
//	carillon load api        load the API of a running server
//	carillon load meeting    load meetings with scripted attendees
//	carillon operators hash  make what stands for an operator's secret in a file
//	carillon token-key …     change the keys of join tokens
//	carillon version         print the version
//
// This package holds the command line and the wiring only: which part is
// built from which, and in which order they start and stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	ossignal "os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/completion"
	"github.com/carillon-meetings/carillon/internal/config"
)

const programName = "carillon"

type commandLine struct {
	Config      kong.ConfigFlag  `help:"YAML file with flag values (also CARILLON_CONFIG)." placeholder:"FILE" env:"-"` // run reads the variable
	ShowVersion kong.VersionFlag `name:"version" short:"v" env:"-" help:"Print the version."`

	Serve      serveCommand      `cmd:"" help:"Run the server."`
	Admin      adminCommand      `cmd:"" help:"List and show the account's meetings, and act on them."`
	Env        envCommand        `cmd:"" help:"Print the variables that point AWS tools at the server with these settings."`
	Check      checkCommand      `cmd:"" help:"Check things without running the server."`
	Cluster    clusterCommand    `cmd:"" help:"Show a cluster of servers, and change it."`
	Completion completionCommand `cmd:"" help:"Print the script that has a shell complete commands and flags: source <(carillon completion bash)"`
	Conform    conformCommand    `cmd:"" help:"Run the conformance suite against an endpoint."`
	Events     eventsCommand     `cmd:"" help:"See and sort out what happens to events that are told to the outside."`
	Load       loadCommand       `cmd:"" help:"Load a running server and report figures."`
	Operators  operatorsCommand  `cmd:"" help:"Look after the operators of the console."`
	TokenKey   tokenKeyCommand   `cmd:"" help:"Change the keys of join tokens."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := ossignal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "carillon:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode tells whoever started the process why it ended: 2 for a command line
// that makes no sense, 3 for a disk that failed, 1 for anything else.
func exitCode(err error) int {
	var usage *misused
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errDisk):
		return 3
	}
	return 1
}

func run(ctx context.Context, args []string) error {
	command, err := parse(ctx, args)
	if err != nil {
		return err
	}
	return command()
}

// parse reads the command line and returns what carries out the command. For a
// server that is without what is known of all flags, which is a megabyte that nobody
// asks for any more while it runs.
func parse(ctx context.Context, args []string) (command func() error, err error) {
	if err := dropEmpty(awsPrefix); err != nil {
		return nil, err
	}
	options := []kong.Option{
		kong.Name(programName),
		kong.Description("A self-hosted meetings server compatible with the Amazon Chime SDK."),
		kong.DefaultEnvars("CARILLON"),
		kong.ValueFormatter(withDefault),
		config.Paths(),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"version": "carillon " + thisBuild().String()},
	}
	file := os.Getenv(config.FileEnv)
	if file != "" {
		opened, err := os.Open(file) // kong passes over one that cannot be read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config.FileEnv, err)
		}
		_ = opened.Close() // nothing was written
		options = append(options, kong.Configuration(config.Load, file))
	} else {
		options = append(options, kong.Configuration(config.Load))
	}
	var line commandLine
	parser, err := kong.New(&line, options...)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 && args[0] == completion.Ask {
		return func() error { return completion.Complete(os.Stdout, parser.Model, args[1:]) }, nil
	}
	parsed, err := parser.Parse(helpful(parser.Model, args))
	if err != nil {
		return nil, misuse(err)
	}
	if err := config.CheckEnv(parser.Model.Node, os.Environ()); err != nil {
		return nil, misuse(err)
	}
	if parsed.Command() == "serve" {
		cfg, dataNamed, settings := line.Serve.Serve, given(parsed, "data"), inForce(&line.Serve.Serve, parsed)
		return func() error { return serve(ctx, &cfg, dataNamed, settings) }, nil
	}
	return func() error {
		if err := trustBundle(parsed.Command()); err != nil {
			return err
		}
		return parsed.Run()
	}, nil
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("carillon", thisBuild())
	return nil
}

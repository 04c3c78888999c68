package main

import (
	"fmt"

	"github.com/carillon-meetings/carillon/internal/completion"
)

type completionCommand struct {
	Shell string `arg:"" help:"bash, fish or zsh." enum:"bash,fish,zsh"`
}

// Run prints the script that the shell loads.
func (c completionCommand) Run() error {
	script, err := completion.Script(c.Shell)
	if err != nil {
		return err
	}
	fmt.Print(script)
	return nil
}

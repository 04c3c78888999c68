package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/carillon-meetings/carillon/internal/operators"
)

// operatorsCommand looks after the file of operators.
type operatorsCommand struct {
	Hash operatorsHashCommand `cmd:"" help:"Read a secret from standard input and print what stands for it in the file of --operators-file."`
}

type operatorsHashCommand struct{}

// Run prints the hash.
func (operatorsHashCommand) Run(context.Context) error { return hashSecret(os.Stdin, os.Stdout) }

func hashSecret(in io.Reader, out io.Writer) error {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	hash, err := operators.Hash(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, hash)
	return err
}

package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// exitUsage is the exit status of a command line that makes no sense, as of most
// programs.
const exitUsage = 2

// misused is what is wrong with a command line, and which command's.
type misused struct {
	why     error
	command string // with the program's name
}

// Error says what is wrong, and where help is.
func (m *misused) Error() string { return fmt.Sprintf("%s\nSee '%s --help'.", m.why, m.command) }

// Unwrap returns what is wrong.
func (m *misused) Unwrap() error { return m.why }

// misuse explains why a command line could not be read.
func misuse(err error) error {
	m := &misused{why: err, command: programName}
	var refused *kong.ParseError
	if errors.As(err, &refused) {
		m.why = errors.New(plainly(refused.Error()))
		if refused.Context != nil {
			m.command = strings.TrimSpace(programName + " " + reached(refused.Context))
		}
	}
	return m
}

// reached is the command up to which a command line could be read.
func reached(c *kong.Context) (path string) {
	for _, p := range c.Path {
		if p.Command != nil {
			path = p.Command.Path()
		}
	}
	return path
}

// plainly says in words of ours what the library says in its own.
func plainly(text string) string {
	noValue := regexp.MustCompile(`^(--[a-z0-9-]+): (.*"EOL".*|missing value, expecting .*)$`)
	text = noValue.ReplaceAllString(text, "$1 needs a value")
	return regexp.MustCompile(`^expected (".+)$`).ReplaceAllString(text, "$1 is missing")
}

// helpful turns the ways in which people ask for help into the flag for it: no
// arguments, a group of commands without one of them, and the word help.
func helpful(app *kong.Application, args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		rest := slices.DeleteFunc(slices.Clone(args[1:]), func(word string) bool { return word == "help" })
		return append(rest, "--help")
	}
	node := app.Node
	for _, word := range args {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 {
			return args
		}
		node = node.Children[i]
	}
	if len(node.Children) > 0 {
		return append(slices.Clone(args), "--help")
	}
	return args
}

// withDefault is the help of a flag, with the default where a word stands in its
// place for what is to be given.
func withDefault(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	if v.Flag == nil || v.Flag.PlaceHolder == "" || v.Default == "" {
		return help
	}
	sentence := strings.TrimSuffix(v.Help, ".")
	return strings.Replace(help, sentence, sentence+" (default "+v.Default+")", 1)
}

// awsPrefix begins the variables of AWS tools, of which our commands take some.
const awsPrefix = "AWS_"

// dropEmpty takes variables out of the environment that are there and empty. AWS
// tools take such a one for none; the library that reads flags takes it for
// a value, which would stand in the way of another variable and of the default.
func dropEmpty(prefix string) error {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); value == "" && strings.HasPrefix(name, prefix) {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// bundleEnv names the file of authorities that AWS tools trust instead of the
// system's.
const bundleEnv = "AWS_CA_BUNDLE"

// trustBundle has a command trust what AWS tools trust. It comes before the first
// connection. A bundle that cannot be read stops those who call a server, and no
// other command: completion and a health check work wherever they run.
func trustBundle(command string) error {
	bundle := os.Getenv(bundleEnv)
	if bundle == "" {
		return nil
	}
	if _, err := os.ReadFile(bundle); err != nil {
		switch word, _, _ := strings.Cut(command, " "); word {
		case "admin", "cluster", "conform", "events", "load":
			return fmt.Errorf("%s: %w", bundleEnv, err)
		}
		return nil
	}
	return os.Setenv("SSL_CERT_FILE", bundle) // as crypto/x509 has it
}

package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// envPrefix begins the names of all environment variables that are flags.
const envPrefix = "CARILLON_"

// CheckEnv refuses variables of environ, each "NAME=value", that look like
// flags and are none: a misspelt setting would be passed over in silence. app
// is the whole command line.
func CheckEnv(app *kong.Node, environ []string) error {
	known := map[string]bool{FileEnv: true}
	collectEnvs(app, known)
	// What Kubernetes sets in each container for a service named "carillon".
	injected := regexp.MustCompile(`^CARILLON_(SERVICE_(HOST|PORT(_.+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.+)?)?)$`)
	var unknown []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && !known[name] && !injected.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return fmt.Errorf("environment: no setting belongs to %s; the names are those of the flags, as in CARILLON_LISTEN for --listen", strings.Join(unknown, ", "))
}

func collectEnvs(n *kong.Node, known map[string]bool) {
	for _, flag := range n.Flags {
		for _, env := range flag.Envs {
			known[env] = true
		}
	}
	for _, child := range n.Children {
		collectEnvs(child, known)
	}
}

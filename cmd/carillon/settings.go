package main

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
)

// From where a setting may come.
const (
	byDefault     = "default"
	byCommandLine = "command line"
	byEnvironment = "environment"
	byFile        = "file"
)

// inForce returns the settings of a command that was parsed, in the order of
// their help, secrets masked.
func inForce(cfg *config.Serve, k *kong.Context) (list []console.Setting) {
	for _, flag := range k.Selected().Flags {
		if flag.Hidden || slices.Contains([]string{"help", "online", "config", "version"}, flag.Name) {
			continue
		}
		s := console.Setting{Name: flag.Name, Value: withoutURLSecrets(flag.Name, yamlValue(shownValue(cfg, flag))), From: sourceOf(k, flag)}
		if flag.Group != nil {
			s.Group = flag.Group.Title
		}
		list = append(list, s)
	}
	return list
}

// shownValue is what may be seen of a setting in force.
func shownValue(cfg *config.Serve, flag *kong.Flag) any {
	value := flag.Target.Interface()
	switch {
	case (strings.Contains(flag.Name, "secret") || flag.Name == "nats-url") && !flag.Target.IsZero():
		return "(set, not shown)"
	case value == any(cfg.Pages.Demo):
		return cfg.ServesDemo()
	}
	return value
}

// What of a URL may be a secret: a user's name and password, and a query; of a
// web hook the path, too, by which many receivers know their callers.
var (
	urlUser  = regexp.MustCompile(`(\w://)[^\s/?#"'@]*@`)
	urlQuery = regexp.MustCompile(`(\w://[^\s?#"']*)[?#][^\s"']*`)
	urlPath  = regexp.MustCompile(`(\w://[^\s/?#"']+)[/?#][^\s"']*`)
)

// notShown stands for what is left out of a URL.
const notShown = "(not shown)"

// withoutURLSecrets hides what may be secret in the URLs of a setting.
func withoutURLSecrets(name, value string) string {
	if strings.HasPrefix(name, "webhook") {
		value = urlPath.ReplaceAllString(value, "${1}/"+notShown)
	} else {
		value = urlQuery.ReplaceAllString(value, "${1}?"+notShown)
	}
	return urlUser.ReplaceAllString(value, "${1}"+notShown+"@")
}

// sourceOf says where the value of a flag comes from. The command line wins over
// the environment, and that over the file.
func sourceOf(k *kong.Context, flag *kong.Flag) string {
	given, resolved := false, false
	for _, p := range k.Path {
		if p.Flag != nil && p.Flag.Name == flag.Name {
			given, resolved = given || !p.Resolved, resolved || p.Resolved
		}
	}
	if given {
		return byCommandLine
	}
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return byEnvironment
		}
	}
	if resolved {
		return byFile
	}
	return byDefault
}

// Command composed loads compose files as `docker compose config` does, with the
// library that it uses, and prints the project that they make as JSON. A key that
// the compose specification does not have is an error.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("composed: ")
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithName("carillon"))
	if err != nil {
		log.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	text, err := project.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

// Command bomcheck holds bills of materials against the schema that CycloneDX
// publishes for their version, as the library that writes them ships it.
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bomcheck: ")
	schemas, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}/schema", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		log.Fatal(err)
	}
	for _, bom := range os.Args[1:] {
		if err := check(strings.TrimSpace(string(schemas)), bom); err != nil {
			log.Fatalf("%s: %v", bom, err)
		}
	}
}

// check returns what in a bill of materials is not as its schema has it.
func check(schemas, bom string) error {
	raw, err := os.ReadFile(bom)
	if err != nil {
		return err
	}
	var about struct{ SpecVersion string }
	if err := json.Unmarshal(raw, &about); err != nil {
		return err
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(folder(schemas))
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-" + about.SpecVersion + ".schema.json")
	if err != nil {
		return err
	}
	return schema.Validate(document)
}

// folder finds schemas by the last part of their address.
type folder string

// Load implements jsonschema.URLLoader.
func (f folder) Load(url string) (any, error) {
	stem := strings.TrimSuffix(path.Base(url), ".schema.json")
	found, err := filepath.Glob(filepath.Join(string(f), stem+".schema*.json"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
	}
	file, err := os.Open(found[0])
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return jsonschema.UnmarshalJSON(file)
}

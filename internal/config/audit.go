package config

import "time"

// Audit says what is kept of who did what.
type Audit struct {
	Age time.Duration `help:"How long the audit of operators' and keys' actions is kept." default:"2160h"`
	MiB int           `help:"Size on disk of the audit, in MiB; the oldest goes first." default:"64" name:"mib"`
	API bool          `help:"Have the calls of the API that change something in the audit, too. The meetings' own records tell them already." name:"api"`
}

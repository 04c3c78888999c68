package console

import (
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// Sheet is how a server is set up: what the page of settings shows. It holds no
// secrets.
type Sheet struct {
	Node         string        `json:"node,omitempty"` // of a cluster, whose nodes each have their own
	Keys         []SheetKey    `json:"keys"`
	KeysFrom     string        `json:"keysFrom"`         // where the keys come from, in words
	Silent       []string      `json:"silent,omitempty"` // nodes that did not say when keys were used at them, by name
	Certificates []Certificate `json:"certificates"`
	Files        []WatchedFile `json:"files"`
	Settings     []Setting     `json:"settings"`
}

// SheetKey is one access key.
type SheetKey struct {
	ID       string       `json:"id"`
	Account  string       `json:"account"`
	Disabled bool         `json:"disabled,omitempty"`
	Allow    []string     `json:"allow,omitempty"` // none: everything that is not denied
	Deny     []string     `json:"deny,omitempty"`
	Sessions int          `json:"sessions,omitempty"` // session tokens, one of which it needs
	Expires  observe.Time `json:"expires"`            // of the token that is good for longest; 0 without
	Used     observe.Time `json:"used"`               // last, at any node, to the minute; 0 for never
}

// Certificate is one that the server shows to others, or trusts.
type Certificate struct {
	Use    string       `json:"use"`  // what for, in words
	Name   string       `json:"name"` // whose it is
	Issuer string       `json:"issuer"`
	From   observe.Time `json:"from"`
	Until  observe.Time `json:"until"`
	Source string       `json:"source"` // the file, or where else it comes from
}

// WatchedFile is something that is read again when its files change.
type WatchedFile struct {
	What  string       `json:"what"`
	Files []string     `json:"files"`
	Read  observe.Time `json:"read"`            // when it was taken last; 0: at the start
	Fault string       `json:"fault,omitempty"` // why the files, as they are now, were not taken
}

// Setting is one setting in force.
type Setting struct {
	Name  string `json:"name"`
	Group string `json:"group,omitempty"`
	Value string `json:"value"`
	From  string `json:"from"` // "default", "command line", "environment" or "file"
}

func (c *Console) showSheet(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, c.cfg.Sheet(r.Context()))
}

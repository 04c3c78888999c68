package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/jointoken"
)

// loadJoinKeys reads the keys of join tokens.
func (s *server) loadJoinKeys() (*jointoken.Ring, error) {
	keys, err := joinKeys(s.cfg.Data)
	if err != nil {
		return nil, err
	}
	return jointoken.NewRing(keys[0], keys[1:]...), nil
}

// takeJoinKeys reads them again, and throws out who came with a token of one
// that is there no more.
func (s *server) takeJoinKeys() error {
	if _, err := os.Stat(filepath.Join(s.cfg.Data, identity.JoinKeysFile)); err != nil {
		return err // and the first key does not come back
	}
	keys, err := joinKeys(s.cfg.Data)
	if err != nil {
		return err
	}
	s.joinKeys.Set(keys[0], keys[1:]...)
	s.signal.DropTokenKeys(s.joinKeys.Has)
	return nil
}

// joinKeys returns the keys in a data directory, the one that mints first.
func joinKeys(dir string) (keys []jointoken.Key, err error) {
	found, err := identity.JoinKeys(dir)
	if err != nil {
		return nil, err
	}
	for _, k := range found {
		key, err := jointoken.NewKey(k.Secret)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// tokenKeyCommand changes the keys of join tokens in a data directory, below a
// running server, which takes them within seconds.
type tokenKeyCommand struct {
	Show   tokenKeyShow   `cmd:"" help:"Show the keys by their ids: which one mints, and which one is accepted beside it."`
	Rotate tokenKeyRotate `cmd:"" help:"Make a new key that mints; the one that did is still accepted. For a single server."`
	Add    tokenKeyAdd    `cmd:"" help:"Make a new key that is accepted only. In a cluster, copy join.keys to all nodes then."`
	Use    tokenKeyUse    `cmd:"" help:"Have the key mint that is only accepted, and the other way round."`
	Drop   tokenKeyDrop   `cmd:"" help:"Take out the key that is only accepted: its tokens die, and who came with one is thrown out."`
}

type keyDirectory struct {
	Data string `help:"Data directory of the server." default:"carillon-data" type:"path" placeholder:"DIR"`
}

// show writes the keys after a change.
func (d *keyDirectory) show(w io.Writer, err error) error {
	if err != nil {
		return err
	}
	found, err := identity.JoinKeys(d.Data)
	if err != nil {
		return err
	}
	keys, err := joinKeys(d.Data)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tUSE\tSINCE")
	for i, k := range found {
		use, since := "accepted", "the first start"
		if k.Mints {
			use = "mints"
		}
		if !k.Since.IsZero() {
			since = k.Since.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", keys[i].ID(), use, since)
	}
	return t.Flush()
}

type tokenKeyShow struct {
	keyDirectory `embed:""`
}

// Run shows the keys.
func (c *tokenKeyShow) Run() error { return c.show(os.Stdout, nil) }

type tokenKeyRotate struct {
	keyDirectory `embed:""`
}

// Run makes a new key that mints.
func (c *tokenKeyRotate) Run() error {
	return c.show(os.Stdout, identity.AddJoinKey(c.Data, true, time.Now()))
}

type tokenKeyAdd struct {
	keyDirectory `embed:""`
}

// Run makes a new key that is accepted.
func (c *tokenKeyAdd) Run() error {
	return c.show(os.Stdout, identity.AddJoinKey(c.Data, false, time.Now()))
}

type tokenKeyUse struct {
	keyDirectory `embed:""`
}

// Run has the other key mint.
func (c *tokenKeyUse) Run() error { return c.show(os.Stdout, identity.UseJoinKey(c.Data)) }

type tokenKeyDrop struct {
	keyDirectory `embed:""`
}

// Run takes out the key that does not mint.
func (c *tokenKeyDrop) Run() error { return c.show(os.Stdout, identity.DropJoinKey(c.Data)) }

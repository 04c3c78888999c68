package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/operators"
)

// reloadEvery is how often the files of certificate and keys are looked at. Who
// renews a certificate or takes a key away need not restart.
const reloadEvery = 2 * time.Second

// certificates holds the certificate in use.
type certificates struct {
	current atomic.Pointer[tls.Certificate]
}

// config returns the settings of a TLS port, nil without a certificate.
func (c *certificates) config() *tls.Config {
	if c.current.Load() == nil {
		return nil
	}
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
		MinVersion:     tls.VersionTLS12,
	}
}

// reloaded is what is read again when one of its files changes.
type reloaded struct {
	what  string
	files []string
	load  func() error // a failure leaves what was in use
	seen  []stamp

	mu    sync.Mutex
	read  time.Time // when it was taken last; zero: at the start
	fault error     // why the files, as they are, were not taken
}

// state tells how the last reading went.
func (r *reloaded) state() (read time.Time, fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read, r.fault
}

// took remembers how a reading went.
func (r *reloaded) took(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault = err; err == nil {
		r.read = time.Now()
	}
}

// stamp tells one content of a file from the next.
type stamp struct {
	modified time.Time
	size     int64
}

func (r *reloaded) stamps() []stamp {
	stamps := make([]stamp, len(r.files))
	for i, file := range r.files {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}

// regular refuses what cannot be read to its end at once: with a pipe in place of
// a file, reading would wait for ever, and so would the server's stop.
func (r *reloaded) regular() error {
	for _, file := range r.files {
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", file)
		}
	}
	return nil
}

// watchFiles reads the files of certificate and keys again when they change.
// They are taken for those that were read at the start.
func (s *server) watchFiles(ctx context.Context) error {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, r := range s.watching {
			s.reload(r)
		}
	}
}

func (s *server) watched() (list []*reloaded) {
	if s.cfg.TLSCert != "" {
		list = append(list, &reloaded{what: "certificate", files: []string{s.cfg.TLSCert, s.cfg.TLSKey}, load: s.loadCertificate})
	}
	if file := s.cfg.Credentials.KeyFile; file != "" {
		list = append(list, &reloaded{what: "key file", files: []string{file}, load: s.loadKeys})
	}
	if file := s.cfg.Pages.OperatorsFile; file != "" {
		list = append(list, &reloaded{what: "operators file", files: []string{file}, load: s.loadOperators})
	}
	if file := s.cfg.Cluster.NATSCA; file != "" { // which every connection reads by itself: here it is only checked
		list = append(list, &reloaded{what: "authorities of NATS", files: []string{file}, load: storeConfig(s.cfg).CheckCA})
	}
	for _, t := range s.trusts() {
		list = append(list, &reloaded{what: "authorities of the " + t.of, files: []string{t.file}, load: t.load})
	}
	list = append(list, &reloaded{what: "keys of join tokens", files: []string{filepath.Join(s.cfg.Data, identity.JoinKeysFile)}, load: s.takeJoinKeys})
	for _, r := range list {
		r.seen = r.stamps()
	}
	return list
}

// trusts are those whose authorities stand in a file.
func (s *server) trusts() []*trust {
	return slices.Concat(s.ways.trusts, s.prepared.trusts)
}

func (s *server) loadCertificate() error {
	pair, err := certificate(s.cfg.TLSCert, s.cfg.TLSKey)
	if err == nil {
		s.certificates.current.Store(pair)
	}
	return err
}

func (s *server) loadKeys() error {
	keys, err := sigv4.LoadKeys(s.cfg.Credentials.KeyFile, actions())
	if err == nil {
		s.verifier.SetKeys(keys)
		s.keepUsed(keys)
	}
	return err
}

// loadOperators also ends what those do who are operators no more.
func (s *server) loadOperators() error {
	list, err := operators.Load(s.cfg.Pages.OperatorsFile)
	if err != nil {
		return err
	}
	s.roster.SetList(list)
	if s.console != nil {
		s.console.OperatorsChanged()
	}
	return nil
}

// reload reads what has changed. Where two files belong together, the second is
// often not there yet: then the next change is waited for.
func (s *server) reload(r *reloaded) {
	now := r.stamps()
	changed := false
	for i := range now {
		changed = changed || !now[i].modified.Equal(r.seen[i].modified) || now[i].size != r.seen[i].size
	}
	if !changed {
		return
	}
	r.seen = now
	err := r.regular()
	if err == nil {
		err = r.load()
	}
	r.took(err)
	s.noteReload(r.what, err)
	if errors.Is(err, os.ErrNotExist) {
		s.log.Warn("a file is gone; what was read from it stays in use", "what", r.what, "err", err)
	} else if err != nil {
		s.log.Error("read again and not taken; what was read before stays in use", "what", r.what, "err", err)
	} else {
		s.log.Info("read again, in use from now on", "what", r.what)
	}
}

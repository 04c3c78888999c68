package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// openData takes the data directory for this process and reads who it is. In
// this order: two first starts at once would make two identities, and one of
// them would serve with secrets that the disk does not have.
func (s *server) openData() (err error) {
	if s.lock, err = durable.Lock(s.cfg.Data); err != nil {
		return err
	}
	records, err := ledger.Exists(ledgerDir(s.cfg))
	if err != nil {
		return err
	}
	if s.id, err = identity.Load(s.cfg.Data, records, s.secret); err != nil || s.secret == nil {
		return err
	}
	s.member = new(member)
	s.member.tls, err = cluster.TLS(s.secret, s.cfg.Cluster.Node)
	return err
}

func ledgerDir(cfg *config.Serve) string { return filepath.Join(cfg.Data, "ledger") }

// dataFolders are the folders in a data directory that a server writes to.
func dataFolders(dir string) (folders []string) {
	for _, name := range []string{"ledger", "history", "audit", "capture"} {
		folders = append(folders, filepath.Join(dir, name))
	}
	return folders
}

// ledgerConfig is how the ledger is run.
func (s *server) ledgerConfig() ledger.Config {
	cfg := storeConfig(s.cfg)
	if cfg.Cluster != nil {
		cfg.Cluster.TLS = s.member.tls
	}
	cfg.KeyCheck, cfg.MaxAge, cfg.Needed = s.keyCheck, s.ledgerAge(), s.needed
	cfg.Logger = s.log.With("part", "ledger")
	return cfg
}

// storeConfig is what the configuration says about the ledger.
func storeConfig(c *config.Serve) ledger.Config {
	cfg := ledger.Config{
		Dir:        ledgerDir(c),
		Node:       c.Cluster.Node,
		AcceptLoss: c.AcceptLoss,
		MaxBytes:   int64(c.Limits.StorageMiB) << 20,
		ShelfAge:   c.Events.DeadAge,
		ShelfBytes: int64(c.Events.DeadMiB) << 20,
		KeptAge:    c.History.Age,
		KeptBytes:  int64(c.History.MiB) << 20,
	}
	switch n := c.Cluster; {
	case n.NATSURL != "":
		cfg.URL, cfg.Credentials, cfg.CA, cfg.Replicas = n.NATSURL, n.NATSCreds, n.NATSCA, n.NATSReplicas
	case n.On():
		cfg.Cluster = &ledger.Cluster{Listen: n.Listen, Peers: n.Peers}
	}
	return cfg
}

// keyCheck stands for the key of join tokens, of which it tells nothing.
func keyCheck(key jointoken.Key) string {
	check := key.Derive("check value")
	return hex.EncodeToString(check[:8])
}

// explainStore says what to do when the ledger is not this server's.
func explainStore(cfg *config.Serve, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrForeignKey) && cfg.Cluster.On():
		return fmt.Errorf("%s is not that of the cluster: give all nodes the same --cluster-secret-file and, where there is one, the same %s: %w",
			identity.TokenKeyFile, identity.TokenKeyFile, err)
	case errors.Is(err, ledger.ErrForeignKey):
		return fmt.Errorf("%s does not fit the data directory: %w", identity.TokenKeyFile, err)
	}
	return fmt.Errorf("ledger: %w", explainDamage(err))
}

func (s *server) openLedger(ctx context.Context) error {
	key, err := jointoken.NewKey(s.id.TokenKey)
	if err != nil {
		return err
	}
	s.keyCheck = keyCheck(key)
	s.notifier = s.newNotifier()
	log, err := ledger.Open(ctx, s.ledgerConfig())
	if err != nil {
		return explainStore(s.cfg, err)
	}
	s.ledger = log
	if s.joinKeys, err = s.loadJoinKeys(); err != nil {
		return err
	}
	cfg := control.Config{
		Limits:              limits(s.cfg),
		Quotas:              map[string]int{demoAccount: s.cfg.Limits.DemoMeetings},
		Idle:                s.cfg.Timers.Idle,
		MaxAge:              s.cfg.Timers.MaxAge,
		Tombstone:           s.cfg.Timers.Tombstone,
		Dropped:             s.cfg.Timers.Dropped,
		Pipelines:           s.cfg.Limits.Pipelines,
		Composing:           s.cfg.Recording.MaxComposed,
		CacheBytes:          int64(s.cfg.Limits.CacheMiB) << 20,
		AcceptLoss:          s.cfg.AcceptLoss,
		TranscriptionEngine: s.cfg.Transcription.On(),
		Transcribed:         s.cfg.Transcription.MaxMeetings,
		JoinKeys:            s.joinKeys,
		Lost:                s.lostSlot,
		Ended:               func(m observe.Meeting) { s.archiver.Ended(m) }, // which is there when slots are adopted
		Unreached:           s.ways.services.Unreached,
		Elsewhere:           s.elsewhere,
		Logger:              s.log.With("part", "control"),
	}
	cfg.OtherPipelines = s.otherPipelines
	written := s.test.onControl(&cfg, s.slotsOf(log))
	s.control = control.New(cfg, written, key)
	return nil
}

// openArchive opens what is kept of ended meetings.
func (s *server) openArchive(context.Context) (err error) {
	log := s.log.With("part", "history")
	bounds := history.Bounds{Age: s.cfg.History.Age, Bytes: int64(s.cfg.History.MiB) << 20}
	if s.archive, err = history.OpenArchive(filepath.Join(s.cfg.Data, "history"), bounds, nil, log); err != nil {
		return err
	}
	s.kept = s.shelf()
	s.archiver = history.NewArchiver(history.ArchiverConfig{
		Archive: s.kept, Directory: s.control, Live: s.signal, Open: s.signal.Open, Room: s.roomy, Logger: log,
	})
	return nil
}

// roomy tells whether the disk has room for what need not be kept.
func (s *server) roomy() bool {
	room, err := s.ledger.Space()
	return err == nil && room.Free > 2*room.MinFree
}

// adopt begins to serve the meetings in the ledger. In a cluster slots come by
// the assignment.
func (s *server) adopt(ctx context.Context) error {
	if s.member != nil {
		return nil
	}
	if err := s.control.AdoptAll(ctx); err != nil {
		return explainDamage(err)
	}
	// Reading leaves as much behind as it keeps. By itself that would go back
	// to the system over minutes.
	s.background(func() error { debug.FreeOSMemory(); return nil })
	return nil
}

// explainDamage says what to do when records are damaged.
func explainDamage(err error) error {
	for _, damage := range []error{ledger.ErrDamaged, meeting.ErrCorrupt, meeting.ErrOrder} {
		if errors.Is(err, damage) {
			return fmt.Errorf("%w. Restore the data directory from a backup; or start once with --accept-loss: it goes on "+
				"without what is lost, and people who were removed from a meeting may then be let in again", err)
		}
	}
	return err
}

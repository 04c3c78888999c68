package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

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
	records, err := ledger.Exists(s.ledgerDir())
	if err != nil {
		return err
	}
	s.id, err = identity.Load(s.cfg.Data, records)
	return err
}

func (s *server) ledgerDir() string { return filepath.Join(s.cfg.Data, "ledger") }

func (s *server) openLedger(ctx context.Context) error {
	key, err := jointoken.NewKey(s.id.TokenKey)
	if err != nil {
		return err
	}
	check := key.Derive("check value")
	s.notifier = s.newNotifier()
	log, err := ledger.Open(ctx, ledger.Config{
		Dir:        s.ledgerDir(),
		KeyCheck:   hex.EncodeToString(check[:8]),
		AcceptLoss: s.cfg.AcceptLoss,
		MaxBytes:   int64(s.cfg.Limits.StorageMiB) << 20,
		MaxAge:     s.ledgerAge(),
		ShelfAge:   s.cfg.Events.DeadAge,
		ShelfBytes: int64(s.cfg.Events.DeadMiB) << 20,
		Needed:     s.needed(),
		Logger:     s.log.With("part", "ledger"),
	})
	if errors.Is(err, ledger.ErrForeignKey) {
		return fmt.Errorf("%s does not fit the data directory: %w", identity.TokenKeyFile, err)
	}
	if err != nil {
		return fmt.Errorf("ledger: %w", explainDamage(err))
	}
	s.ledger = log
	cfg := control.Config{
		Limits:     limits(s.cfg),
		Quotas:     map[string]int{demoAccount: s.cfg.Limits.DemoMeetings},
		Idle:       s.cfg.Timers.Idle,
		MaxAge:     s.cfg.Timers.MaxAge,
		Tombstone:  s.cfg.Timers.Tombstone,
		Dropped:    s.cfg.Timers.Dropped,
		CacheBytes: int64(s.cfg.Limits.CacheMiB) << 20,
		AcceptLoss: s.cfg.AcceptLoss,
		Lost:       s.lostSlot,
		Ended:      func(m observe.Meeting) { s.archiver.Ended(m) }, // which is there when slots are adopted
		Unreached:  s.ways.services.Unreached,
		Logger:     s.log.With("part", "control"),
	}
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
	s.archiver = history.NewArchiver(history.ArchiverConfig{
		Archive: s.archive, Directory: s.control, Live: s.signal, Open: s.signal.Open, Room: s.roomy, Logger: log,
	})
	return nil
}

// roomy tells whether the disk has room for what need not be kept.
func (s *server) roomy() bool {
	room, err := s.ledger.Space()
	return err == nil && room.Free > 2*room.MinFree
}

// adopt begins to serve the meetings in the ledger.
func (s *server) adopt(ctx context.Context) error { return explainDamage(s.control.AdoptAll(ctx)) }

// lostSlot ends the process. Alone, a slot is lost only when somebody else has
// written into the data directory's streams, which the lock should have kept out.
func (s *server) lostSlot(slot int) {
	select {
	case s.failures <- fmt.Errorf("the ledger does not know this process as the owner of slot %d any more", slot):
	default: // it ends already
	}
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

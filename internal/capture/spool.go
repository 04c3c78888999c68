package capture

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Piece is one object of a recording.
type Piece struct {
	Key    string    `json:"key"`    // in the bucket
	Stream string    `json:"stream"` // that it is part of: a folder, and the attendee of a video
	File   string    `json:"file"`   // in the spool
	Type   string    `json:"type"`   // as of HTTP
	Size   int64     `json:"size"`   // bytes
	SHA256 string    `json:"sha256"` // of the content, in hexadecimal
	Start  time.Time `json:"start"`
	Millis int64     `json:"ms"` // duration
	Codec  string    `json:"codec,omitempty"`
	Gap    int64     `json:"gap,omitempty"`   // ms of it for which pictures were lost
	First  bool      `json:"first,omitempty"` // it says that the recording has begun
	Last   bool      `json:"last,omitempty"`  // it says that the recording has ended
}

// origin says what a spool is of: as much as is needed to store its pieces, by
// whoever finds them.
type origin struct {
	Pipeline   meeting.ID `json:"pipeline"`
	Meeting    meeting.ID `json:"meeting"`
	Bucket     string     `json:"bucket"`
	KMSKey     string     `json:"kmsKey,omitempty"`
	KMSContext string     `json:"kmsContext,omitempty"`
}

// originOf returns that of a pipeline's spool.
func originOf(p *meeting.Pipeline) *origin {
	s := &p.Settings
	return &origin{p.ID, p.Meeting, s.Bucket, s.KMSKey, s.KMSContext}
}

// line is one line of a journal.
type line struct {
	Of     *origin `json:"of,omitempty"`     // what the spool is of; the first line
	Piece  *Piece  `json:"piece,omitempty"`  // it is in the spool
	Stored string  `json:"stored,omitempty"` // the file of a piece that the sink has
}

const journalName = "journal"

// spool is what a pipeline has recorded, on the local disk: a journal that lists
// all pieces, and the files of those that are not stored elsewhere yet. Safe for
// concurrent use.
type spool struct {
	dir string
	of  *origin // nil of one that an older version made
	new bool    // nothing was there before

	mu      sync.Mutex
	journal *os.File
	pieces  []Piece
	pending []Piece // of these, those that are not stored, in their order
	next    int     // number of the next file
	room    *budget // shared by all spools
	wake    chan struct{}
}

// openSpool opens a pipeline's spool, or makes an empty one. What a crash left
// half written is dropped: the journal says what counts.
// of is written down where the journal does not say it; nil leaves it open.
func openSpool(dir string, room *budget, of *origin) (*spool, error) {
	_, err := os.Stat(filepath.Join(dir, journalName))
	s := &spool{dir: dir, room: room, wake: make(chan struct{}, 1), new: errors.Is(err, fs.ErrNotExist)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	whole, err := s.load()
	if err != nil {
		return nil, err
	}
	s.journal, err = os.OpenFile(filepath.Join(dir, journalName), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if err = s.journal.Truncate(whole); err == nil {
		_, err = s.journal.Seek(whole, 0)
	}
	if err == nil && s.of == nil && of != nil {
		s.of, err = of, s.noteLocked(line{Of: of})
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), s.journal.Close())
	}
	s.dropStrays()
	for _, p := range s.pending {
		room.hold(s, p.Size)
	}
	return s, nil
}

// load reads the journal and returns how many of its bytes are whole lines.
func (s *spool) load() (whole int64, err error) {
	j, err := readJournal(s.dir)
	if err != nil {
		return 0, err
	}
	s.of, s.pieces = j.of, j.pieces
	for _, p := range j.pieces {
		if n, err := strconv.Atoi(p.File); err == nil {
			s.next = max(s.next, n+1)
		}
		if _, err := os.Stat(filepath.Join(s.dir, p.File)); !j.stored[p.File] && !errors.Is(err, fs.ErrNotExist) {
			s.pending = append(s.pending, p)
		}
	}
	return j.whole, nil
}

// journal is what a spool's journal says.
type journal struct {
	of     *origin
	pieces []Piece
	stored map[string]bool // files of pieces that the sink has
	whole  int64           // its length, without a line that was cut short
}

// there returns the pieces that the sink has, in their order.
func (j *journal) there() (list []Piece) {
	for _, p := range j.pieces {
		if j.stored[p.File] {
			list = append(list, p)
		}
	}
	return list
}

// readJournal reads the journal in a directory. No journal is an empty one.
func readJournal(dir string) (*journal, error) {
	content, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("spool: %w", err)
	}
	j := &journal{stored: make(map[string]bool)}
	for text := range bytes.Lines(content) {
		var l line
		if !bytes.HasSuffix(text, []byte("\n")) {
			break // a crash cut it short: nobody was told of it
		}
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("spool: journal of %s, byte %d: %w", filepath.Base(dir), j.whole, err)
		}
		j.whole += int64(len(text))
		if l.Of != nil {
			j.of = l.Of
		}
		if l.Piece != nil {
			j.pieces = append(j.pieces, *l.Piece)
		}
		if l.Stored != "" {
			j.stored[l.Stored] = true
		}
	}
	return j, nil
}

// writeJournal makes the journal of pieces that are all stored.
func writeJournal(dir string, stored []Piece) error {
	var text bytes.Buffer
	to := json.NewEncoder(&text)
	for i := range stored {
		if err := errors.Join(to.Encode(line{Piece: &stored[i]}), to.Encode(line{Stored: stored[i].File})); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	if err := durable.WriteFile(filepath.Join(dir, journalName), text.Bytes()); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// dropStrays removes files that no pending piece has: of a piece that a crash
// kept out of the journal, or that was stored just before.
func (s *spool) dropStrays() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		mine := func(p Piece) bool { return p.File == e.Name() }
		if e.Name() != journalName && !slices.ContainsFunc(s.pending, mine) {
			_ = os.Remove(filepath.Join(s.dir, e.Name())) // it is only room on the disk
		}
	}
}

// add puts a piece into the spool. When it returns nil, the piece is on the disk.
// Key, Stream, Type, Start, Millis and Codec are the caller's.
func (s *spool) add(p Piece, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(content)
	p.File, p.Size, p.SHA256 = strconv.Itoa(s.next), int64(len(content)), hex.EncodeToString(sum[:])
	s.next++
	if err := s.room.take(s, p.Size); err != nil {
		return err
	}
	if err := s.storeLocked(p, content); err != nil {
		s.room.give(s, p.Size)
		return err
	}
	s.pieces, s.pending = append(s.pieces, p), append(s.pending, p)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// storeLocked writes a piece's file and its line.
func (s *spool) storeLocked(p Piece, content []byte) error {
	if err := durable.WriteFile(filepath.Join(s.dir, p.File), content); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return s.noteLocked(line{Piece: &p})
}

// noteLocked appends a line to the journal and waits for the disk.
func (s *spool) noteLocked(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	end, err := s.journal.Seek(0, 1)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if _, err = s.journal.Write(append(text, '\n')); err == nil {
		err = s.journal.Sync()
	}
	if err != nil {
		// Half a line would make the next one unreadable.
		_, seek := s.journal.Seek(end, 0)
		return fmt.Errorf("spool: %w", errors.Join(err, s.journal.Truncate(end), seek))
	}
	return nil
}

// stored notes that the sink has a piece, and lets go of its file. On a disk that
// is full that comes first: load takes a piece without its file for stored.
func (s *spool) stored(p Piece) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.dir, p.File)
	if err := s.noteLocked(line{Stored: p.File}); err != nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("spool: %w", err)
		}
		if err := s.noteLocked(line{Stored: p.File}); err != nil {
			return err
		}
	}
	s.pending = slices.DeleteFunc(s.pending, func(q Piece) bool { return q.File == p.File })
	s.room.give(s, p.Size)
	s.room.pieces.Add(1)
	s.room.bytes.Add(uint64(p.Size))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// waiting returns the pieces that are not stored, in their order.
func (s *spool) waiting() []Piece {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending)
}

// all returns every piece of the recording, in the order in which they were made.
func (s *spool) all() []Piece {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pieces)
}

// content returns a pending piece's bytes.
func (s *spool) content(p Piece) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, p.File))
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("spool: file %s is not what was written", p.File)
	}
	return content, nil
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room.forget(s)
	return s.journal.Close()
}

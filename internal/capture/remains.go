package capture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// remains says which objects of a pipeline a crash may have left half stored. A
// sink shows them to nobody and keeps them for ever, so a pipeline is not over
// before they are abandoned, or it is written down that they have to be.
type remains struct {
	Bucket string   `json:"bucket"`
	Prefix string   `json:"prefix"`         // of all keys
	Mark   string   `json:"mark,omitempty"` // keys with this in them are the pipeline's
	Keys   []string `json:"keys,omitempty"` // and these
}

// remainsOfJoin are those of a concatenation.
func remainsOfJoin(p *meeting.Pipeline) remains {
	id := p.ID.String()
	return remains{Bucket: p.Settings.Bucket, Prefix: cmp.Or(p.Settings.Prefix, id) + "/", Mark: "/" + id}
}

// remainsOf are those of a spool: pieces large enough to be stored in parts, and
// those that never were stored.
func remainsOf(s *spool) remains {
	r := remains{}
	if s.of == nil {
		return r
	}
	r.Bucket = s.of.Bucket
	for _, p := range append(slices.DeleteFunc(s.all(), func(p Piece) bool { return p.Size <= partSize }), s.waiting()...) {
		if len(r.Keys) == 0 {
			folder, _, _ := strings.Cut(p.Stream, "/")
			r.Prefix = p.Key[:strings.LastIndex(p.Key, folder+"/")]
		}
		r.Keys = append(r.Keys, p.Key)
	}
	return r
}

func (r *remains) none() bool { return r.Mark == "" && len(r.Keys) == 0 }

func (r *remains) has(key string) bool {
	return r.Mark != "" && strings.Contains(key, r.Mark) || slices.Contains(r.Keys, key)
}

const (
	remainsSuffix = ".remains"       // of the file beside a pipeline's spool
	abandonWithin = 15 * time.Second // for a sink to abandon what is left
	lastAbandon   = time.Hour        // at most between two attempts
)

// abandon has the sink abandon what is left of a pipeline's objects. When it
// cannot, that is written down, and tried again and again, also after a restart.
func (s *Service) abandon(ctx context.Context, id meeting.ID, r remains) {
	if r.none() || s.cfg.Sink == nil {
		return
	}
	err := s.tryAbandon(ctx, r)
	if err == nil || ctx.Err() != nil { // then the pipeline is carried out again
		return
	}
	s.cfg.Logger.Warn("what is left of interrupted uploads cannot be removed; will try again", "pipeline", id, "err", err)
	path := filepath.Join(s.cfg.Dir, id.String()+remainsSuffix)
	text, err := json.Marshal(r)
	if err == nil {
		err = durable.WriteFile(path, text)
	}
	if err != nil {
		s.cfg.Logger.Error("a restart will not know of interrupted uploads", "pipeline", id, "err", err)
	}
	s.abandonLater(path, r)
}

func (s *Service) tryAbandon(ctx context.Context, r remains) error {
	ctx, cancel := context.WithTimeout(ctx, abandonWithin)
	defer cancel()
	return s.cfg.Sink.Abandon(ctx, r.Bucket, r.Prefix, r.has)
}

// abandonLater does it in the background, and removes the file that says that it is
// to be done.
func (s *Service) abandonLater(path string, r remains) {
	s.tasks.Go(func() {
		for wait := firstRetry; ; wait = min(2*wait, lastAbandon) {
			select {
			case <-time.After(wait):
			case <-s.ctx.Done():
				return
			}
			if s.tryAbandon(s.ctx, r) != nil {
				continue
			}
			if err := os.Remove(path); err != nil {
				s.cfg.Logger.Warn("interrupted uploads are removed, and will be looked for again", "err", err)
			}
			return
		}
	})
}

// abandonLeft goes on with what the process before this one could not remove.
func (s *Service) abandonLeft() {
	if s.cfg.Sink == nil {
		return
	}
	paths, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*"+remainsSuffix))
	for _, path := range paths {
		var r remains
		text, failed := os.ReadFile(path)
		if failed == nil {
			failed = json.Unmarshal(text, &r)
		}
		if err = errors.Join(err, failed); failed == nil {
			s.abandonLater(path, r)
		}
	}
	if err != nil {
		s.cfg.Logger.Warn("which interrupted uploads are left cannot be read", "err", err)
	}
}

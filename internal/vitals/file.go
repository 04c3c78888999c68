package vitals

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// FileName is what the file with the last day is called in the data directory.
const FileName = "vitals.json"

// save writes the last day down. Without it nothing but a memory is lost, so
// that a failure is told and ends nothing.
func (k *Keeper) save() {
	if k.cfg.File == "" {
		return
	}
	text, err := json.Marshal(k.Vitals(true))
	if err == nil {
		err = durable.WriteFile(k.cfg.File, text)
	}
	if err != nil {
		k.cfg.Logger.Warn("how this node fares is not written down", "err", err)
	}
}

// load reads what was written down, as far as it is of the day before now.
func (k *Keeper) load(now time.Time) error {
	if k.cfg.File == "" {
		return nil
	}
	text, err := os.ReadFile(k.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var all observe.Vitals
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", k.cfg.File, err)
	}
	k.coarse.take(during(all, now.Add(-24*time.Hour), now))
	return nil
}

// during returns what is of a time, in the order in which it was.
func during(v observe.Vitals, from, to time.Time) observe.Vitals {
	kept := observe.Vitals{Columns: make(map[string][]observe.Measure, len(v.Columns))}
	for i, at := range v.At {
		last := len(kept.At) - 1
		if at.Before(from) || at.After(to) || last >= 0 && !at.After(kept.At[last].Time) {
			continue
		}
		kept.At = append(kept.At, at)
		for name, column := range v.Columns {
			value := unknown()
			if i < len(column) {
				value = column[i]
			}
			kept.Columns[name] = append(kept.Columns[name], value)
		}
	}
	return kept
}

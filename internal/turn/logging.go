package turn

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// logFactory passes Pion's log on. Everything below an error concerns one
// client and is of interest only when looking for that client's trouble.
type logFactory struct{ logger *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (f logFactory) NewLogger(scope string) logging.LeveledLogger {
	return logAdapter{f.logger.With("scope", scope)}
}

type logAdapter struct{ logger *slog.Logger }

func (l logAdapter) Trace(string)              {}
func (l logAdapter) Tracef(string, ...any)     {}
func (l logAdapter) Debug(string)              {}
func (l logAdapter) Debugf(string, ...any)     {}
func (l logAdapter) Info(msg string)           { l.logger.Debug(msg) }
func (l logAdapter) Infof(f string, a ...any)  { l.logger.Debug(fmt.Sprintf(f, a...)) }
func (l logAdapter) Warn(msg string)           { l.logger.Debug(msg) }
func (l logAdapter) Warnf(f string, a ...any)  { l.logger.Debug(fmt.Sprintf(f, a...)) }
func (l logAdapter) Error(msg string)          { l.logger.Warn(msg) }
func (l logAdapter) Errorf(f string, a ...any) { l.logger.Warn(fmt.Sprintf(f, a...)) }

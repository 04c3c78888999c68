package main

import (
	"fmt"
	"log/slog"
	"syscall"

	"github.com/carillon-meetings/carillon/internal/config"
)

// room is how many connections may be open at once.
type room struct {
	connections, perAddress, sockets int
	relays                           int // of the TURN server; 0 without one
	files                            int // that the process may have open; 0: not known
}

// Descriptors that are not connections of the HTTP port.
const (
	keptFiles   = 100 // the ledger's blocks, the media sockets, listeners, logs
	leastServed = 64  // connections below which there is no point in serving
	relayFiles  = 2   // of one relay: its socket, and the client's connection
)

// wantedRelays is how many clients the TURN server relays for at once.
const wantedRelays = 8192

func wantedRoom(cfg *config.Serve) room {
	wanted := room{connections: cfg.Limits.Connections, perAddress: cfg.Limits.PerAddress, sockets: cfg.Limits.SignalingSockets}
	if t := cfg.Turn; t.UDP != "" || t.TCP != "" || t.TLS != "" {
		wanted.relays = wantedRelays
	}
	return wanted
}

// openFiles is how many descriptors the process may have; 0 when that is not
// known. Go has raised it to what the system allows.
func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<31-1))
}

// fitFiles returns how many connections fit into the descriptors that there
// are, when fewer than wanted: a quarter of them for HTTP, a quarter for the TURN
// server if there is one, the rest for signaling. Running out of descriptors would keep the ledger from opening its
// files. No single address gets more than half of the HTTP connections then.
func fitFiles(files int, wanted room) (room, error) {
	wanted.files = files
	free := files - keptFiles
	switch {
	case files == 0 || wanted.connections+wanted.sockets+relayFiles*wanted.relays <= free:
		return wanted, nil
	case free < leastServed:
		return wanted, fmt.Errorf("the process may open %d files; %d are needed to serve anything: raise the limit (ulimit -n, LimitNOFILE)", files, keptFiles+leastServed)
	}
	fitting := wanted
	fitting.connections = min(wanted.connections, free/4)
	fitting.relays = min(wanted.relays, free/4/relayFiles)
	fitting.sockets = min(wanted.sockets, free-fitting.connections-relayFiles*fitting.relays)
	fitting.perAddress = min(wanted.perAddress, fitting.connections/2)
	return fitting, nil
}

// tellRoom warns when less fits than was wanted.
func tellRoom(log *slog.Logger, wanted, fitting room) {
	wanted.files = fitting.files
	if fitting == wanted {
		return
	}
	log.Warn("the limit of open files is too low for the connections that are configured: fewer are served. "+
		"Raise it (ulimit -n, LimitNOFILE), or lower --limit-connections and --limit-signaling-sockets",
		"files", fitting.files, "connections", fitting.connections, "per_address", fitting.perAddress, "signaling_sockets", fitting.sockets, "turn_relays", fitting.relays)
}

package signal

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// closing is the payload of a close frame.
func closing(code int, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// unmasked is a frame as only a server may send it.
func unmasked(first byte, payload []byte) []byte {
	return append([]byte{first, byte(len(payload))}, payload...)
}

// TestBrokenFramesAreClosedAsTheProtocolHasIt: what RFC 6455 forbids ends the
// connection with the code that it has for that, whoever sends it and whenever.
func TestBrokenFramesAreClosedAsTheProtocolHasIt(t *testing.T) {
	const protocol, payload = 1002, 1007
	long := frameBytes(opPing|final, nil)
	long[1] = masked | length64
	long = slices.Insert(long, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	for name, c := range map[string]struct {
		sent []byte
		code int
	}{
		"unmasked message":         {unmasked(opBinary|final, []byte{wire.Prefix}), protocol},
		"unmasked ping":            {unmasked(opPing|final, nil), protocol},
		"unmasked close":           {unmasked(opClose|final, closing(1000, "")), protocol},
		"unmasked piece":           {append(frameBytes(opBinary, []byte{wire.Prefix}), unmasked(opPiece|final, nil)...), protocol},
		"first reserved bit":       {frameBytes(opBinary|final|0x40, nil), protocol},
		"second reserved bit":      {frameBytes(opBinary|final|0x20, nil), protocol},
		"third reserved bit":       {frameBytes(opPing|final|0x10, nil), protocol},
		"unknown message":          {frameBytes(3|final, nil), protocol},
		"unknown control frame":    {frameBytes(0xb|final, nil), protocol},
		"ping in pieces":           {frameBytes(opPing, nil), protocol},
		"close in pieces":          {frameBytes(opClose, closing(1000, "")), protocol},
		"large ping":               {frameBytes(opPing|final, make([]byte, 126)), protocol},
		"large close":              {frameBytes(opClose|final, closing(1000, strings.Repeat("x", 124))), protocol},
		"more than there is":       {long, protocol},
		"piece of nothing":         {frameBytes(opPiece|final, nil), protocol},
		"message within another":   {append(frameBytes(opBinary, []byte{wire.Prefix}), frameBytes(opBinary|final, nil)...), protocol},
		"half a close code":        {frameBytes(opClose|final, []byte{3}), protocol},
		"close code 999":           {frameBytes(opClose|final, closing(999, "")), protocol},
		"close code 1004":          {frameBytes(opClose|final, closing(1004, "")), protocol},
		"close code 1005":          {frameBytes(opClose|final, closing(1005, "")), protocol},
		"close code 1006":          {frameBytes(opClose|final, closing(1006, "")), protocol},
		"close code 1015":          {frameBytes(opClose|final, closing(1015, "")), protocol},
		"close code 5000":          {frameBytes(opClose|final, closing(5000, "")), protocol},
		"text that is none":        {frameBytes(opText|final, []byte("a\xff")), payload},
		"text that is none, later": {append(frameBytes(opText, []byte("a\xe2\x82")), frameBytes(opPiece|final, []byte("a"))...), payload},
		"text in pieces":           {append(append(frameBytes(opText, []byte("\xe2\x82")), frameBytes(opPiece|final, []byte("\xac"))...), frameBytes(opClose|final, closing(4321, ""))...), 4321},
		"a good end":               {frameBytes(opClose|final, closing(1000, "bye")), 1000},
	} {
		for _, good := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "", false: ", with a bad token"}[good], func(t *testing.T) {
				t.Parallel()
				v := newEnv(t, func(c *Config) {
					c.Timers.Farewell, c.Timers.KeepAlive, c.Timers.Close = time.Minute, time.Minute, time.Second
				})
				p := v.meet("ada")
				token := p.token("ada")
				if !good {
					token = strings.ToLower(token)
				}
				conn, r := rawSocket(t, v, p.id, token)
				write(t, conn, c.sent)
				if code, _ := readToClose(t, r); code != c.code {
					t.Errorf("closed with %d, want %d", code, c.code)
				}
			})
		}
	}
}

package turn

import (
	"bufio"
	"bytes"
	"testing"
)

// Whatever comes over TCP is read as messages of the length that they say, or ends
// the connection.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	f.Add([]byte{0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0x40, 0, 0, 0})
	f.Add([]byte{0x80, 0, 0, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		in := bufio.NewReader(bytes.NewReader(stream))
		message := make([]byte, maxFrame)
		read := 0
		for {
			n, err := readFrame(in, message)
			if err != nil {
				return
			}
			if n < channelHeader || n%channelPadding != 0 && message[0]>>6 == 1 || !bytes.Equal(message[:n], stream[read:read+n]) {
				t.Fatalf("read % x at %d of % x", message[:n], read, stream)
			}
			read += n
		}
	})
}

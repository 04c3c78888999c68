package netio

import "sync"

// BufferSize is the largest datagram that can be received or sent, in bytes.
// It leaves room above the usual 1500 bytes of a network.
const BufferSize = 2048

// Buffer holds one outgoing datagram: B[:N].
type Buffer struct {
	B [BufferSize]byte
	N int

	to *Sender // where it is queued for
}

// Bytes is the datagram in the buffer.
func (b *Buffer) Bytes() []byte { return b.B[:b.N] }

// Release gives the buffer back when it is not sent after all.
func (b *Buffer) Release() { buffers.Put(b) }

// buffers recycles; it holds no state that anybody could observe.
var buffers = sync.Pool{New: func() any { return new(Buffer) }}

// Get takes a buffer; its contents are undefined and N is 0.
func Get() *Buffer {
	b := buffers.Get().(*Buffer)
	b.N = 0
	return b
}

package compose

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
)

// waitingPictures is how many coded pictures wait for a decoder: a second of a
// camera. When there are more, they are dropped up to a key frame.
const waitingPictures = 30

// shape is the size of raw pictures, and whether they fill it.
type shape struct {
	width, height int
	fill          bool
}

// decoder turns the pictures of one camera into raw ones of one shape.
type decoder struct {
	child *child
	shape shape
	codec mp4.Codec
	in    chan []byte
	quit  chan struct{} // closed by close
	dead  chan struct{} // closed when the child has ended; err says why
	err   error
	tasks sync.WaitGroup
}

// decode starts a decoder. show is handed each picture; it keeps what it was handed
// and returns another one to decode the next into, of the same size.
func decode(ffmpeg string, codec mp4.Codec, s shape, show func(*Picture) *Picture) (*decoder, error) {
	form := "ivf"
	if codec == mp4.H264 {
		form = "h264"
	}
	c, err := start(ffmpeg, false, "-probesize", "32", "-analyzeduration", "0", "-flags", "low_delay", "-threads", "1",
		"-f", form, "-i", "pipe:0", "-vf", s.filter(), "-filter_threads", "1", "-an", "-fps_mode", "passthrough",
		"-flush_packets", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
	if err != nil {
		return nil, err
	}
	d := &decoder{child: c, shape: s, codec: codec, in: make(chan []byte, waitingPictures), quit: make(chan struct{}), dead: make(chan struct{})}
	d.tasks.Go(d.feed)
	d.tasks.Go(func() {
		d.read(show)
		d.err = c.stop(false)
		close(d.dead)
	})
	return d, nil
}

// filter is what ffmpeg does to a picture so that it has the shape.
func (s shape) filter() string {
	way, rest := "decrease", "pad=%d:%d:-1:-1"
	if s.fill {
		way, rest = "increase", "crop=%d:%d"
	}
	return fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=%s:force_divisible_by=2:flags=bilinear,"+rest+",setsar=1", s.width, s.height, way, s.width, s.height)
}

// put hands over a picture; false when the decoder is too slow for it.
func (d *decoder) put(p *frame.Picture) bool {
	var coded []byte
	if d.codec == mp4.H264 {
		coded = byteStream(p)
	} else {
		coded = ivfFrame(p.Data)
	}
	select {
	case d.in <- coded:
		return true
	default:
		return false
	}
}

// feed writes to the child.
func (d *decoder) feed() {
	if d.codec != mp4.H264 {
		if _, err := d.child.in.Write(ivfHeader(d.codec, d.shape)); err != nil {
			return
		}
	}
	for n := uint64(0); ; n++ {
		select {
		case coded := <-d.in:
			if d.codec != mp4.H264 {
				binary.LittleEndian.PutUint64(coded[4:], n)
			}
			if _, err := d.child.in.Write(coded); err != nil {
				return // it has died: read hears of it too
			}
		case <-d.dead:
			return
		case <-d.quit:
			return
		}
	}
}

// read reads pictures until the child ends.
func (d *decoder) read(show func(*Picture) *Picture) {
	p := newPicture(d.shape.width, d.shape.height)
	for {
		if _, err := io.ReadFull(d.child.out, p.data); err != nil {
			return
		}
		p = show(p)
	}
}

// close ends the decoder. When it returns, nothing is shown any more.
func (d *decoder) close() {
	close(d.quit)
	_ = d.child.stop(true)
	d.tasks.Wait()
}

// startCode stands before every NAL unit of a byte stream (ITU-T H.264 annex B).
const startCode = "\x00\x00\x00\x01"

// byteStream returns a picture of H.264 as a byte stream: a key frame with its
// parameter sets before it, and behind each an access unit delimiter, without which
// two more pictures must come before a decoder takes this one as whole.
func byteStream(p *frame.Picture) []byte {
	b := make([]byte, 0, len(p.Data)+256)
	if p.Key {
		b = appendSets(b, p.Track.Config)
	}
	for rest := p.Data; len(rest) >= 4; {
		n := int(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; n > len(rest) {
			break
		}
		b = append(append(b, startCode...), rest[:n]...)
		rest = rest[n:]
	}
	return append(b, startCode+"\x09\xF0"...)
}

// appendSets appends the parameter sets of an AVCDecoderConfigurationRecord with
// one of each kind, as package frame makes it (ISO/IEC 14496-15 §5.3.3.1).
func appendSets(b, config []byte) []byte {
	const first = 6 // where the length of the first set stands
	for at, kind := first, 0; kind < 2 && at+2 <= len(config); kind++ {
		n := int(binary.BigEndian.Uint16(config[at:]))
		if at += 2; at+n > len(config) {
			break
		}
		b = append(append(b, startCode...), config[at:at+n]...)
		at += n + 1 // and the count of the second kind
	}
	return b
}

// ivfHeader begins a file of pictures of the codec, in the form that libvpx made
// for it: DKIF, version, length, codec, size, ticks a second, of which pictures
// have one each. The size and the times are only hints.
func ivfHeader(codec mp4.Codec, s shape) []byte {
	const version, length, rate = 0, 32, 30
	name := map[mp4.Codec]string{mp4.VP8: "VP80", mp4.VP9: "VP90", mp4.AV1: "AV01"}[codec]
	b := binary.LittleEndian.AppendUint16([]byte("DKIF"), version)
	b = append(binary.LittleEndian.AppendUint16(b, length), name...)
	b = binary.LittleEndian.AppendUint16(b, uint16(s.width))
	b = binary.LittleEndian.AppendUint16(b, uint16(s.height))
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 1)
	return append(b, make([]byte, 8)...) // the number of pictures, which is not known
}

// ivfFrame is a picture behind its length and its time, which feed fills in.
func ivfFrame(data []byte) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 12+len(data)), uint32(len(data)))
	return append(append(b, make([]byte, 8)...), data...)
}

//go:build libopus

package opus

/*
#cgo pkg-config: opus
#include <opus.h>

// The controls of libopus are variadic macros, which cgo cannot call.
static int set_bitrate(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_BITRATE(v)); }
static int set_complexity(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(v)); }
static int set_loss(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(v)); }
static int set_fec(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(v)); }
static int set_signal(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_SIGNAL(v)); }
static int set_independent(OpusEncoder *e, opus_int32 v) { return opus_encoder_ctl(e, OPUS_SET_PREDICTION_DISABLED(v)); }
static int reset_encoder(OpusEncoder *e) { return opus_encoder_ctl(e, OPUS_RESET_STATE); }
static int reset_decoder(OpusDecoder *d) { return opus_decoder_ctl(d, OPUS_RESET_STATE); }
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// cEncoder is libopus' encoder. Its state holds no pointers into itself, so it
// lives in Go memory and needs no finaliser.
type cEncoder struct {
	state []uint64 // 8-byte aligned
	enc   *C.OpusEncoder
	set   tuning
}

func newCEncoder(cfg EncoderConfig) (*cEncoder, error) {
	cfg = cfg.withDefaults()
	e := &cEncoder{state: newState(C.opus_encoder_get_size(C.int(cfg.Channels)))}
	e.enc = (*C.OpusEncoder)(unsafe.Pointer(&e.state[0]))
	if code := C.opus_encoder_init(e.enc, SampleRate, C.int(cfg.Channels), C.OPUS_APPLICATION_AUDIO); code != 0 {
		return nil, fmt.Errorf("new opus encoder: %w", codeError(code))
	}
	if code := C.set_bitrate(e.enc, C.opus_int32(cfg.Bitrate)); code != 0 {
		return nil, fmt.Errorf("opus bitrate %d: %w", cfg.Bitrate, codeError(code))
	}
	if code := C.set_complexity(e.enc, C.opus_int32(cfg.Complexity)); code != 0 {
		return nil, fmt.Errorf("opus complexity %d: %w", cfg.Complexity, codeError(code))
	}
	e.tune(tuning{channels: cfg.Channels}.withBitrate(cfg.Bitrate).withLoss(cfg.Loss))
	return e, nil
}

func (e *cEncoder) Encode(pcm []float32, dst []byte) (int, error) {
	if len(pcm) != FrameSamples*int(e.set.channels) || len(dst) == 0 {
		return 0, fmt.Errorf("opus encode: %d samples into %d bytes", len(pcm), len(dst))
	}
	n := C.opus_encode_float(e.enc, (*C.float)(&pcm[0]), FrameSamples, (*C.uchar)(&dst[0]), C.opus_int32(len(dst)))
	if n < 0 {
		return 0, fmt.Errorf("opus encode: %w", codeError(C.int(n)))
	}
	return int(n), nil
}

func (e *cEncoder) Reset() { C.reset_encoder(e.enc) }

func (e *cEncoder) SetLoss(percent int) { e.tune(e.set.withLoss(percent)) }

func (e *cEncoder) SetBitrate(bitrate int) { e.tune(e.set.withBitrate(bitrate)) }

func (e *cEncoder) tune(t tuning) {
	if t == e.set {
		return
	}
	e.set = t
	signal, fec := C.opus_int32(C.OPUS_SIGNAL_MUSIC), C.opus_int32(0)
	if t.speech() {
		signal = C.OPUS_SIGNAL_VOICE
	}
	if t.redundancy() {
		fec = 1
	}
	C.set_bitrate(e.enc, C.opus_int32(t.bitrate))
	C.set_signal(e.enc, signal)
	C.set_loss(e.enc, C.opus_int32(t.loss))
	C.set_fec(e.enc, fec)
}

func (e *cEncoder) SetIndependent(on bool) {
	v := C.opus_int32(0)
	if on {
		v = 1
	}
	C.set_independent(e.enc, v)
}

// cDecoder is libopus' decoder, its state in Go memory as well.
type cDecoder struct {
	state    []uint64
	dec      *C.OpusDecoder
	channels int
}

func newCDecoder(channels Channels) (*cDecoder, error) {
	d := &cDecoder{state: newState(C.opus_decoder_get_size(C.int(channels))), channels: int(channels)}
	d.dec = (*C.OpusDecoder)(unsafe.Pointer(&d.state[0]))
	if code := C.opus_decoder_init(d.dec, SampleRate, C.int(channels)); code != 0 {
		return nil, fmt.Errorf("new opus decoder: %w", codeError(code))
	}
	return d, nil
}

func (d *cDecoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) == 0 {
		return 0, errEmpty
	}
	return d.decode(packet, pcm, 0)
}

func (d *cDecoder) Conceal(pcm []float32) error {
	_, err := d.decode(nil, pcm, 0)
	return err
}

func (d *cDecoder) DecodeFEC(next []byte, pcm []float32) error {
	if len(next) == 0 {
		return errEmpty
	}
	_, err := d.decode(next, pcm, 1)
	return err
}

func (d *cDecoder) decode(packet []byte, pcm []float32, fec C.int) (int, error) {
	if len(pcm) == 0 {
		return 0, errors.New("opus decode: no room for samples")
	}
	var data *C.uchar
	if len(packet) > 0 {
		data = (*C.uchar)(&packet[0])
	}
	n := C.opus_decode_float(d.dec, data, C.opus_int32(len(packet)), (*C.float)(&pcm[0]), C.int(len(pcm)/d.channels), fec)
	if n < 0 {
		return 0, fmt.Errorf("opus decode: %w", codeError(n))
	}
	limit(pcm[:int(n)*d.channels])
	return int(n), nil
}

func (d *cDecoder) Reset() { C.reset_decoder(d.dec) }

// newState is memory for so many bytes. For channels that do not exist the library
// gives the size 0, and then refuses to initialise.
func newState(size C.int) []uint64 { return make([]uint64, max(size+7, 8)/8) }

func codeError(code C.int) error { return errors.New(C.GoString(C.opus_strerror(code))) }

package opus

import (
	"fmt"

	"github.com/thesyncim/gopus"
)

// pureEncoder is the pure-Go encoder.
type pureEncoder struct {
	enc *gopus.Encoder
	set tuning
}

func newPureEncoder(cfg EncoderConfig) (*pureEncoder, error) {
	cfg = cfg.withDefaults()
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{
		SampleRate: SampleRate, Channels: int(cfg.Channels), Application: gopus.ApplicationAudio,
	})
	if err != nil {
		return nil, fmt.Errorf("new opus encoder: %w", err)
	}
	if err := enc.SetBitrate(cfg.Bitrate); err != nil {
		return nil, fmt.Errorf("opus bitrate %d: %w", cfg.Bitrate, err)
	}
	if err := enc.SetComplexity(cfg.Complexity); err != nil {
		return nil, fmt.Errorf("opus complexity %d: %w", cfg.Complexity, err)
	}
	e := &pureEncoder{enc: enc}
	e.tune(tuning{channels: cfg.Channels}.withBitrate(cfg.Bitrate).withLoss(cfg.Loss))
	return e, nil
}

func (e *pureEncoder) Encode(pcm []float32, dst []byte) (int, error) {
	n, err := e.enc.Encode(pcm, dst)
	if err != nil {
		return 0, fmt.Errorf("opus encode: %w", err)
	}
	return n, nil
}

func (e *pureEncoder) Reset() { e.enc.Reset() }

func (e *pureEncoder) SetLoss(percent int) { e.tune(e.set.withLoss(percent)) }

func (e *pureEncoder) SetBitrate(bitrate int) { e.tune(e.set.withBitrate(bitrate)) }

func (e *pureEncoder) tune(t tuning) {
	if t == e.set {
		return
	}
	e.set = t
	signal := gopus.SignalMusic
	if t.speech() {
		signal = gopus.SignalVoice
	}
	// None of these can fail: the values are constants or inside their bounds.
	_ = e.enc.SetBitrate(t.bitrate)
	_ = e.enc.SetSignal(signal)
	_ = e.enc.SetPacketLoss(t.loss)
	e.enc.SetFEC(t.redundancy())
}

func (e *pureEncoder) SetIndependent(on bool) { e.enc.SetPredictionDisabled(on) }

// pureDecoder is the pure-Go decoder.
type pureDecoder struct {
	dec      *gopus.Decoder
	channels int
}

func newPureDecoder(channels Channels) (*pureDecoder, error) {
	dec, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(SampleRate, int(channels)))
	if err != nil {
		return nil, fmt.Errorf("new opus decoder: %w", err)
	}
	return &pureDecoder{dec: dec, channels: int(channels)}, nil
}

func (d *pureDecoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) == 0 {
		return 0, errEmpty
	}
	n, err := d.dec.Decode(packet, pcm)
	if err != nil {
		return 0, fmt.Errorf("opus decode: %w", err)
	}
	limit(pcm[:n*d.channels])
	return n, nil
}

func (d *pureDecoder) Conceal(pcm []float32) error {
	if _, err := d.dec.Decode(nil, pcm); err != nil {
		return fmt.Errorf("opus conceal: %w", err)
	}
	limit(pcm)
	return nil
}

func (d *pureDecoder) DecodeFEC(next []byte, pcm []float32) error {
	if len(next) == 0 {
		return errEmpty
	}
	if _, err := d.dec.DecodeWithFEC(next, pcm, true); err != nil {
		return fmt.Errorf("opus decode redundancy: %w", err)
	}
	limit(pcm)
	return nil
}

func (d *pureDecoder) Reset() { d.dec.Reset() }

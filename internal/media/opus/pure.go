package opus

import (
	"fmt"

	"github.com/thesyncim/gopus"
)

// pureEncoder is the pure-Go encoder.
type pureEncoder struct {
	enc  *gopus.Encoder
	loss int
}

func newPureEncoder(cfg EncoderConfig) (*pureEncoder, error) {
	cfg = cfg.withDefaults()
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{
		SampleRate: SampleRate, Channels: 1, Application: gopus.ApplicationAudio,
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
	e := &pureEncoder{enc: enc, loss: -1}
	e.SetLoss(cfg.Loss)
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

func (e *pureEncoder) SetLoss(percent int) {
	percent = min(max(percent, 0), 100)
	if percent == e.loss {
		return
	}
	e.loss = percent
	signal := gopus.SignalMusic
	if percent > 0 {
		signal = gopus.SignalVoice
	}
	// None of these can fail: the values are constants or were clamped above.
	_ = e.enc.SetSignal(signal)
	_ = e.enc.SetPacketLoss(percent)
	e.enc.SetFEC(percent > 0)
}

func (e *pureEncoder) SetIndependent(on bool) { e.enc.SetPredictionDisabled(on) }

// pureDecoder is the pure-Go decoder.
type pureDecoder struct{ dec *gopus.Decoder }

func newPureDecoder() (*pureDecoder, error) {
	dec, err := gopus.NewDecoder(gopus.DefaultDecoderConfig(SampleRate, 1))
	if err != nil {
		return nil, fmt.Errorf("new opus decoder: %w", err)
	}
	return &pureDecoder{dec: dec}, nil
}

func (d *pureDecoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(packet) == 0 {
		return 0, errEmpty
	}
	n, err := d.dec.Decode(packet, pcm)
	if err != nil {
		return 0, fmt.Errorf("opus decode: %w", err)
	}
	limit(pcm[:n])
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

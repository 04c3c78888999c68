//go:build !libopus

package opus

// Library names the codec that NewEncoder and NewDecoder return.
const Library = "gopus (pure Go)"

// NewEncoder returns an encoder with the given settings. The error is for
// settings out of range.
func NewEncoder(cfg EncoderConfig) (Encoder, error) { return newPureEncoder(cfg) }

// NewDecoder returns a decoder that makes so many channels. The error is for a
// number that is neither Mono nor Stereo.
func NewDecoder(channels Channels) (Decoder, error) { return newPureDecoder(channels) }

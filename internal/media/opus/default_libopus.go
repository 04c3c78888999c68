//go:build libopus

package opus

// Library names the codec that NewEncoder and NewDecoder return.
const Library = "libopus (C)"

// NewEncoder returns an encoder with the given settings. The error is for
// settings out of range.
func NewEncoder(cfg EncoderConfig) (Encoder, error) { return newCEncoder(cfg) }

// NewDecoder returns a decoder that makes so many channels. The error is for a
// number that is neither Mono nor Stereo.
func NewDecoder(channels Channels) (Decoder, error) { return newCDecoder(channels) }

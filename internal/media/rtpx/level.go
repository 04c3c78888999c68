package rtpx

// LevelSilent is the audio level of a member who is not heard at all: 127 dB
// below full scale, the lowest value RFC 6464 can express.
const LevelSilent = 127

// ParseLevel reads the client-to-mixer audio level header extension (RFC 6464).
// level is in dB below full scale, 0 (loudest) to 127 (silence); voice is the
// sender's own opinion that the packet holds speech. ok is false if ext is empty.
func ParseLevel(ext []byte) (level uint8, voice, ok bool) {
	if len(ext) == 0 {
		return LevelSilent, false, false
	}
	return ext[0] & 0x7F, ext[0]&0x80 != 0, true
}

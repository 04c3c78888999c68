package rtpx

// obuSequenceHeader is the AV1 OBU that opens a coded video sequence.
const obuSequenceHeader = 1

// inspectAV1 reads the aggregation header (AV1 RTP payload format §4.4). Its N
// bit marks the first packet of a coded video sequence, which is a key frame. A
// packet that begins with a sequence header counts as well, for senders that
// forget the bit.
func inspectAV1(payload []byte) (Info, error) {
	if len(payload) < 2 {
		return Info{}, ErrPayload
	}
	continued := payload[0]&0x80 != 0
	sequence := payload[0]&0x08 != 0
	if continued && sequence {
		return Info{}, ErrPayload
	}
	info := Info{Start: !continued, Key: sequence}
	if continued || sequence {
		return info, nil
	}
	obu := payload[1:]
	if payload[0]>>4&3 != 1 { // unless it is the only element, a length comes first
		size, n := leb128(obu)
		if n == 0 || size == 0 || size > uint64(len(obu)-n) {
			return Info{}, ErrPayload
		}
		obu = obu[n:]
	}
	info.Key = obu[0]>>3&0x0F == obuSequenceHeader
	return info, nil
}

// leb128 reads a little-endian base-128 number of up to 8 bytes (AV1 §4.10.5)
// and returns it with its length; length 0 means malformed.
func leb128(b []byte) (uint64, int) {
	var v uint64
	for i := 0; i < 8 && i < len(b); i++ {
		v |= uint64(b[i]&0x7F) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

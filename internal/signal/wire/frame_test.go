package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const vectorTime = 1_700_000_000_000

// vectors are whole messages as unmodified clients send and accept them.
var vectors = []struct {
	name  string
	hex   string
	frame *Frame
}{
	{"ping", "05 08 80 d0 95 ff bc 31 10 13 a2 01 04 08 01 10 01", &Frame{
		Type:     Frame_PING_PONG.Enum(),
		PingPong: &PingPong{Type: PingPong_PING.Enum(), PingId: proto.Uint32(1)},
	}},
	{"pong", "05 08 80 d0 95 ff bc 31 10 13 a2 01 04 08 02 10 01", &Frame{
		Type:     Frame_PING_PONG.Enum(),
		PingPong: &PingPong{Type: PingPong_PONG.Enum(), PingId: proto.Uint32(1)},
	}},
	{"join ack", "05 08 80 d0 95 ff bc 31 10 02 2a 0c 0a 06 0a 00 12 00 18 00 10 19 18 00", &Frame{
		Type: Frame_JOIN_ACK.Enum(),
		JoinAck: &JoinAck{
			TurnCredentials: &TurnCredentials{
				Username: proto.String(""), Password: proto.String(""), Ttl: proto.Uint32(0),
			},
			VideoSubscriptionLimit: proto.Uint32(25),
			WantsCompressedSdp:     proto.Bool(false),
		},
	}},
	{"index", "05 08 80 d0 95 ff bc 31 10 05 42 17 08 00 12 0f 08 07 18 dc 0b 30 06 42 01 61 48 02 52 01 75 20 02 28 01", &Frame{
		Type: Frame_INDEX.Enum(),
		Index: &Index{
			AtCapacity: proto.Bool(false),
			Sources: []*Stream{{
				StreamId: proto.Uint32(7), GroupId: proto.Uint32(6), MaxBitrateKbps: proto.Uint32(1500),
				AttendeeId: proto.String("a"), ExternalUserId: proto.String("u"), MediaType: Media_VIDEO.Enum(),
			}},
			NumParticipants: proto.Uint32(2),
			Codecs:          []Codec{Codec_VP8},
		},
	}},
	{"left by losing the connection", "05 08 80 d0 95 ff bc 31 10 12 9a 01 06 0a 04 08 03 28 01", &Frame{
		Type:   Frame_AUDIO_STREAM_ID_INFO.Enum(),
		Roster: &Roster{Streams: []*RosterRow{{AudioStreamId: proto.Uint32(3), Dropped: proto.Bool(true)}}},
	}},
	{"meeting ended", "05 08 80 d0 95 ff bc 31 10 14 aa 01 03 08 9a 03", &Frame{
		Type:        Frame_AUDIO_STATUS.Enum(),
		AudioStatus: &AudioStatus{AudioStatus: proto.Uint32(410)},
	}},
}

func vectorBytes(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want := vectorBytes(t, v.hex)
			v.frame.TimestampMs = proto.Uint64(vectorTime)
			got, err := Encode(v.frame)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("Encode:\n got %x\nwant %x", got, want)
			}
			back, err := Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(back, v.frame) {
				t.Errorf("Decode:\n got %v\nwant %v", back, v.frame)
			}
			typ, err := TypeOf(want)
			if err != nil || typ != v.frame.GetType() {
				t.Errorf("TypeOf = %v, %v; want %v", typ, err, v.frame.GetType())
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	ping := vectorBytes(t, vectors[0].hex)
	tests := []struct {
		name string
		msg  []byte
		want error
	}{
		{"nothing", nil, ErrEmpty},
		{"foreign prefix", append([]byte{0x07}, ping[1:]...), ErrPrefix},
		{"text", []byte("hello"), ErrPrefix},
		{"prefix alone", []byte{Prefix}, ErrFrame},
		{"no timestamp", append([]byte{Prefix}, ping[8:]...), ErrFrame},
		{"no type", ping[:8], ErrFrame},
		{"ping without id", vectorBytes(t, "05 08 80 d0 95 ff bc 31 10 13 a2 01 02 08 01"), ErrFrame},
		{"cut short", ping[:len(ping)-1], ErrFrame},
		{"group never closed", append(bytes.Clone(ping), 0x33), ErrFrame},
		{"too large", make([]byte, MaxMessage+1), ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if f, err := Decode(tt.msg); !errors.Is(err, tt.want) {
				t.Errorf("Decode = %v, %v; want %v", f, err, tt.want)
			}
		})
	}
}

func TestDecodeTolerates(t *testing.T) {
	base := vectorBytes(t, "05 08 80 d0 95 ff bc 31")
	t.Run("the older prefix", func(t *testing.T) {
		msg := vectorBytes(t, vectors[0].hex)
		msg[0] = NativePrefix
		if _, err := Decode(msg); err != nil {
			t.Error(err)
		}
	})
	t.Run("an unknown type", func(t *testing.T) {
		f, err := Decode(append(bytes.Clone(base), 0x10, 0x63))
		if err != nil || f.GetType() != 99 {
			t.Errorf("got %v, %v; want type 99", f.GetType(), err)
		}
	})
	t.Run("an unknown field", func(t *testing.T) {
		msg := append(bytes.Clone(base), 0x10, 0x09)
		msg = protowire.AppendTag(msg, 500, protowire.BytesType)
		msg = protowire.AppendString(msg, "later version")
		if f, err := Decode(msg); err != nil || f.GetType() != Frame_LEAVE {
			t.Errorf("got %v, %v; want LEAVE", f.GetType(), err)
		}
	})
	t.Run("packed numbers", func(t *testing.T) {
		body := protowire.AppendTag(nil, 3, protowire.BytesType)
		body = protowire.AppendBytes(body, []byte{0, 9, 0x80, 0x01})
		msg := append(bytes.Clone(base), 0x10, 0x03)
		msg = protowire.AppendTag(msg, 6, protowire.BytesType)
		msg = protowire.AppendBytes(msg, body)
		f, err := Decode(msg)
		if err != nil {
			t.Fatal(err)
		}
		got := f.GetSubscribe().GetReceiveStreamIds()
		if len(got) != 3 || got[0] != 0 || got[1] != 9 || got[2] != 128 {
			t.Errorf("receive_stream_ids = %v, want [0 9 128]", got)
		}
	})
}

// TestPresence holds the three places in which absent is not zero.
func TestPresence(t *testing.T) {
	in := &Frame{
		TimestampMs: proto.Uint64(1), Type: Frame_AUDIO_METADATA.Enum(),
		Roster:      &Roster{Streams: []*RosterRow{{AudioStreamId: proto.Uint32(1)}, {AudioStreamId: proto.Uint32(2), Muted: proto.Bool(false)}}},
		AudioLevels: &AudioLevels{Levels: []*AudioLevel{{AudioStreamId: proto.Uint32(1)}, {AudioStreamId: proto.Uint32(2), Volume: proto.Uint32(0), SignalStrength: proto.Uint32(0)}}},
	}
	msg, err := Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Decode(msg)
	if err != nil {
		t.Fatal(err)
	}
	rows, levels := out.GetRoster().GetStreams(), out.GetAudioLevels().GetLevels()
	if rows[0].Muted != nil || rows[1].Muted == nil {
		t.Error("muted: presence lost")
	}
	if levels[0].Volume != nil || levels[0].SignalStrength != nil || levels[1].Volume == nil || levels[1].SignalStrength == nil {
		t.Error("volume or signal strength: presence lost")
	}
}

func TestEncodeRefuses(t *testing.T) {
	if _, err := Encode(&Frame{Type: Frame_LEAVE.Enum()}); err == nil {
		t.Error("a frame without a timestamp was encoded")
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(vectorBytes(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		typ, typeErr := TypeOf(msg)
		frame, err := Decode(msg)
		if err != nil {
			return
		}
		if typeErr != nil {
			t.Fatalf("decoded, but TypeOf failed: %v", typeErr)
		}
		again, err := Encode(frame)
		if err != nil {
			t.Fatalf("decoded but not encodable: %v", err)
		}
		back, err := Decode(again)
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		// Of a repeated type the decoder keeps the last, TypeOf the first.
		if first, err := TypeOf(again); err != nil || first != frame.GetType() {
			t.Fatalf("TypeOf = %v, %v after re-encoding; want %v (was %v)", first, err, frame.GetType(), typ)
		}
		canonical, err := Encode(back)
		if err != nil || !bytes.Equal(canonical, again) {
			t.Fatalf("encoding is not stable: %v", err)
		}
	})
}

func BenchmarkEncodeRoster250(b *testing.B) {
	rows := make([]*RosterRow, 250)
	for i := range rows {
		rows[i] = &RosterRow{
			AudioStreamId: proto.Uint32(uint32(i + 1)), AttendeeId: proto.String("e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6"),
			ExternalUserId: proto.String("guest-17"), Muted: proto.Bool(false),
		}
	}
	frame := &Frame{TimestampMs: proto.Uint64(vectorTime), Type: Frame_AUDIO_STREAM_ID_INFO.Enum(), Roster: &Roster{Streams: rows}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeLevels(b *testing.B) {
	levels := make([]*AudioLevel, 5)
	for i := range levels {
		levels[i] = &AudioLevel{AudioStreamId: proto.Uint32(uint32(i + 1)), Volume: proto.Uint32(20)}
	}
	frame := &Frame{TimestampMs: proto.Uint64(vectorTime), Type: Frame_AUDIO_METADATA.Enum(), AudioLevels: &AudioLevels{Levels: levels}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePing(b *testing.B) {
	msg := vectorBytes(b, vectors[0].hex)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTypeOf(b *testing.B) {
	msg := vectorBytes(b, vectors[0].hex)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := TypeOf(msg); err != nil {
			b.Fatal(err)
		}
	}
}

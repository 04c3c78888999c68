package rtmp

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestMessagesSurviveTheirChunks(t *testing.T) {
	list := []message{
		{kind: typeCommand, body: []byte("short")},
		{kind: typeData, stream: 7, at: 1234, body: bytes.Repeat([]byte("x"), firstChunk)},
		{kind: 9, stream: 1, at: extended - 1, body: bytes.Repeat([]byte("y"), 3*firstChunk+1)},
		{kind: 9, stream: 1, at: extended, body: bytes.Repeat([]byte("z"), 1000)},
		{kind: 9, stream: 1, at: math.MaxUint32, body: bytes.Repeat([]byte("z"), 1000)},
		{kind: 8},
	}
	var stream []byte
	for i, m := range list {
		stream = appendChunks(stream, byte(3+i%2), firstChunk, m)
	}
	r := newChunkReader(bytes.NewReader(stream))
	for i, want := range list {
		got, err := r.next()
		if err != nil || got.kind != want.kind || got.stream != want.stream || got.at != want.at || !bytes.Equal(got.body, want.body) {
			t.Errorf("message %d: %+v, %v", i, got, err)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
	if int(r.bytes) != len(stream) {
		t.Errorf("%d bytes were counted of %d", r.bytes, len(stream))
	}
}

// What servers send: headers that leave out what is as before, chunk streams in
// two and three bytes, another chunk size.
func TestAbbreviatedChunksAreRead(t *testing.T) {
	stream := "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00" + "\x00\x00\x00\x03" + // chunks of three bytes
		"\x03\x00\x00\x01\x00\x00\x05\x14\x01\x00\x00\x00" + "abc" + "\xC3" + "de" +
		"\x43\x00\x00\x01\x00\x00\x02\x12" + "fg" + // another length and type
		"\x83\x00\x00\x01" + "hi" + // another time only
		"\xC3" + "jk" + // nothing else
		"\x00\x00\x00\x00\x00\x00\x00\x01\x14\x00\x00\x00\x00" + "l" + // chunk stream 64
		"\x01\x00\x01\x00\x00\x00\x00\x00\x01\x14\x00\x00\x00\x00" + "m" // and 320
	r := newChunkReader(strings.NewReader(stream))
	var got []string
	for {
		m, err := r.next()
		if err != nil {
			break
		}
		got = append(got, string(m.body))
	}
	if want := []string{"abcde", "fg", "hi", "jk", "l", "m"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestWhatIsNoRTMPIsRefused(t *testing.T) {
	many := ""
	for id := 3; id < 3+maxStreams+1; id++ {
		many += string(rune(id)) + "\x00\x00\x00\x00\x00\x01\x14\x00\x00\x00\x00" + "x"
	}
	for name, stream := range map[string]string{
		"begins in the middle":     "\xC3x",
		"a huge message":           "\x03\x00\x00\x00\xFF\xFF\xFF\x14\x00\x00\x00\x00",
		"a message within another": "\x02\x00\x00\x00\x00\x01\x00\x14\x00\x00\x00\x00" + strings.Repeat("x", firstChunk) + "\x02\x00\x00\x00\x00\x01\x00\x14\x00\x00\x00\x00",
		"chunks of nothing":        "\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00" + "\x00\x00\x00\x00",
		"too many chunk streams":   many,
	} {
		r := newChunkReader(strings.NewReader(stream))
		var err error
		for err == nil {
			_, err = r.next()
		}
		if !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesOfCommands(t *testing.T) {
	body := putNumber(putString(nil, "onStatus"), 1.5)
	body = putNull(body)
	body = append(body, markBool, 1, markUndefined)
	body = putObject(body, []member{{"code", "a"}, {"level", "b"}})
	body = append(body, markArray, 0, 0, 0, 1)
	body = append(putNumber(putName(body, "n"), 2), 0, 0, markEnd)
	body = append(body, markList, 0, 0, 0, 2, markNull, markBool, 0)
	body = append(body, markDate, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	body = append(body, markLong, 0, 0, 0, 1, 'l')
	got, err := values(body)
	want := []any{"onStatus", 1.5, nil, true, nil, map[string]any{"code": "a", "level": "b"}, map[string]any{"n": 2.0}, nil, nil, "l"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, %v", got, err)
	}
	for n := 1; n < len(body); n++ {
		if list, err := values(body[:n]); err == nil && len(list) >= len(want) {
			t.Errorf("cut to %d bytes: %v", n, list)
		}
	}
	deep := bytes.Repeat([]byte{markList, 0, 0, 0, 1}, maxNesting+2)
	if _, err := values(append(deep, markNull)); !errors.Is(err, errMalformed) {
		t.Errorf("deep: %v", err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add(appendChunks(nil, 3, firstChunk, message{kind: typeCommand, body: putObject(command("onStatus", 0), []member{{"code", "x"}})}))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x01\x00\x00\x05\x14\x01\x00\x00\x00abc\xC3de"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newChunkReader(bytes.NewReader(data))
		for {
			m, err := r.next()
			if err != nil {
				return
			}
			if len(m.body) > maxMessage {
				t.Fatalf("a message of %d bytes", len(m.body))
			}
			if answer, err := values(m.body); err == nil {
				status(answer)
				code(answer)
			}
		}
	})
}

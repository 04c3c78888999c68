package capture

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// joining makes the outputs of one concatenation: it reads the pieces that the
// capture's journal lists, one after the other, and writes their samples to a
// file, whose index is known once all are read.
type joining struct {
	sink     Sink
	source   *meeting.Pipeline // the capture
	pipeline *meeting.Pipeline
	dir      string    // for files on the way
	pieces   []Piece   // of the journal
	listed   bool      // they are not all: the others are looked for where they are stored
	begin    time.Time // the zero of all outputs: when the capture began
	made     []Piece   // the outputs that are stored
}

// output is one object to be made.
type output struct {
	name   string // behind the pipeline's id
	kind   artifact
	stream string // whose pieces it is made of
	codec  string // of its pictures; "" for the first there is
}

// outputs lists what is asked for and was recorded.
func (j *joining) outputs() (list []output) {
	cameras, camera := 0, 0
	for _, stream := range j.streams() {
		folder, attendee, apart := strings.Cut(stream, "/")
		isContent := strings.HasSuffix(attendee, meeting.ContentSuffix)
		kind, known := artifactIn(folder)
		if !known || !kind.joined(&j.pipeline.Settings.Artifacts, isContent) {
			continue
		}
		o := output{kind: kind, stream: stream}
		if apart {
			o.name = "-" + attendee
		}
		if apart && !isContent {
			cameras, camera = cameras+1, len(list)
		}
		list = append(list, o)
	}
	if cameras == 1 {
		list[camera].name = ""
	}
	return list
}

// streams are the names of what was recorded, sorted.
func (j *joining) streams() (names []string) {
	for _, p := range j.pieces {
		names = append(names, p.Stream)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// run makes all outputs. The error says which one could not be made.
func (j *joining) run(ctx context.Context) error {
	if j.listed {
		if err := j.list(ctx); err != nil {
			return err
		}
	}
	if len(j.pieces) == 0 {
		return errNothingThere
	}
	j.made = nil
	slices.SortStableFunc(j.pieces, func(a, b Piece) int { return a.Start.Compare(b.Start) })
	j.begin = j.pieces[0].Start
	for _, o := range j.outputs() {
		produce := j.movie
		if o.kind.mimeType == typeText {
			produce = j.text
		}
		if err := produce(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", o.stream, err)
		}
	}
	return nil
}

// of returns the pieces of a stream, in order.
func (j *joining) of(stream string) (list []Piece) {
	for _, p := range j.pieces {
		if p.Stream == stream {
			list = append(list, p)
		}
	}
	return list
}

// fetch returns a piece's content.
func (j *joining) fetch(ctx context.Context, p Piece) ([]byte, error) {
	content, err := j.sink.Open(ctx, j.source.Settings.Bucket, p.Key)
	if err != nil {
		return nil, err
	}
	data := make([]byte, p.Size)
	_, err = io.ReadFull(content, data)
	if err = errors.Join(err, content.Close()); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	if sum := sha256.Sum256(data); err != nil || p.SHA256 != "" && hex.EncodeToString(sum[:]) != p.SHA256 {
		return nil, fmt.Errorf("%s: %w", p.Key, errChanged)
	}
	return data, nil
}

// errChanged says that an object is not what was stored.
var errChanged = errors.New("not what was stored")

// put stores an output; content is read from the beginning. Length, codec and size
// of made are the caller's.
func (j *joining) put(ctx context.Context, o output, content io.ReaderAt, made Piece) error {
	s := &j.pipeline.Settings
	prefix := cmp.Or(s.Prefix, j.pipeline.ID.String())
	from := &j.source.Settings // whose encryption is the concatenation's, too
	made.Type = o.kind.mimeType
	made.Key = prefix + "/" + o.kind.folder + "/" + j.pipeline.ID.String() + o.name + extension(made.Type)
	made.Stream, made.Start, made.File = o.stream, j.begin, strconv.Itoa(len(j.made))
	err := j.sink.Put(ctx, Object{
		Bucket: s.Bucket, Key: made.Key, Type: made.Type,
		KMSKey: from.KMSKey, KMSContext: from.KMSContext,
		Metadata: map[string]string{"pipeline": j.pipeline.ID.String(), "meeting": j.pipeline.Meeting.String(), "start": j.begin.Format(time.RFC3339Nano)},
	}, content, made.Size)
	if err == nil {
		j.made = append(j.made, made)
	}
	return err
}

// file makes a file for something on the way. done removes it.
func (j *joining) file() (f *os.File, done func(), err error) {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, nil, err
	}
	if f, err = os.CreateTemp(j.dir, "join"); err != nil {
		return nil, nil, err
	}
	return f, func() {
		_ = f.Close()
		_ = os.Remove(filepath.Join(j.dir, filepath.Base(f.Name()))) // a stray one goes at the next start
	}, nil
}

// text joins the lines of a folder.
func (j *joining) text(ctx context.Context, o output) error {
	f, done, err := j.file()
	if err != nil {
		return err
	}
	defer done()
	size := int64(0)
	for _, p := range j.of(o.stream) {
		data, err := j.fetch(ctx, p)
		if err != nil {
			return err
		}
		n, err := f.Write(data)
		if size += int64(n); err != nil {
			return err
		}
	}
	return j.put(ctx, o, f, Piece{Size: size})
}

// movie joins the pieces of a stream, and again for each further codec that its
// pictures have.
func (j *joining) movie(ctx context.Context, o output) error {
	more := []string{""}
	for n := 1; len(more) > 0; n++ {
		o.codec = more[0]
		b, err := j.build(ctx, o)
		if err != nil {
			return err
		}
		one := o
		if n > 1 {
			one.name += fmt.Sprintf("-%d", n)
		} else {
			more = append(more, b.others...)
		}
		err = j.put(ctx, one, b.whole(), Piece{Size: b.size(), Millis: b.movie.Length().Milliseconds(), Codec: b.codec})
		b.done()
		if err != nil {
			return err
		}
		more = more[1:]
	}
	return nil
}

// build gathers the samples of a stream's pieces.
func (j *joining) build(ctx context.Context, o output) (_ *builder, err error) {
	f, done, err := j.file()
	if err != nil {
		return nil, err
	}
	b := &builder{file: f, done: done, codec: o.codec, begin: j.begin, sound: -1, picture: -1}
	for _, p := range j.of(o.stream) {
		var data []byte
		var tracks []mp4.ReadTrack
		if data, err = j.fetch(ctx, p); err == nil {
			tracks, err = mp4.Read(data)
		}
		if err == nil {
			err = b.add(p, tracks)
		}
		if err != nil {
			done()
			return nil, fmt.Errorf("%s: %w", p.Key, err)
		}
	}
	return b, nil
}

package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Sink is where recordings are stored: buckets with objects in them.
type Sink interface {
	// Check finds out whether objects can be stored under the prefix of the
	// bucket. A refusal is a *meeting.Error in the words of the API.
	Check(ctx context.Context, bucket, prefix string) error
	// Put stores an object of the size, in bytes, in place of one that may be
	// there.
	Put(ctx context.Context, o Object, content io.ReaderAt, size int64) error
	// Open returns an object's content.
	Open(ctx context.Context, bucket, key string) (Content, error)
	// List returns the objects whose keys begin with the prefix, in the order of
	// their keys.
	List(ctx context.Context, bucket, prefix string) ([]Listed, error)
	// Abandon removes what is left of Puts that a crash interrupted, of keys that
	// begin with the prefix and for which mine holds.
	Abandon(ctx context.Context, bucket, prefix string, mine func(key string) bool) error
}

// Content is the content of an object.
type Content = io.ReadSeekCloser

// Object says what is stored and how.
type Object struct {
	Bucket, Key string
	Type        string            // Content-Type
	Metadata    map[string]string // names without "x-amz-meta-"
	KMSKey      string            // of server-side encryption; "" for the bucket's own
	KMSContext  string
}

// Directory is a Sink below a local directory: a folder for each bucket. Types
// and metadata are not kept.
type Directory string

// Check makes the bucket's folder.
func (d Directory) Check(_ context.Context, bucket, _ string) error {
	if err := os.MkdirAll(filepath.Join(string(d), bucket), 0o700); err != nil {
		return &meeting.Error{Kind: meeting.Unavailable, Message: "The directory for recordings cannot be written", Err: err}
	}
	return nil
}

// Put writes a file. When it returns nil, the file is on the disk.
func (d Directory) Put(_ context.Context, o Object, content io.ReaderAt, size int64) error {
	path := d.path(o.Bucket, o.Key)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = durable.WriteFrom(path, io.NewSectionReader(content, 0, size))
	}
	if err != nil {
		return fmt.Errorf("directory for recordings: %w", err)
	}
	return nil
}

// Open opens a file.
func (d Directory) Open(_ context.Context, bucket, key string) (Content, error) {
	f, err := os.OpenInRoot(filepath.Join(string(d), bucket), filepath.FromSlash(key)) // nothing outside of the bucket, whatever links lie in it
	if err != nil {
		return nil, fmt.Errorf("directory for recordings: %w", err)
	}
	return f, nil
}

// List walks the directory that the prefix, up to its last slash, names.
func (d Directory) List(_ context.Context, bucket, prefix string) (list []Listed, err error) {
	err = d.walk(bucket, prefix, func(key string, e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil {
			list = append(list, Listed{key, info.Size()})
		}
		return err
	})
	return list, err
}

// Abandon removes files that were not written to their end.
func (d Directory) Abandon(_ context.Context, bucket, prefix string, mine func(key string) bool) error {
	return d.walk(bucket, prefix, func(key string, _ fs.DirEntry) error {
		if whole, unfinished := strings.CutSuffix(key, durable.Unfinished); unfinished && mine(whole) {
			return os.Remove(d.path(bucket, key))
		}
		return nil
	})
}

// walk calls fn with the files whose keys begin with the prefix, in their order.
func (d Directory) walk(bucket, prefix string, fn func(key string, e fs.DirEntry) error) error {
	root := d.path(bucket, "")
	err := filepath.WalkDir(filepath.Dir(d.path(bucket, prefix+"x")), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		key, err := filepath.Rel(root, path)
		if key = filepath.ToSlash(key); err != nil || !strings.HasPrefix(key, prefix) {
			return err
		}
		return fn(key, e)
	})
	if err != nil {
		return fmt.Errorf("directory for recordings: %w", err)
	}
	return nil
}

// path relies on buckets and keys without dot segments; the API lets no others in.
func (d Directory) path(bucket, key string) string {
	return filepath.Join(string(d), bucket, filepath.FromSlash(key))
}

// errNoSink refuses captures where there is nowhere to store them.
func errNoSink() error {
	return meeting.Errorf(meeting.Invalid, "Media capture is not configured on this server")
}

package pipelinestest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
	"github.com/aws/smithy-go"
)

// journaled returns the keys that the server's journals list, in their order.
func (sc *scene) journaled() (keys []string) {
	sc.t.Helper()
	journals, err := filepath.Glob(filepath.Join(sc.server.Dir, "capture", "*", "journal"))
	if err != nil {
		sc.t.Fatal(err)
	}
	for _, path := range journals {
		f, err := os.Open(path)
		if err != nil {
			sc.t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var l struct {
				Piece *struct{ Key string }
			}
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Piece != nil {
				keys = append(keys, l.Piece.Key)
			}
		}
		_ = f.Close()
	}
	return keys
}

// recorded waits until so many more pieces of sound are in the journal.
func (sc *scene) recorded(more int) {
	sc.t.Helper()
	count := func() (n int) {
		for _, key := range sc.journaled() {
			if strings.Contains(key, "/audio/") {
				n++
			}
		}
		return n
	}
	want := count() + more
	until(sc.t, "more is recorded", func() bool { return count() >= want })
}

// keeps fails unless the store has every one of the objects.
func (s *store) keeps(keys []string) {
	s.t.Helper()
	there := s.keys()
	for _, key := range keys {
		if !slices.Contains(there, key) {
			s.t.Errorf("%s is lost", key)
		}
	}
}

// whole fails unless the pieces of sound follow each other without a gap.
func (s *store) whole() {
	s.t.Helper()
	var next time.Time
	for _, key := range s.keys() {
		if !strings.Contains(key, "/audio/") {
			continue
		}
		_, about := s.object(key)
		start, err := time.Parse(time.RFC3339Nano, about.Metadata["start"])
		length, err2 := time.ParseDuration(about.Metadata["duration-ms"] + "ms")
		if err = errors.Join(err, err2); err != nil {
			s.t.Fatal(err)
		}
		if !next.IsZero() && start.Sub(next).Abs() > 5*time.Millisecond {
			s.t.Errorf("%s begins %s after the one before it has ended", key, start.Sub(next))
		}
		next = start.Add(length)
	}
}

func TestNothingAcknowledgedIsLostWithTheProcess(t *testing.T) {
	for name, trouble := range map[string]func(s *store){
		"while recording":         func(*store) {},
		"while the store is down": func(s *store) { s.status.Store(http.StatusServiceUnavailable) },
		"while uploading": func(s *store) {
			s.slow.Store(int64(3 * time.Second))
			for len(s.holding) > 0 {
				<-s.holding
			}
			<-s.holding
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, startStore(t))
			meetingID, _ := sc.people(0)
			p := sc.started(meetingID, "p", types.ArtifactsStateDisabled)
			sc.recorded(1)
			trouble(sc.store)
			sc.recorded(1)
			sc.server.Kill()
			acknowledged := sc.journaled()
			sc.server.Restart()
			sc.store.status.Store(0)
			sc.store.slow.Store(0)
			until(t, "it goes on", func() bool { return sc.status(p.MediaPipelineId) == types.MediaPipelineStatusInProgress })
			sc.recorded(1)
			sc.stop(p.MediaPipelineId)
			sc.stopped(p.MediaPipelineId)
			sc.store.keeps(acknowledged)
			if keys := sc.store.keys(); len(keys) <= len(acknowledged) {
				t.Errorf("nothing was recorded after the restart: %q", keys)
			}
			for _, path := range sc.store.download("p/audio/") {
				run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-")
			}
		})
	}
}

func TestAnOutageOfTheStoreLosesNothing(t *testing.T) {
	for name, status := range map[string]int32{
		"down": http.StatusServiceUnavailable, "broken": http.StatusInternalServerError, "full": http.StatusInsufficientStorage,
		"over its quota": http.StatusForbidden, "too small for a piece": http.StatusBadRequest, "out of reach": hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := newScene(t, startStore(t))
			meetingID, _ := sc.people(0)
			p := sc.started(meetingID, "p", types.ArtifactsStateDisabled)
			sc.recorded(1)
			sc.store.status.Store(status)
			sc.recorded(1)
			sc.stop(p.MediaPipelineId)
			if s := sc.status(p.MediaPipelineId); s != types.MediaPipelineStatusStopping {
				t.Errorf("%s while the store is %s", s, name)
			}
			all := sc.journaled()
			sc.store.status.Store(0)
			sc.stopped(p.MediaPipelineId)
			sc.store.keeps(all)
			sc.store.whole()
		})
	}
}

func TestASlowStoreHoldsNothingUp(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	meetingID, _ := sc.people(0)
	sc.store.slow.Store(int64(2 * time.Second))
	p := sc.started(meetingID, "p", types.ArtifactsStateDisabled)
	sc.recorded(2)
	sc.stop(p.MediaPipelineId)
	sc.stopped(p.MediaPipelineId)
	sc.store.keeps(sc.journaled())
	sc.store.whole()
}

func TestAFullDiskFailsTheRecordingAndLosesNothing(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	disk := filepath.Join(sc.server.Dir, "capture")
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal("this test mounts a small file system, as root:", err)
	}
	t.Cleanup(func() {
		sc.server.Kill()
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	meetingID, _ := sc.people(0)
	p := sc.started(meetingID, "p", types.ArtifactsStateDisabled)
	sc.recorded(1)
	sc.store.status.Store(http.StatusServiceUnavailable) // so the disk fills
	until(t, "the recording ends", func() bool { return sc.status(p.MediaPipelineId) == types.MediaPipelineStatusStopping })
	acknowledged := sc.journaled()
	if len(acknowledged) < 2 {
		t.Errorf("the journal has only %q", acknowledged)
	}
	sc.store.status.Store(0)
	until(t, "it has failed", func() bool { return sc.status(p.MediaPipelineId) == types.MediaPipelineStatusFailed })
	sc.store.keeps(acknowledged)
	sc.store.whole()
}

// refusal returns the exception and the message that a client got.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("no refusal: %v", err)
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

func TestASinkThatCannotBeUsedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	meetingID, _ := sc.people(0)
	for sink, want := range map[string]string{
		"no-such-bucket/p": "BadRequestException: No such S3 Bucket: no-such-bucket",
	} {
		if _, err := sc.capture(meetingID, sink, types.ArtifactsStateDisabled); refusal(t, err) != want {
			t.Errorf("%s: %v", sink, err)
		}
	}
	sc.store.status.Store(http.StatusServiceUnavailable)
	if _, err := sc.capture(meetingID, bucket, types.ArtifactsStateDisabled); !strings.HasPrefix(refusal(t, err), "ServiceUnavailableException") {
		t.Errorf("%v", err)
	}
	sc.store.status.Store(0)
	out, err := sc.ListMediaPipelines(context.Background(), nil)
	if err != nil || len(out.MediaPipelines) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestKeysThatAreNotTheStoresAreSaidAtOnce(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s3Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	sc := newScene(t, nil, "--capture-s3-endpoint", startStore(t).endpoint, "--capture-s3-access-key", "stranger", "--capture-s3-secret-key-file", secret)
	id, _ := sc.people(0)
	_, err := sc.capture(id, bucket, types.ArtifactsStateDisabled)
	if got := refusal(t, err); got != "ForbiddenException: Insufficient permission to access S3 bucket: "+bucket {
		t.Errorf("%s", got)
	}
}

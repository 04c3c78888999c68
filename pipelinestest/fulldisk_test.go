package pipelinestest

import (
	"net/http"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
)

// Two meetings are recorded onto a disk that fills, since nothing can be stored: the
// one with cameras, which takes most of it, fails, and the other is recorded on.
func TestOnAFullDiskTheLargestRecordingFails(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	disk := filepath.Join(sc.server.Dir, "capture")
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=2m"); err != nil {
		t.Fatal("this test mounts a small file system, as root:", err)
	}
	t.Cleanup(func() {
		sc.server.Kill()
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	seen, _ := sc.people(2)
	heard := sc.stage().id
	large := sc.started(seen, "large", types.ArtifactsStateEnabled).MediaPipelineId
	small := sc.started(heard, "small", types.ArtifactsStateDisabled).MediaPipelineId
	for _, id := range []*string{large, small} {
		until(t, "it is recorded", func() bool { return sc.status(id) == types.MediaPipelineStatusInProgress })
	}
	sc.store.status.Store(http.StatusServiceUnavailable)
	until(t, "the largest ends", func() bool { return sc.status(large) == types.MediaPipelineStatusStopping })
	sc.recorded(1) // of the other, which is the only one
	if got := sc.status(small); got != types.MediaPipelineStatusInProgress {
		t.Errorf("the other is %s", got)
	}
	acknowledged := sc.journaled()
	sc.store.status.Store(0)
	until(t, "it has failed", func() bool { return sc.status(large) == types.MediaPipelineStatusFailed })
	sc.recorded(1)
	sc.stop(small)
	sc.stopped(small)
	sc.store.keeps(acknowledged)
}

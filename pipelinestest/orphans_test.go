package pipelinestest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// uploads returns the keys of the uploads in parts that are not finished.
func (s *store) uploads() (keys []string) {
	s.t.Helper()
	out, err := s.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, u := range out.Uploads {
		keys = append(keys, *u.Key)
	}
	return keys
}

// fatten repeats a recorded piece of a camera, a millisecond later each time, until
// what is made of them takes several parts.
func (sc *scene) fatten(p *types.MediaCapturePipeline) {
	sc.t.Helper()
	var key string
	for _, k := range sc.store.keys() {
		if strings.HasPrefix(k, "p/video/") {
			key = k
			break
		}
	}
	content, _ := sc.store.object(key)
	const stamp, several = "2006-01-02-15-04-05.000", 20 << 20
	name := strings.TrimPrefix(key, "p/video/")
	at, err := time.Parse(stamp, name[:len(stamp)-4]+"."+name[len(stamp)-3:len(stamp)])
	if err != nil {
		sc.t.Fatal(err)
	}
	for size := 0; size < several; size += len(content) {
		at = at.Add(time.Millisecond)
		next := "p/video/" + strings.Replace(at.Format(stamp), ".", "-", 1) + name[len(stamp):]
		if _, err := sc.store.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &next, Body: bytes.NewReader(content)}); err != nil {
			sc.t.Fatal(err)
		}
	}
	// Without a journal what is in the bucket counts.
	if err := os.Remove(filepath.Join(sc.server.Dir, "capture", *p.MediaPipelineId, "journal")); err != nil {
		sc.t.Fatal(err)
	}
}

// A server that dies between two parts of a large object leaves an upload that the
// store keeps for ever, at a price, and shows nobody. The next server ends it.
func TestNoUploadIsLeftHalfDone(t *testing.T) {
	t.Parallel()
	sc := newScene(t, startStore(t))
	meetingID, stop := sc.people(1)
	p := sc.started(meetingID, "p", types.ArtifactsStateEnabled)
	sc.recorded(2)
	sc.stop(p.MediaPipelineId)
	sc.stopped(p.MediaPipelineId)
	stop()
	sc.fatten(p)
	stranger, err := sc.store.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("joined/video/stranger.mp4")})
	if err != nil {
		t.Fatal(err)
	}
	sc.store.slow.Store(int64(2 * time.Second))
	id := sc.joining(p.MediaPipelineArn, "joined").MediaPipelineId
	until(t, "parts are on their way", func() bool { return len(sc.store.uploads()) == 2 && len(sc.store.holding) > 0 })
	sc.server.Kill()
	if got := sc.store.uploads(); len(got) != 2 {
		t.Fatalf("the server has died, and of uploads there are %q", got)
	}
	sc.store.slow.Store(0)
	sc.server.Restart()
	sc.stopped(id)
	if got := sc.store.uploads(); len(got) != 1 || got[0] != *stranger.Key {
		t.Errorf("left of uploads: %q", got)
	}
	made := sc.store.download("joined/video/")
	if len(made) != 1 {
		t.Fatalf("%d films", len(made))
	}
	run(t, "ffmpeg", "-v", "error", "-i", made[0], "-c", "copy", "-f", "null", "-")
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal"
)

// openCapture builds what carries out media pipelines. It is there even with
// nowhere to store recordings, for those begun while there was.
func (s *server) openCapture(context.Context) (err error) {
	s.capture, err = capture.New(capture.Config{
		Control: s.control,
		Room:    s.media.node.Room,
		Listen: func(id, attendee meeting.ID, external string, to capture.Listener) (leave func(), err error) {
			return s.signal.Listen(signal.Listening{Meeting: id, Attendee: attendee, External: external, To: to})
		},
		Sink:         s.prepared.sink,
		Dir:          filepath.Join(s.cfg.Data, "capture"),
		Shared:       s.cfg.Cluster.On(),
		Codecs:       codecs(s.cfg.Recording.Codecs),
		GiveUp:       s.cfg.Recording.GiveUp,
		MaxSpool:     int64(s.cfg.Recording.SpoolMiB) << 20,
		FFmpeg:       s.prepared.ffmpeg,
		AllowPrivate: s.cfg.Recording.AllowPrivate,
		Logger:       s.log.With("part", "capture"),
	})
	return err
}

// sink is where recordings are stored; nil for nowhere.
func sink(r *config.Recording) (capture.Sink, error) {
	switch {
	case r.Recordings != "":
		return capture.Directory(r.Recordings), nil
	case r.S3.Endpoint == "" || r.S3.SecretKeyFile == "": // half of it is refused by Check
		return nil, nil
	}
	secret, err := readSecret(r.S3.SecretKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--capture-s3-secret-key-file: %w", err)
	}
	return capture.NewS3(capture.S3Config{
		Endpoint: r.S3.Endpoint, Region: r.S3.Region, AccessKey: r.S3.AccessKey, SecretKey: secret,
		PathStyle: r.S3.PathStyle, Checksums: r.S3.Checksums,
	}), nil
}

// ffmpeg is the path of that program; empty for none.
func ffmpeg(r *config.Recording) (string, error) {
	if r.FFmpeg == "off" {
		return "", nil
	}
	path, err := exec.LookPath(cmp.Or(r.FFmpeg, "ffmpeg"))
	switch {
	case err == nil:
		return path, nil
	case r.FFmpeg == "": // it need not be there
		return "", nil
	}
	return "", fmt.Errorf("--capture-ffmpeg: %w", err)
}

// codecs are those that clients are asked for while they are recorded.
func codecs(names []string) (list []media.Codec) {
	for _, c := range []media.Codec{media.CodecH264, media.CodecVP8, media.CodecVP9, media.CodecAV1} {
		if slices.Contains(names, strings.ToLower(c.String())) {
			list = append(list, c)
		}
	}
	return list
}

//go:build packages

package packaging

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

var buildah = []string{"--storage-driver", "vfs"} // needs no overlay file system

// The image holds the binary and nothing else that runs, serves as its own
// user, and tells by itself whether it is well.
func TestTheImageServes(t *testing.T) {
	command(t, nil, "scripts/make-image")
	if !exists(dist, "carillon_"+version(t)+"_image_"+runtime.GOARCH+".tar") {
		t.Error("make-image left no archive")
	}
	run := func(args ...string) string { return command(t, nil, "buildah", append(buildah, args...)...) }
	container := strings.TrimSpace(run("from", "--pull-never", "localhost/carillon:"+version(t)))
	t.Cleanup(func() {
		if out, err := exec.Command("buildah", append(buildah, "rm", container)...).CombinedOutput(); err != nil {
			t.Errorf("buildah rm: %v\n%s", err, out)
		}
	})
	checkImageConfig(t, run("inspect", container))

	address := freeAddress(t)
	inside := append(buildah, "run", "--isolation", "chroot", "--env", "CARILLON_LISTEN="+address, "--env", "CARILLON_MEDIA_TCP=off", container, "--")
	server := exec.Command("buildah", append(inside, "/usr/bin/carillon", "serve")...)
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	waitHealthy(t, address, ended, &log)
	if said := command(t, nil, "buildah", append(inside, "/usr/bin/carillon", "check", "health")...); strings.TrimSpace(said) != "ready" {
		t.Errorf("the health check says %q", said)
	}
	if err := syscall.Kill(-server.Process.Pid, syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	<-ended // buildah tells its own end, not the server's
	if out, err := exec.Command("buildah", append(inside, "/usr/bin/carillon", "check", "health")...).CombinedOutput(); err == nil {
		t.Errorf("with no server the health check says %q", out)
	}
}

func checkImageConfig(t *testing.T, inspected string) {
	t.Helper()
	var about struct {
		MountPoint string
		Docker     struct {
			Config struct {
				User        string
				Entrypoint  []string
				Healthcheck struct{ Test []string }
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(inspected), &about); err != nil {
		t.Fatal(err)
	}
	c := about.Docker.Config
	if c.User != "65532:65532" || len(c.Entrypoint) != 1 || strings.Join(c.Healthcheck.Test, " ") != "CMD /usr/bin/carillon check health" {
		t.Errorf("the image's settings: %+v", c)
	}
	if shell, err := filepath.Glob(filepath.Join(about.MountPoint, "bin", "*")); err != nil || len(shell) > 0 && about.MountPoint != "" {
		t.Errorf("the image holds %q, %v", shell, err)
	}
	if about.MountPoint != "" {
		if _, err := os.Stat(filepath.Join(about.MountPoint, "usr/bin/carillon")); err != nil {
			t.Error(err)
		}
	}
}

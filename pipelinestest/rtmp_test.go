package pipelinestest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// receiver is an RTMP server: Debian's nginx with its rtmp module.
type receiver struct {
	t       *testing.T
	address string
	dir     string
	cmd     *exec.Cmd
}

const receiverConf = `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/log warn;
events { worker_connections 64; }
rtmp { server { listen %[2]s; application live { live on; } } }
`

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, address: freeAddress(t), dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.dir, "conf"), fmt.Appendf(nil, receiverConf, r.dir, r.address), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *receiver) start() {
	r.t.Helper()
	r.cmd = exec.Command("/usr/sbin/nginx", "-c", filepath.Join(r.dir, "conf"), "-p", r.dir, "-e", filepath.Join(r.dir, "log"))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *receiver) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// url returns where a stream with the key goes, and can be read.
func (r *receiver) url(key string) string { return "rtmp://" + r.address + "/live/" + key }

// ask runs ffprobe or ffmpeg on a stream; false when there is nothing to read.
func (r *receiver) ask(program string, args ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return strings.TrimSpace(string(out)), err == nil && len(out) > 0
}

// streams tells of the tracks of a stream what the entries name, a line for each;
// "" when it cannot be read.
func (r *receiver) streams(key string) string {
	out, _ := r.ask("ffprobe", "-v", "error", "-rw_timeout", "5000000", "-show_entries", "stream=codec_name,width,height,sample_rate,channels,r_frame_rate", "-of", "csv=p=0", r.url(key))
	return out
}

// shows returns the colours of a picture of the stream, in so many columns: the
// brightest channel of each, or "dark".
func (r *receiver) shows(key string, columns int) string {
	out, ok := r.ask("ffmpeg", "-v", "error", "-rw_timeout", "5000000", "-i", r.url(key), "-an", "-frames:v", "1",
		"-vf", fmt.Sprintf("format=rgb24,scale=%d:1:flags=area", columns), "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1")
	return colours([]byte(out), columns, ok)
}

func colours(rgb []byte, columns int, ok bool) string {
	if !ok || len(rgb) < 3*columns {
		return ""
	}
	var names []string
	for i := range columns {
		name, most := "dark", byte(40)
		for c, of := range []string{"red", "green", "blue"} {
			if v := rgb[3*i+c]; v > most {
				name, most = of, v
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// loudness returns the mean volume of two seconds of the stream, in dB below full
// scale; "" when it cannot be read.
func (r *receiver) loud(key string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", "-nostats", "-rw_timeout", "5000000", "-i", r.url(key), "-t", "2", "-vn", "-af", "volumedetect", "-f", "null", "-").CombinedOutput()
	var mean float64
	_, text, found := strings.Cut(string(out), "mean_volume: ")
	if _, scanned := fmt.Sscanf(text, "%f dB", &mean); err != nil || !found || scanned != nil {
		return false
	}
	return mean > -30 // the hum has -17 dB
}

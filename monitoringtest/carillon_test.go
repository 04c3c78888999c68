package monitoringtest

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// patience bounds how long something may take to start or to happen. It is long:
// it only tells what hangs from a busy machine.
const patience = 90 * time.Second

// The key that each server here knows.
const accessKey, secretKey = "AKIDMONITORING", "a-key-of-the-monitoring-tests"

// binary is the server that is tested: bin/carillon, unless TESTED_CARILLON names
// another.
func binary() string { return cmp.Or(os.Getenv("TESTED_CARILLON"), "../bin/carillon") }

// carillon is a server that runs until its test ends.
type carillon struct {
	url string
	log string // file that it writes its log to
	cmd *exec.Cmd
}

// start starts a server with a data directory of its own and waits until it is
// ready.
func start(t *testing.T, flags ...string) *carillon {
	t.Helper()
	dir := t.TempDir()
	s := &carillon{log: filepath.Join(dir, "log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(binary(), append([]string{
		"serve", "--listen", "127.0.0.1:0", "--media-tcp", "off", "--data", filepath.Join(dir, "data"), "--limit-meetings", "5000000",
		"--access-key", accessKey, "--secret-key", secretKey,
	}, flags...)...)
	s.cmd.Stderr = log
	s.url = address(t, s.cmd, regexp.MustCompile(`ready.*?(https?://[^\s,]+)`))
	return s
}

// address starts a process, which is asked to end when the test ends, and returns
// what the pattern finds on its standard output.
func address(t *testing.T, cmd *exec.Cmd, pattern *regexp.Regexp) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found, over := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(over)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := pattern.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- strings.TrimSuffix(m[1], "/"):
				default:
				}
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-over
	})
	select {
	case at := <-found:
		return at
	case <-over:
		t.Fatalf("%s has ended", cmd)
	case <-time.After(patience):
		t.Fatalf("%s does not start", cmd)
	}
	return ""
}

// get asks the server, which must answer with 200.
func (s *carillon) get(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", path, answer.Status, err)
	}
	return string(body)
}

// call makes a signed call of the API and returns the body of its answer, which
// must be 2xx.
func (s *carillon) call(t *testing.T, path, body string) []byte {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "api/chimesdkmeetings#1") // whose flavour of the API it is
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hex.EncodeToString(sum[:]), "chime", "us-east-1", time.Now()); err != nil {
		t.Error(err)
		return nil
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Errorf("%s: %s %s, %v", path, answer.Status, text, err)
	}
	return text
}

// createMeeting returns the id of a new meeting.
func (s *carillon) createMeeting(t *testing.T) string {
	var made struct{ Meeting struct{ MeetingId string } }
	token := rand.Text()
	answer := s.call(t, "/meetings", `{"ClientRequestToken":"`+token+`","MediaRegion":"us-east-1","ExternalMeetingId":"`+token+`"}`)
	if err := json.Unmarshal(answer, &made); err != nil {
		t.Error(err)
	}
	return made.Meeting.MeetingId
}

// createAttendees makes so many attendees of a meeting in one call.
func (s *carillon) createAttendees(t *testing.T, meeting string, n int) {
	body := []byte(`{"Attendees":[`)
	for i := range n {
		body = fmt.Appendf(body, `%.*s{"ExternalUserId":"%s"}`, min(i, 1), ",", rand.Text())
	}
	s.call(t, "/meetings/"+meeting+"/attendees?operation=batch-create", string(body)+"]}")
}

// load has the load generator of the product call the server, and reads its
// report.
func (s *carillon) load(t *testing.T, report any, args ...string) {
	args = append([]string{"load"}, append(args, "--endpoint", s.url, "--json")...)
	cmd := exec.CommandContext(t.Context(), binary(), args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey), os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, report)
	}
	if err != nil {
		t.Errorf("%q: %v", args, err)
	}
}

// metric returns the value of a metric, with its labels as they are told.
func (s *carillon) metric(t *testing.T, name string) (value float64) {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(s.get(t, "/metrics"))
	if m == nil {
		t.Fatalf("%s is not told", name)
	}
	if _, err := fmt.Sscan(m[1], &value); err != nil {
		t.Fatal(err)
	}
	return value
}

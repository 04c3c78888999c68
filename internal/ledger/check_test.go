package ledger

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// What Open refuses of a directory, Check does, beside whoever has it, and it
// leaves an empty one empty.
func TestCheckSaysWhatOpenWould(t *testing.T) {
	dir := t.TempDir()
	if err := Check(Config{Dir: dir, KeyCheck: "one"}); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("Check made %v, %v", left, err)
	}
	r := openTB(t, Config{Dir: dir, KeyCheck: "one"})
	fillMeetings(t, r, 3)
	if err := Check(Config{Dir: dir, KeyCheck: "one"}); err != nil {
		t.Errorf("beside who has it: %v", err)
	}
	if err := Check(Config{Dir: dir, KeyCheck: "two"}); !errors.Is(err, ErrForeignKey) {
		t.Errorf("another key: %v", err)
	}
	_ = r.Close()
	if err := os.Remove(filepath.Join(dir, layoutName)); err != nil {
		t.Fatal(err)
	}
	checked := Check(Config{Dir: dir, KeyCheck: "one"})
	l, opened := Open(t.Context(), Config{Dir: dir, KeyCheck: "one"})
	if opened == nil {
		_ = l.Close()
	}
	if checked == nil || opened == nil || checked.Error() != opened.Error() {
		t.Errorf("without a layout: Check says %v, Open %v", checked, opened)
	}
}

// Who renews the certificate of the NATS server under another authority replaces
// the file of authorities; the nodes need not restart.
func TestTheAuthoritiesOfNATSMayBeReplaced(t *testing.T) {
	old, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	authorities, store := filepath.Join(t.TempDir(), "ca.pem"), t.TempDir()
	trust := func(c servertest.Certificate) {
		text, err := os.ReadFile(c.CertFile)
		if err == nil {
			err = errors.Join(os.WriteFile(authorities+".next", text, 0o600), os.Rename(authorities+".next", authorities))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	start := func(port int, c servertest.Certificate) *server.Server {
		return startSomebodys(t, func(o *server.Options) { o.Port, o.StoreDir, o.TLS, o.TLSConfig = port, store, true, c.TLS })
	}
	trust(old)
	s := start(-1, old)
	port := s.Addr().(*net.TCPAddr).Port
	r := openTB(t, Config{URL: "tls://" + s.Addr().String(), CA: authorities, Replicas: 1, AnswerWithin: time.Second, GiveUp: time.Second})
	ids, _ := fillMeetings(t, r, 1)
	s.Shutdown()
	s.WaitForShutdown()
	start(port, next)
	if _, err := r.Append(t.Context(), randomID(t), Revision{}, []byte("nobody is trusted yet"), Ordinary); err == nil {
		t.Fatal("a server was trusted that no authority vouches for")
	}
	trust(next)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := r.Append(t.Context(), randomID(t), Revision{}, []byte("trusted"), Ordinary)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the new authority was not taken:", err)
		}
	}
	cfg := r.cfg
	cfg.Dir = t.TempDir()
	wantTexts(t, openTB(t, cfg).seen[ids[0]], "created 0", "more 0", "joined") // who comes new knows it, too
}

package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// sheetOf is what the page of settings shows an operator.
func sheetOf(t *testing.T, o *operator) (sheet console.Sheet, text string) {
	t.Helper()
	text = o.get("sheet", http.StatusOK)
	if err := json.Unmarshal([]byte(text), &sheet); err != nil {
		t.Fatal(err)
	}
	return sheet, text
}

// Keys are shown with what they may do and when they were used last, which a
// restart does not forget, and without their secrets.
func TestKeysAreShownWithTheirLastUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	replace(t, path, []byte("keys:\n"+
		"  - {access-key-id: AKIAUSED, secret-access-key: the-secret-of-one, account: \"111122223333\", deny: [\"chime:DeleteMeeting\"]}\n"+
		"  - {access-key-id: AKIBIDLE, secret-access-key: the-secret-of-two, sessions: [{token: the-session-token, expires: 2040-01-01T00:00:00Z}]}\n"))
	data := t.TempDir()
	s := startServer(t, data, "--key-file", path)
	before := time.Now().Add(-time.Minute)
	admin := adminTarget{Endpoint: s.ports.public.String(), AccessKey: "AKIAUSED", SecretKey: "the-secret-of-one", Region: "us-east-1"}
	if err := admin.call(t.Context(), "GET", "/app/v1/meetings", "us-east-1", nil, nil); err != nil {
		t.Fatal(err)
	}
	admin.AccessKey, admin.SecretKey = "AKIBIDLE", "guessed" // a wrong signature is no use of the key
	if err := admin.call(t.Context(), "GET", "/app/v1/meetings", "us-east-1", nil, nil); err == nil {
		t.Fatal("a wrong signature was taken")
	}
	check := func(s *server) {
		sheet, text := sheetOf(t, signIn(t, s))
		if len(sheet.Keys) != 2 || sheet.KeysFrom != path {
			t.Fatalf("%+v from %s", sheet.Keys, sheet.KeysFrom)
		}
		used, idle := sheet.Keys[0], sheet.Keys[1]
		if used.ID != "AKIAUSED" || used.Account != "111122223333" || len(used.Deny) != 1 || used.Used.Before(before) || used.Used.After(time.Now()) {
			t.Errorf("%+v", used)
		}
		if idle.ID != "AKIBIDLE" || !idle.Used.IsZero() || idle.Sessions != 1 || idle.Expires.UTC().Year() != 2040 {
			t.Errorf("%+v", idle)
		}
		for _, secret := range []string{"the-secret", "the-session-token", s.id.OperatorSecret} {
			if strings.Contains(text, secret) {
				t.Errorf("the page is told %q", secret)
			}
		}
	}
	check(s)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, data, "--key-file", path)
	check(s)
	replace(t, path, []byte("keys: nonsense"))
	fault := func() string {
		sheet, _ := sheetOf(t, signIn(t, s))
		for _, f := range sheet.Files {
			if f.What == "key file" {
				return f.Fault
			}
		}
		return "not watched"
	}
	until(t, "the fault of the file", func() bool { return strings.Contains(fault(), "keys: must be a list") })
	replace(t, path, []byte("keys:\n  - {access-key-id: AKIBIDLE, secret-access-key: the-secret-of-two}\n"))
	until(t, "the mended file", func() bool { return fault() == "" })
	if raw, err := os.ReadFile(filepath.Join(data, "keys-used.json")); err != nil || !strings.Contains(string(raw), "AKIAUSED") {
		t.Errorf("%s, %v", raw, err)
	}
	if !keyuse.Latest("AKIAUSED", []keyuse.Part{s.keyUseHere()}).IsZero() {
		t.Error("a key that was taken away is remembered")
	}
}

// scraped is the value of a metric; "" when there is none.
func scraped(t *testing.T, s *server, name string) string {
	t.Helper()
	resp, err := http.Get(s.ports.public.String() + "/metrics")
	if err != nil {
		resp, err = insecure().Get(s.ports.public.String() + "/metrics")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(body), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
}

// Every TLS port serves a renewed certificate, and it is told when it ends: on the
// page and as a metric.
func TestCertificatesAreRenewedAndToldEverywhere(t *testing.T) {
	old, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	turn := servertest.FreeAddresses(t, 1)[0]
	s := startServer(t, t.TempDir(), "--tls-cert", old.CertFile, "--tls-key", old.KeyFile, "--turn-tls", turn, "--console-listen", "127.0.0.1:0")
	trusts := func(addr string, c servertest.Certificate) bool {
		conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: c.Pool})
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	ports := map[string]string{"API": s.ports.addr.String(), "TURN": turn, "console": s.ports.console.Addr().String()}
	for name, addr := range ports {
		if !trusts(addr, old) || trusts(addr, next) {
			t.Errorf("%s does not serve the first certificate", name)
		}
	}
	for from, to := range map[string]string{next.CertFile: old.CertFile, next.KeyFile: old.KeyFile} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, to, content)
	}
	for name, addr := range ports {
		until(t, "the renewed certificate of "+name, func() bool { return trusts(addr, next) })
	}
	leaf := s.certificates.current.Load().Leaf
	sheet := s.sheet(t.Context())
	if len(sheet.Certificates) != 2 {
		t.Fatalf("%+v", sheet.Certificates)
	}
	for _, c := range sheet.Certificates {
		if !c.Until.Equal(leaf.NotAfter) || c.Source != old.CertFile || !strings.Contains(c.Name, "127.0.0.1") {
			t.Errorf("%+v, it ends %v", c, leaf.NotAfter)
		}
	}
	for _, f := range sheet.Files {
		if f.What == "certificate" && (f.Read.IsZero() || f.Fault != "") {
			t.Errorf("%+v", f)
		}
	}
	for _, use := range []string{"listener", "turn"} {
		want := fmt.Sprintf("%g", float64(leaf.NotAfter.Unix()))
		if got := scraped(t, s, `carillon_certificate_expiry_timestamp_seconds{use="`+use+`"}`); got != want {
			t.Errorf("%s ends at %s, want %s", use, got, want)
		}
	}
}

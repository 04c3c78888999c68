//go:build packages

package packaging

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// guide returns the block of the operating guide that begins with a fence and has
// the words in it.
func guide(t *testing.T, fence, words string) string {
	t.Helper()
	parts := strings.Split(string(read(t, "../docs/runbook.md")), "```"+fence+"\n")
	for _, part := range parts[1:] {
		if block, _, closed := strings.Cut(part, "```"); closed && strings.Contains(block, words) {
			return block
		}
	}
	t.Fatalf("the guide has no %s with %q", fence, words)
	return ""
}

// checkCertificates follows the operating guide: a hook of certbot's hands the
// server its certificate, port 443 by a drop-in of the unit, and a renewal reaches the
// running server.
func (m *machine) checkCertificates(t *testing.T) {
	const hook = "/etc/letsencrypt/renewal-hooks/deploy/carillon"
	before := string(read(t, filepath.Join(m.root, "etc/carillon/carillon.yaml")))
	m.put(t, hook, guide(t, "sh deploy-hook", "install"), 0o755)
	renew := func() []byte {
		live := filepath.Join(m.root, "etc/letsencrypt/live/meet.example.org")
		m.put(t, "etc/letsencrypt/live/meet.example.org/made", "", 0o600)
		command(t, nil, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj", "/CN=meet.example.org",
			"-addext", "subjectAltName=DNS:meet.example.org", "-keyout", live+"/privkey.pem", "-out", live+"/fullchain.pem")
		m.run(t, "env", "RENEWED_LINEAGE=/etc/letsencrypt/live/meet.example.org", hook)
		return read(t, live+"/fullchain.pem")
	}
	first := renew()
	settings := strings.NewReplacer(":8443", ":443").Replace(guide(t, "yaml", "tls-cert"))
	m.put(t, "etc/carillon/carillon.yaml", "data: /var/lib/carillon\n"+settings, 0o644)
	m.put(t, "etc/systemd/system/carillon.service.d/port.conf", guide(t, "ini", "CAP_NET_BIND_SERVICE"), 0o644)
	m.run(t, "systemctl", "daemon-reload")
	m.run(t, "systemctl", "restart", "carillon")
	m.serves(t, first)
	m.serves(t, renew())

	m.put(t, "etc/carillon/carillon.yaml", before, 0o644)
	m.run(t, "systemctl", "restart", "carillon")
	waitHealthy(t, m.address, nil, m)
}

// serves waits until the server shows a certificate, at port 443.
func (m *machine) serves(t *testing.T, certificate []byte) {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(certificate) {
		t.Fatal("no certificate")
	}
	said := error(nil)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		through := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "meet.example.org"},
		}}
		answer, err := through.Get("https://" + machineAddress + "/healthz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		said = err
	}
	t.Fatalf("the certificate is not served: %v\n%s", said, m)
}

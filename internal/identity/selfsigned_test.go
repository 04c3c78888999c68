package identity

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestASelfSignedCertificateIsKept(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	hosts := []string{"localhost", "127.0.0.1", "fe80::1"}
	file := func() []byte {
		raw, err := os.ReadFile(filepath.Join(dir, SelfSignedFile))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var before []byte
	for _, tc := range []struct {
		name  string
		hosts []string
		at    time.Time
		anew  bool
	}{
		{"first", hosts, now, true},
		{"again", hosts, now.Add(300 * 24 * time.Hour), false},
		{"fewer hosts", hosts[:1], now, false},
		{"a further host", append(hosts, "10.1.2.3"), now, true},
		{"nearly over", hosts, now.Add(380 * 24 * time.Hour), true},
	} {
		pair, err := SelfSigned(dir, tc.hosts, tc.at)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		for _, host := range tc.hosts {
			if err := pair.Leaf.VerifyHostname(host); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
		if anew := !bytes.Equal(before, file()); anew != tc.anew {
			t.Errorf("%s: made anew %t", tc.name, anew)
		}
		before = file()
	}
	if err := os.WriteFile(filepath.Join(dir, SelfSignedFile), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SelfSigned(dir, hosts, now); err == nil {
		t.Error("a file that holds no certificate was taken")
	}
}

package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// NewCertificate makes a DTLS certificate. Clients may share one: making it costs
// more than a handshake.
func NewCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Payload types and extension ids of the offers.
const (
	OpusType         = 111
	REDType          = 63
	VP8Type          = 96
	RTXType          = 97
	levelID          = 1
	transportWideID  = 3
	levelURI         = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	transportWideURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// Offer writes an offer: sound both ways (mid 0), a camera section (mid 1) that
// is active or not, and sections to receive video on (mids from 2). Sound is
// Opus, video VP8.
func (c *Client) Offer(camera bool, receiving int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	mids := make([]string, 2+receiving)
	for i := range mids {
		mids[i] = fmt.Sprint(i)
	}
	line("v=0")
	line("o=- 1 1 IN IP4 127.0.0.1")
	line("s=-")
	line("t=0 0")
	line("a=group:BUNDLE %s", strings.Join(mids, " "))
	line("a=ice-ufrag:%s", c.ufrag)
	line("a=ice-pwd:%s", c.pwd)
	line("a=fingerprint:sha-256 %s", Fingerprint(c.cert))
	line("a=setup:actpass")
	c.writeAudio(line)
	direction := "inactive"
	if camera {
		direction = "sendrecv"
	}
	for _, mid := range mids[1:] {
		writeVideo(line, mid, direction)
		direction = "recvonly"
		if mid == "1" && camera {
			line("a=ssrc:%d cname:client", c.VideoSSRC())
		}
	}
	return b.String()
}

func (c *Client) writeAudio(line func(string, ...any)) {
	if c.RED {
		line("m=audio 9 UDP/TLS/RTP/SAVPF %d %d", OpusType, REDType)
	} else {
		line("m=audio 9 UDP/TLS/RTP/SAVPF %d", OpusType)
	}
	line("a=mid:0")
	line("a=sendrecv")
	line("a=rtpmap:%d opus/%d/2", OpusType, rtpx.SampleRate)
	if c.OpusParameters != "" {
		line("a=fmtp:%d %s", OpusType, c.OpusParameters)
	}
	if c.RED {
		line("a=rtpmap:%d red/%d/2", REDType, rtpx.SampleRate)
		line("a=fmtp:%d %d/%d", REDType, OpusType, OpusType)
	}
	line("a=extmap:%d %s", levelID, levelURI)
}

func writeVideo(line func(string, ...any), mid, direction string) {
	line("m=video 9 UDP/TLS/RTP/SAVPF %d %d", VP8Type, RTXType)
	line("a=mid:%s", mid)
	line("a=%s", direction)
	line("a=extmap:%d %s", transportWideID, transportWideURI)
	line("a=rtpmap:%d VP8/90000", VP8Type)
	for _, feedback := range []string{"nack", "nack pli", "transport-cc"} {
		line("a=rtcp-fb:%d %s", VP8Type, feedback)
	}
	line("a=rtpmap:%d rtx/90000", RTXType)
	line("a=fmtp:%d apt=%d", RTXType, VP8Type)
}

// Fingerprint is a certificate's hash as it stands in an offer.
func Fingerprint(cert tls.Certificate) string {
	sum := sha256.Sum256(cert.Certificate[0])
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// answer is what a client needs of an answer.
type answer struct{ ufrag, pwd, address string }

// readAnswer takes the credentials and the first UDP candidate.
func readAnswer(text string) (a answer, err error) {
	for l := range strings.SplitSeq(text, "\r\n") {
		if v, ok := strings.CutPrefix(l, "a=ice-ufrag:"); ok {
			a.ufrag = v
		}
		if v, ok := strings.CutPrefix(l, "a=ice-pwd:"); ok {
			a.pwd = v
		}
		if f := strings.Fields(l); strings.HasPrefix(l, "a=candidate:") && len(f) > 5 && f[2] == "udp" && a.address == "" {
			a.address = net.JoinHostPort(f[4], f[5])
		}
	}
	if a.ufrag == "" || a.pwd == "" || a.address == "" {
		return a, fmt.Errorf("answer without credentials or a UDP candidate:\n%s", text)
	}
	return a, nil
}

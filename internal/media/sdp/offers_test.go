package sdp

import (
	"fmt"
	"strings"
)

// lines joins lines the way offers have them.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

// chromium writes an offer with the properties of Chromium's as the client
// sends it: one section a mid, dynamic payload types with retransmissions, many
// H264 profiles, a start bitrate on every format.
func chromium(sections ...string) string {
	var mids []string
	for _, s := range sections {
		if _, rest, ok := strings.Cut(s, "a=mid:"); ok && !strings.HasPrefix(s, "m=video 0") {
			mid, _, _ := strings.Cut(rest, "\r\n")
			mids = append(mids, mid)
		}
	}
	return lines("v=0", "o=mozilla-chrome 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
		"a=group:BUNDLE "+strings.Join(mids, " "), "a=extmap-allow-mixed", "a=msid-semantic: WMS") + strings.Join(sections, "")
}

const chromiumTransport = "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:Vp3K\r\na=ice-pwd:kq9cA2mXw7Zr5TgB1nYd0EfS\r\n" +
	"a=ice-options:trickle\r\na=fingerprint:sha-256 " +
	"0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0:0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0\r\na=setup:actpass\r\n"

func chromiumAudio(mid, direction string, redFirst bool) string {
	formats := "111 63 9 0 8 13 110 126"
	if redFirst {
		formats = "63 111 9 0 8 13 110 126"
	}
	return lines("m=audio 9 UDP/TLS/RTP/SAVPF "+formats) +
		"a=candidate:1 1 udp 2113937151 0a1b.local 50123 typ host generation 0\r\n" + chromiumTransport +
		lines("a=mid:"+mid, "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
			"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
			"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a="+direction, "a=msid:- mic",
			"a=rtcp-mux", "a=rtcp-rsize", "a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc",
			"a=fmtp:111 minptime=10;useinbandfec=1", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
			"a=rtpmap:9 G722/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:13 CN/8000",
			"a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000",
			"a=ssrc:1871924312 cname:cEqU8cQy", "a=ssrc:1871924312 msid:- mic")
}

// chromiumVideo writes a video section; port 0 stands for a stopped one.
func chromiumVideo(port int, mid, direction string, extra ...string) string {
	type format struct {
		pt       int
		name, fm string
	}
	formats := []format{
		{96, "VP8", ""}, {102, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"},
		{104, "H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"},
		{108, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
		{45, "AV1", "level-idx=5;profile=0;tier=0"}, {98, "VP9", "profile-id=0"}, {100, "VP9", "profile-id=2"},
	}
	var m, body []string
	for _, f := range formats {
		m = append(m, fmt.Sprint(f.pt), fmt.Sprint(f.pt+1))
		pt := fmt.Sprint(f.pt)
		body = append(body, "a=rtpmap:"+pt+" "+f.name+"/90000")
		for _, fb := range []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"} {
			body = append(body, "a=rtcp-fb:"+pt+" "+fb)
		}
		if f.fm != "" {
			body = append(body, "a=fmtp:"+pt+" "+f.fm+";x-google-start-bitrate=1000")
		}
		body = append(body, fmt.Sprintf("a=rtpmap:%d rtx/90000", f.pt+1), fmt.Sprintf("a=fmtp:%d apt=%d", f.pt+1, f.pt))
	}
	head := []string{
		"a=mid:" + mid, "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset",
		"a=extmap:13 urn:3gpp:video-orientation",
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
		"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
		"a=" + direction, "a=rtcp-mux", "a=rtcp-rsize",
	}
	return lines(fmt.Sprintf("m=video %d UDP/TLS/RTP/SAVPF %s", port, strings.Join(m, " "))) + chromiumTransport +
		lines(append(append(head, body...), extra...)...)
}

// firefox writes an offer with the properties of Firefox's: credentials and
// fingerprint where it puts them, bundled sections with port 0, other payload
// types, no H264, lower-case hash names and both header extension directions.
func firefox() string {
	session := lines("v=0", "o=mozilla...THIS_IS_SDPARTA-99.0 4862041264172923904 0 IN IP4 0.0.0.0", "s=-", "t=0 0",
		"a=fingerprint:sha-256 AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99",
		"a=group:BUNDLE 0 1 2", "a=ice-options:trickle", "a=msid-semantic:WMS *")
	audio := lines("m=audio 58923 UDP/TLS/RTP/SAVPF 109 63 9 0 8 101", "c=IN IP4 192.0.2.7",
		"a=candidate:0 1 UDP 2122252543 192.0.2.7 58923 typ host", "a=sendrecv", "a=end-of-candidates",
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level",
		"a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1",
		"a=fmtp:63 109/109", "a=fmtp:101 0-15", "a=ice-pwd:3f2c6e1d9b8a7054c3d2e1f0a9b8c7d6", "a=ice-ufrag:9a8b7c6d",
		"a=mid:0", "a=msid:{stream} {track}", "a=rtcp-mux", "a=rtpmap:109 opus/48000/2", "a=rtpmap:63 red/48000/2",
		"a=rtpmap:9 G722/8000/1", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000",
		"a=setup:actpass", "a=ssrc:2404517711 cname:{c}")
	video := func(mid, direction string) string {
		return lines("m=video 0 UDP/TLS/RTP/SAVPF 120 124 121 125 99 100", "c=IN IP4 0.0.0.0", "a=bundle-only", "a="+direction,
			"a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:5 urn:ietf:params:rtp-hdrext:toffset",
			"a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
			"a=fmtp:120 max-fs=12288;max-fr=60", "a=fmtp:124 apt=120", "a=fmtp:121 max-fs=12288;max-fr=60",
			"a=fmtp:125 apt=121", "a=fmtp:100 apt=99", "a=ice-pwd:3f2c6e1d9b8a7054c3d2e1f0a9b8c7d6", "a=ice-ufrag:9a8b7c6d",
			"a=mid:"+mid, "a=rtcp-fb:120 nack", "a=rtcp-fb:120 nack pli", "a=rtcp-fb:120 ccm fir", "a=rtcp-fb:120 goog-remb",
			"a=rtcp-fb:120 transport-cc", "a=rtcp-fb:121 nack", "a=rtcp-fb:121 transport-cc", "a=rtcp-mux", "a=rtcp-rsize",
			"a=rtpmap:120 VP8/90000", "a=rtpmap:124 rtx/90000", "a=rtpmap:121 VP9/90000", "a=rtpmap:125 rtx/90000",
			"a=rtpmap:99 AV1/90000", "a=rtpmap:100 rtx/90000", "a=setup:actpass")
	}
	return session + audio + video("1", "inactive") + video("2", "recvonly")
}

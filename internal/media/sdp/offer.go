package sdp

import (
	"errors"
	"strings"
)

// ErrSyntax says that the offer cannot be read, or lacks something without which no
// connection is possible. Errors wrap it and say what and where.
var ErrSyntax = errors.New("sdp: bad offer")

// Bounds on what is read. A real offer with 25 videos has about 120 kB and
// 27 sections.
const (
	maxText     = 1 << 20
	maxSections = 128
	maxCodecs   = 128 // of one section
	maxLines    = 512 // SSRCs, extensions, restrictions: each, of one section
)

// Direction of a section, seen from the side that wrote it.
type Direction uint8

// The four directions. SDP's default is SendRecv.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// String is the attribute's name.
func (d Direction) String() string {
	return [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}[d&3]
}

// Sends says whether the writer of the section sends on it.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Kind of a section.
type Kind uint8

// The kinds. Other is everything that is not RTP sound or picture.
const (
	Other Kind = iota
	Audio
	Video
)

// Offer is what matters of a session description.
type Offer struct {
	Ufrag, Pwd   string // ICE credentials of the offerer
	Fingerprints []Fingerprint
	Setup        string   // "actpass", "active" or "passive"
	Bundle       []string // mids of the bundle group
	Sections     []Section
}

// Fingerprint is a hash of the offerer's DTLS certificate.
type Fingerprint struct {
	Algorithm string // lower case, for example "sha-256"
	Value     string // upper-case hex with colons
}

// Section is one m-line and what follows it.
type Section struct {
	Kind        Kind
	Media       string // the word after "m="
	Protocol    string
	Formats     []string
	Port        int
	Mid         string
	BundleOnly  bool
	Direction   Direction
	ReducedRTCP bool    // single RTCP packets are welcome (RFC 5506)
	Codecs      []Codec // in the order of the m-line
	Extensions  []Extension
	SSRCs       []uint32    // in order, without repetition
	Pairs       [][2]uint32 // primary and retransmission (FID)
	RIDs        []string    // simulcast layers being sent, in order
}

// Stopped says that the section is not in use: the port is 0, and not only
// because it is bundled behind another (Firefox).
func (s *Section) Stopped() bool { return s.Port == 0 && !s.BundleOnly }

// Codec is one payload type of a section.
type Codec struct {
	PayloadType uint8
	Name        string // as written: "VP8", "opus", "red", "rtx"
	ClockRate   int
	Channels    int // 0 where not written
	Parameters  string
	Feedback    []string // for example "nack pli"
}

// Is compares the codec's name; case does not matter.
func (c *Codec) Is(name string) bool { return strings.EqualFold(c.Name, name) }

// Parameter returns the value of one format parameter, "" if it is not there.
func (c *Codec) Parameter(name string) string {
	for part := range strings.SplitSeq(c.Parameters, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// Extension is an RTP header extension.
type Extension struct {
	ID  uint8
	URI string
}

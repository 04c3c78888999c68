package observe

import (
	"math"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// State is where a connection is in its life.
type State string

// The states of a connection.
const (
	Joining   State = "joining"
	Connected State = "connected"
	Left      State = "left"     // by the client's LEAVE, or its page was closed before it joined
	Dropped   State = "dropped"  // lost, and not back in time
	Failed    State = "failed"   // media never came up, or the join was refused; the last step says why
	Removed   State = "removed"  // sent away; the reason says why
	Replaced  State = "replaced" // the same client came back with a new connection
)

// Steps of a join, as named in Step.
const (
	StepToken     = "token"     // the join token was valid
	StepSocket    = "socket"    // the WebSocket is open
	StepJoin      = "join"      // JOIN answered
	StepSubscribe = "subscribe" // the first offer answered
	StepICE       = "ice"       // a connectivity check got through
	StepDTLS      = "dtls"      // keys agreed: media is up
	StepAudio     = "audio"     // the first audio packet from the client
)

// StepNames returns the steps in the order in which they are taken.
func StepNames() []string {
	return []string{StepToken, StepSocket, StepJoin, StepSubscribe, StepICE, StepDTLS, StepAudio}
}

// Step is one thing a client gets through while joining.
type Step struct {
	Name  string `json:"name"`
	At    Time   `json:"at"`
	Fault string `json:"fault,omitempty"` // why it failed, as a sentence for the operator; empty when it did not
}

// Session is one connection of an attendee.
type Session struct {
	Key      string     `json:"key"` // names it in samples: SessionKey
	Attendee meeting.ID `json:"attendee"`
	External string     `json:"external"` // the attendee's ExternalUserId
	Content  bool       `json:"content"`  // a content share, not the person
	State    State      `json:"state"`
	Reason   string     `json:"reason,omitempty"` // why it ended, in words
	Opened   Time       `json:"opened"`
	Ended    Time       `json:"ended"`  // zero while it lasts
	Remote   string     `json:"remote"` // the client's address, without port; may be empty
	Client   string     `json:"client"` // what the client says it is
	Steps    []Step     `json:"steps"`  // in the order in which they happened
	Timing   Timing     `json:"timing,omitzero"`
	RTT      Span       `json:"signalingRtt,omitempty"` // of the signaling connection; 0 unknown

	// Quality sums up the whole connection; nil before it was measured.
	Quality *Quality `json:"quality,omitempty"`

	Muted    bool `json:"muted"`    // by the client or for want of the capability
	Silenced bool `json:"silenced"` // for want of the capability: unmuting in the client has no effect
	Video    bool `json:"video"`    // own video is live

	// Now is what changes all the time; nil unless the connection is up.
	// Samples are the last minutes, oldest first. Both are left out where
	// many sessions are listed.
	Now     *Now     `json:"now,omitempty"`
	Samples []Sample `json:"samples,omitempty"`
}

// MostEnded connections that are over are shown of a meeting, and of these
// MostEndedEach for each attendee and each one's content share.
const (
	MostEnded     = 300
	MostEndedEach = 3
)

// SessionKey names an attendee's own session by its id, and its content share
// as clients do.
func SessionKey(attendee meeting.ID, content bool) string {
	if content {
		return attendee.String() + meeting.ContentSuffix
	}
	return attendee.String()
}

// Timing is a client's own account of its start: how long it took, by its own
// clock, from the start to each milestone. Zero where it did not say.
type Timing struct {
	Socket       Span `json:"socket,omitempty"`
	JoinAck      Span `json:"joinAck,omitempty"`
	SubscribeAck Span `json:"subscribeAck,omitempty"`
	ICE          Span `json:"ice,omitempty"`
	FirstAudio   Span `json:"firstAudio,omitempty"`
	TimedOut     bool `json:"timedOut,omitempty"` // the client gave up on something
}

// Now is a connection at this moment.
type Now struct {
	Level  uint8 `json:"level"`  // dB below full scale, 0 is loudest, 127 silence
	Signal uint8 `json:"signal"` // 0 lost, 1 weak, 2 good
	Stats  Stats `json:"stats"`
}

// Quality is how good a connection has been, from all its samples.
type Quality struct {
	Samples   int     `json:"samples"`   // how many there were
	LossIn    float64 `json:"lossIn"`    // percent on average, to a tenth
	LossInMax float64 `json:"lossInMax"` // of the worst sample

	LossOut    float64 `json:"lossOut"`
	LossOutMax float64 `json:"lossOutMax"`

	RTT    Span `json:"rtt"` // of the media connection on average, where it was known
	RTTMax Span `json:"rttMax"`

	Weak      int `json:"weak"`      // samples with a weak or lost signal
	Concealed int `json:"concealed"` // samples in which audio from the client had to be made up
}

// GoodSignal is the Signal of a connection that nothing is wrong with.
const GoodSignal = 2

// Tenth rounds a percentage to a tenth.
func Tenth(percent float64) float64 { return math.Round(percent*10) / 10 }

// Sample is a moment of a connection, for drawing it over time.
type Sample struct {
	At         Time    `json:"at"`
	Level      uint8   `json:"level"`                // the loudest since the sample before, dB below full scale
	Signal     uint8   `json:"signal"`               // 0 lost, 1 weak, 2 good
	LossIn     float64 `json:"lossIn"`               // percent, to a tenth
	LossOut    float64 `json:"lossOut"`              // percent, to a tenth
	RTT        Span    `json:"rtt"`                  // of the media connection; 0 unknown
	KbpsIn     int     `json:"kbpsIn"`               // video from the client
	KbpsOut    int     `json:"kbpsOut"`              // video to it
	Available  int     `json:"available"`            // kbit/s the way to the client is thought to carry; 0 unknown
	Concealing bool    `json:"concealing,omitempty"` // audio from the client had to be made up
}

// Stats is what media has counted for a connection. It has the fields of
// media.PeerStats, and one can be converted to the other.
type Stats struct {
	Protocol  string `json:"protocol"` // "udp" or "tcp"
	Remote    string `json:"remote"`   // the client's media address and port
	Connected bool   `json:"connected"`

	PacketsIn  uint64 `json:"packetsIn"`
	PacketsOut uint64 `json:"packetsOut"`
	BytesIn    uint64 `json:"bytesIn"` // of RTP and RTCP, with headers, without UDP's
	BytesOut   uint64 `json:"bytesOut"`
	Discarded  uint64 `json:"discarded"` // not authentic, not parsable or of no known stream

	AudioLevel     uint8   `json:"audioLevel"`     // dB below full scale
	AudioConcealed uint64  `json:"audioConcealed"` // 20 ms frames from the client that were made up
	AudioLate      uint64  `json:"audioLate"`      // and that were thrown away
	AudioBuffered  int     `json:"audioBuffered"`  // ms in the jitter buffer
	UplinkLoss     float64 `json:"uplinkLoss"`     // percent of the last report interval
	DownlinkLoss   float64 `json:"downlinkLoss"`   // likewise
	RTTMillis      int     `json:"rtt"`            // ms, 0 if unknown

	VideoKbpsIn   int    `json:"videoKbpsIn"`
	VideoKbpsOut  int    `json:"videoKbpsOut"`
	NACKsIn       uint64 `json:"nacksIn"`
	NACKsOut      uint64 `json:"nacksOut"`
	Retransmitted uint64 `json:"retransmitted"`
	PLIsIn        uint64 `json:"plisIn"`
	PLIsOut       uint64 `json:"plisOut"`
	AvailableKbps int    `json:"availableKbps"` // estimated towards the client, 0 unknown
	Watching      int    `json:"watching"`      // videos being sent to the client
}

// Refusal is a join that was refused for its token. Whose token it was is not
// known.
type Refusal struct {
	ID     string `json:"id"` // tells it from others
	At     Time   `json:"at"`
	Remote string `json:"remote"` // the client's address, without port
	Words  string `json:"words"`  // why, for the operator
}

package media

import "time"

// Permissions are what a peer may do now. They follow the attendee's
// capabilities and may change during the call.
type Permissions struct {
	AudioSend, AudioReceive bool
	// VideoSend is the camera; on a content session, the shared content.
	VideoSend, VideoReceive bool
	// ContentReceive is heeded only together with VideoReceive.
	ContentReceive bool
}

// VideoLimit bounds what one peer may publish, from the meeting's features.
// The zero value sets no bound.
type VideoLimit struct {
	// Off refuses any video from the peer.
	Off bool
	// Height in pixels is that of the largest picture. The client chooses its
	// resolution from the meeting's features itself; a codec whose parameters
	// limit the picture (H264) is told to allow Height. 0 means 720.
	Height int
	// MaxKbps is the bandwidth the answer allows for the camera section, in
	// kbit/s; 0 means no limit.
	MaxKbps int
}

// PeerConfig describes one client connection.
type PeerConfig struct {
	// AttendeeID names the peer in the index; a content session's ends in
	// "#content".
	AttendeeID string
	// Content marks a content session: it receives no video, and its sound is
	// kept out of what Owner hears.
	Content bool
	// Owner is the attendee behind the session: AttendeeID itself unless
	// Content is set.
	Owner string
	// ExternalUserID is handed back in Source and used for nothing else.
	ExternalUserID string
	// AudioStreamID is the key the room's Levels report under. Unique in the
	// room, not 0.
	AudioStreamID uint32
	// Permissions at the start; see Peer.SetPermissions.
	Permissions Permissions
	// MaxVideo bounds what the peer publishes.
	MaxVideo VideoLimit
	// ServerSideAdaption lets the node choose layers and pause videos by the
	// bandwidth towards this peer, and probe for more.
	ServerSideAdaption bool
	// NoPeriodicKeyFrames stops the request for a key frame every ten seconds
	// that a content session's video otherwise gets.
	NoPeriodicKeyFrames bool
	// Events receives what happens to the peer; nil means nobody listens.
	Events PeerEvents
}

// PeerEvents is what a peer tells its owner. The calls for one node come one
// at a time, in order, from a goroutine of the node's: they must not block,
// but may call any method of Node, Room and Peer. None begins after
// Peer.Close has returned.
type PeerEvents interface {
	// Connected: ICE and DTLS are up, media can flow.
	Connected()
	// AudioStarted: the first audio packet has arrived.
	AudioStarted()
	// Failed: the transport is lost. errors.Is tells ErrTimeout (nothing was
	// received for Config.Timeout), ErrClosedByClient and ErrHandshake.
	// The peer sends and receives nothing more; it must still be closed.
	Failed(err error)
	// VideoStarted and VideoStopped: the peer's own video became live for the
	// others, or is gone.
	VideoStarted()
	VideoStopped()
	// SourcesChanged: Peer.Index would now answer differently.
	SourcesChanged()
	// Paused and Resumed: the node stopped or took up again sending these
	// groups for lack of bandwidth (server-side adaption).
	Paused(groups []uint32)
	Resumed(groups []uint32)
	// Bitrates every two seconds while the peer watches video: the average of
	// each stream listed in its index, and the estimated bandwidth towards it
	// in kbit/s (0 while unknown).
	Bitrates(streams []StreamBitrate, availableKbps int)
	// StepDone marks a milestone of the connection, one of the Step constants.
	StepDone(step string, at time.Time)
}

// Milestones of a connection, as given to PeerEvents.StepDone.
const (
	StepICE           = "ice"             // first valid connectivity check
	StepDTLS          = "dtls"            // keys agreed
	StepFirstAudioIn  = "first-audio-in"  // first audio packet from the client
	StepFirstAudioOut = "first-audio-out" // first audio packet to the client
	StepFirstVideoIn  = "first-video-in"  // first video packet from the client
)

// Offer is one SUBSCRIBE of the client.
type Offer struct {
	// SDP is the client's offer.
	SDP string
	// SendVideo are the video descriptors of send_streams in order: one, or
	// two or three for simulcast from the lowest layer up.
	SendVideo []VideoDescriptor
	// Duplex says that the client sends video.
	Duplex bool
	// ReceiveStreamIDs has one entry for each video section of SDP in order,
	// 0 where nothing is to be received.
	ReceiveStreamIDs []uint32
	// Subscriptions say more about sections by mid; may be empty.
	Subscriptions []VideoSubscription
	// Muted is the client's mute state.
	Muted bool
}

// VideoDescriptor describes one video encoding the client means to send.
type VideoDescriptor struct {
	// MaxKbps is its largest bitrate in kbit/s; 0 means this simulcast layer is
	// switched off.
	MaxKbps uint32
	// Framerate in frames per second; 0 unknown.
	Framerate uint32
}

// VideoSubscription is a wish for what is sent on one receiving section.
type VideoSubscription struct {
	// Mid names the section.
	Mid string
	// StreamID asks for this layer; 0 leaves the choice.
	StreamID uint32
	// GroupID names the publication when StreamID is 0.
	GroupID uint32
	// Priority: the higher, the later it is degraded.
	Priority uint32
	// TargetKbps is as much as the client wants, in kbit/s; 0 means the best.
	TargetKbps uint32
}

// Answer is what to put into the SUBSCRIBE_ACK.
type Answer struct {
	// SDP is the complete answer, with CRLF line ends and all candidates.
	SDP string
	// Allocations has one entry per Offer.SendVideo, in order; empty if the
	// peer sends no video.
	Allocations []Allocation
	// Tracks has a row for each video section on which the peer now receives.
	Tracks []TrackMapping
	// VideoRefused says that the peer wanted to send video and may not, for
	// want of permission or room (status 206).
	VideoRefused bool
}

// Allocation are the ids the room gave to one encoding being sent.
type Allocation struct{ StreamID, GroupID uint32 }

// TrackMapping ties a stream to the section and SSRC it is received on.
type TrackMapping struct {
	StreamID uint32
	SSRC     uint32
	// Label is "v_" and the section's mid.
	Label string
}

// Index is everything a peer is told about the room's video.
type Index struct {
	// AtCapacity says that the peer cannot start video now.
	AtCapacity bool
	// Sources are the videos the peer may watch, oldest publication first.
	Sources []Source
	// PausedAtSource lists stream ids from whose sender nothing arrives.
	PausedAtSource []uint32
	// Codecs are those that every peer of the room can decode, best first;
	// empty if that is unknown.
	Codecs []Codec
}

// Source is one layer of one publication.
type Source struct {
	StreamID, GroupID uint32
	// MaxKbps as the publisher announced it.
	MaxKbps uint32
	// AvgBps is what was measured, bits per second.
	AvgBps uint32
	// Framerate in frames per second, Width and Height in pixels: measured,
	// 0 where unknown.
	Framerate, Width, Height uint32
	AttendeeID               string
	ExternalUserID           string
}

// StreamBitrate is the measured average of one stream in bits per second.
type StreamBitrate struct{ StreamID, AvgBps uint32 }

// PeerStats is a snapshot for the console and metrics. Counters run from the
// peer's start; a reader makes rates from two snapshots.
type PeerStats struct {
	// Protocol is "udp" or "tcp", Remote the client's address and port; empty
	// before the connection is up.
	Protocol, Remote string
	Connected        bool

	PacketsIn, PacketsOut uint64
	BytesIn, BytesOut     uint64 // of RTP and RTCP, with headers, without UDP's
	Discarded             uint64 // not authentic, not parsable or of no known stream

	// AudioLevel in dB below full scale, 127 for silence.
	AudioLevel uint8
	// AudioConcealed and AudioLate count 20 ms frames of the uplink made up
	// and thrown away; AudioBuffered is the jitter buffer in ms.
	AudioConcealed, AudioLate uint64
	AudioBuffered             int
	// UplinkLoss is what went missing on the way here and DownlinkLoss what
	// the client reports missing, in percent of the last report interval.
	UplinkLoss, DownlinkLoss float64
	// RTT in milliseconds from RTCP, 0 if unknown.
	RTTMillis int

	VideoKbpsIn, VideoKbpsOut int
	NACKsIn, NACKsOut         uint64
	Retransmitted             uint64
	PLIsIn, PLIsOut           uint64
	// AvailableKbps is the estimated bandwidth towards the client, 0 unknown.
	AvailableKbps int
	// Watching is how many videos are being sent to the peer.
	Watching int
}

// Codec is one of the video codecs clients name in their capabilities.
type Codec uint8

// The codecs the node forwards.
const (
	CodecVP8 Codec = iota + 1
	CodecVP9
	CodecH264 // constrained baseline profile
	CodecAV1
)

// String is the codec's name as in SDP.
func (c Codec) String() string {
	switch c {
	case CodecVP8:
		return "VP8"
	case CodecVP9:
		return "VP9"
	case CodecH264:
		return "H264"
	case CodecAV1:
		return "AV1"
	}
	return "unknown"
}

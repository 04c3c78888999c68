package signal

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// subscribeTimeout bounds the answering of one offer; clients give up after
// 15 s.
const subscribeTimeout = 10 * time.Second

// subscribe answers SUBSCRIBE: the client's offer, for its first connection or
// for any later change of what is sent either way.
func (s *session) subscribe(f *wire.Subscribe) error {
	if !s.limits.subscribes.AllowN(time.Now(), 1) {
		return s.hangUp(overBudget, "too many offers")
	}
	var peer Peer
	var at state
	s.conference.update(func() { peer, at = s.peer, s.state })
	switch {
	case at < joined:
		return s.hangUp(badFrames, "SUBSCRIBE before JOIN")
	case peer == nil || f == nil:
		return nil // on its way out
	}
	offer, err := s.offer(f)
	if err == nil {
		err = s.answer(peer, f, offer)
	}
	if err != nil {
		s.refuseOffer(err)
	}
	return nil
}

// answer has media answer the offer and sends SUBSCRIBE_ACK.
func (s *session) answer(peer Peer, f *wire.Subscribe, offer media.Offer) error {
	ctx, cancel := context.WithTimeout(s.conn.ctx, subscribeTimeout)
	defer cancel()
	s.conference.update(func() { s.setMutedLocked(offer.Muted) })
	answer, err := peer.Subscribe(ctx, offer)
	if err != nil {
		return err
	}
	ack := &wire.SubscribeAck{Duplex: f.GetDuplex().Enum()}
	for _, a := range answer.Allocations {
		ack.Allocations = append(ack.Allocations, &wire.Allocation{StreamId: proto.Uint32(a.StreamID), GroupId: proto.Uint32(a.GroupID)})
	}
	for _, t := range answer.Tracks {
		ack.Tracks = append(ack.Tracks, &wire.Track{
			StreamId: proto.Uint32(t.StreamID), Ssrc: proto.Uint32(t.SSRC), TrackLabel: proto.String(t.Label),
		})
	}
	if s.deflate == nil {
		ack.SdpAnswer = proto.String(answer.SDP)
	} else if ack.CompressedSdpAnswer, err = s.deflate.Deflate(answer.SDP); err != nil {
		return err
	}
	out := newFrame(wire.Frame_SUBSCRIBE_ACK, s.server.cfg.Now())
	out.SubscribeAck = ack
	if answer.VideoRefused {
		out.Error = errorOf(statusViewOnly)
	}
	s.rec.Step(observe.StepSubscribe, s.conference.now()) // before the client can go on to the next one
	s.conn.send(mustEncode(out))
	return nil
}

// offer translates SUBSCRIBE for media.
func (s *session) offer(f *wire.Subscribe) (media.Offer, error) {
	o := media.Offer{
		SDP: f.GetSdpOffer(), Duplex: f.GetDuplex() == wire.Service_DUPLEX, ReceiveStreamIDs: f.GetReceiveStreamIds(),
		Subscriptions: subscriptions(f.GetVideoSubscriptions()), Muted: f.GetAudioMuted(),
	}
	if packed := f.GetCompressedSdpOffer(); len(packed) > 0 {
		var err error
		if o.SDP, err = s.inflate.Inflate(packed); err != nil {
			return o, err
		}
	}
	for _, d := range f.GetSendStreams() {
		if d.GetMediaType() == wire.Media_VIDEO {
			o.SendVideo = append(o.SendVideo, media.VideoDescriptor{MaxKbps: d.GetMaxBitrateKbps(), Framerate: d.GetFramerate()})
		}
	}
	return o, nil
}

// subscriptions translates wishes for received video.
func subscriptions(in []*wire.VideoSubscription) []media.VideoSubscription {
	out := make([]media.VideoSubscription, len(in))
	for i, v := range in {
		out[i] = media.VideoSubscription{
			Mid: v.GetMid(), StreamID: v.GetStreamId(), GroupID: v.GetGroupId(),
			Priority: v.GetPriority(), TargetKbps: v.GetTargetBitrateKbps(),
		}
	}
	return out
}

// refuseOffer tells the client that its offer could not be answered. With a
// broken one it gives up; after a fault of ours it reconnects.
func (s *session) refuseOffer(err error) {
	why := offerCause(err)
	s.log.Warn("offer not answered", "why", why.explain(err))
	s.conference.update(func() {
		if !s.rec.Took(observe.StepSubscribe) {
			s.fails(observe.StepSubscribe, why.explain(err))
		}
		s.conn.send(why.outcome().joined.frame(s.conference.now()))
	})
}

// updateVideo changes what the client receives without a new offer.
func (s *session) updateVideo(u *wire.VideoUpdate) {
	s.withPeer(func(p Peer) { p.UpdateVideo(subscriptions(u.GetChanged()), u.GetRemovedMids()) })
}

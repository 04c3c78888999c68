package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// createMediaLiveConnectorPipeline begins to stream a meeting.
func (s *Server) createMediaLiveConnectorPipeline(c *call) (respond, error) {
	in, err := c.readConnector()
	if err != nil {
		return nil, err
	}
	return s.createPipeline(c, &in)
}

// connectorInput is the body as given. Of each list the last item is kept: there
// may be but one.
type connectorInput struct {
	token                         restjson.Text
	sources, sinks                listInput
	sourceType, arn, mux          restjson.Text
	sourceSet, streamSet          bool
	composited                    compositedInput
	selected                      captureConfiguration // of it, the videos that are selected
	sinkType, url, channels, rate restjson.Text
	tags                          tagsInput
}

func (c *call) readConnector() (in connectorInput, err error) {
	r := restjson.Read(c.body)
	for name := range r.Object([]string{"Sources", "Sinks", "ClientRequestToken", "Tags"}) {
		switch name {
		case "Sources":
			in.sources.read(r, in.readSource)
		case "Sinks":
			in.sinks.read(r, in.readSink)
		case "ClientRequestToken":
			in.token = r.Text()
		default:
			in.tags = readTags(r)
		}
	}
	return in, r.End()
}

func (in *connectorInput) readSource(r *restjson.Reader) {
	for name := range r.Object([]string{"SourceType", "ChimeSdkMeetingLiveConnectorConfiguration"}) {
		if name == "SourceType" {
			in.sourceType = r.Text()
		} else if in.sourceSet = r.Present(); in.sourceSet {
			in.readConfiguration(r)
		}
	}
}

func (in *connectorInput) readConfiguration(r *restjson.Reader) {
	for name := range r.Object([]string{"Arn", "MuxType", "CompositedVideo", "SourceConfiguration"}) {
		switch name {
		case "Arn":
			in.arn = r.Text()
		case "MuxType":
			in.mux = r.Text()
		case "CompositedVideo":
			in.composited.read(r)
		default:
			if r.Present() {
				for range r.Object([]string{"SelectedVideoStreams"}) {
					in.selected.readSelected(r)
				}
			}
		}
	}
}

func (in *connectorInput) readSink(r *restjson.Reader) {
	for name := range r.Object([]string{"SinkType", "RTMPConfiguration"}) {
		if name == "SinkType" {
			in.sinkType = r.Text()
		} else if in.streamSet = r.Present(); in.streamSet {
			for name := range r.Object([]string{"Url", "AudioChannels", "AudioSampleRate"}) {
				switch name {
				case "Url":
					in.url = r.Text()
				case "AudioChannels":
					in.channels = r.Text()
				default:
					in.rate = r.Text()
				}
			}
		}
	}
}

// The constraints of the input.
var (
	connectorMux  = restjson.TextRule{Enum: []string{withComposition, withSpeaker}}
	streamSink    = restjson.TextRule{Enum: []string{"RTMP"}}
	streamURL     = restjson.TextRule{Min: 1, Max: 1024}
	audioChannels = restjson.TextRule{Enum: []string{"Stereo", "Mono"}}
	audioRate     = restjson.TextRule{Match: func(s string) bool { return s == "44100" || s == "48000" }, Pattern: "44100|48000"}
)

func (in *connectorInput) check(c *call, v *restjson.Violations) {
	token, tags := restjson.At("clientRequestToken"), restjson.At("tags")
	v.Text(&token, in.token, &clientRequestToken)
	c.shapes.checkTags(v, &tags, &in.tags, meeting.MaxPipelineTags)
	sources, sinks := restjson.At("sources"), restjson.At("sinks")
	if in.sources.check(v, &sources) {
		source := sources.Item(0)
		in.checkSource(v, &source)
	}
	if in.sinks.check(v, &sinks) {
		sink := sinks.Item(0)
		in.checkSink(v, &sink)
	}
}

func (in *connectorInput) checkSource(v *restjson.Violations, at *restjson.Path) {
	kind, meeting := at.Member("sourceType"), at.Member("chimeSdkMeetingLiveConnectorConfiguration")
	v.RequiredText(&kind, in.sourceType, &meetingSource)
	if !in.sourceSet {
		v.Missing(&meeting)
		return
	}
	arn, mux, composited, source := meeting.Member("arn"), meeting.Member("muxType"), meeting.Member("compositedVideo"), meeting.Member("sourceConfiguration")
	v.RequiredText(&arn, in.arn, &pipelineArnIn)
	v.RequiredText(&mux, in.mux, &connectorMux)
	in.composited.check(v, &composited)
	in.selected.checkSelected(v, &source)
	if in.mux.Value == withComposition && !in.composited.set {
		v.Rule(noComposition)
	}
}

// noComposition refuses to compose without being told how (API decision P-31).
const noComposition = "AudioWithCompositedVideo needs CompositedVideo."

func (in *connectorInput) checkSink(v *restjson.Violations, at *restjson.Path) {
	kind, stream := at.Member("sinkType"), at.Member("rTMPConfiguration")
	v.RequiredText(&kind, in.sinkType, &streamSink)
	if !in.streamSet {
		v.Missing(&stream)
		return
	}
	url, channels, rate := stream.Member("url"), stream.Member("audioChannels"), stream.Member("audioSampleRate")
	v.RequiredText(&url, in.url, &streamURL)
	v.Text(&channels, in.channels, &audioChannels)
	v.Text(&rate, in.rate, &audioRate)
}

// pipeline puts the command together.
func (in *connectorInput) pipeline(owner meeting.Owner) (n meeting.NewPipeline, err error) {
	n = meeting.NewPipeline{
		Kind: meeting.LiveConnectorPipeline, Owner: owner, ClientRequestToken: in.token.Value, Tags: in.tags.tags(),
		Settings: meeting.PipelineSettings{
			SourceArn: in.arn.Value, ActiveSpeakerVideo: in.mux.Value == withSpeaker, Composition: in.composited.composition(),
			Artifacts: meeting.Artifacts{Audio: true, Composed: in.mux.Value == withComposition},
			Attendees: in.selected.attendees.texts(), Users: in.selected.users.texts(),
			Stream: meeting.Stream{URL: meeting.StreamURL(in.url.Value), Channels: in.channels.Value, SampleRate: in.rate.Value},
		},
	}
	if _, err := n.Settings.Stream.URL.Target(); err != nil {
		return n, err
	}
	n.Meeting, err = sourceMeeting(owner, "arn", n.Settings.SourceArn)
	return n, err
}

// writeConnector writes a MediaLiveConnectorPipeline. The URL is in it, as the
// creator gave it: only the creator's account reads it.
func writeConnector(w *restjson.Writer, p *meeting.Pipeline) {
	s := &p.Settings
	w.Object()
	w.Name("Sources")
	w.Array()
	w.Object()
	w.PlainMember("SourceType", chimeMeeting)
	w.Name("ChimeSdkMeetingLiveConnectorConfiguration")
	w.Object()
	w.Member("Arn", s.SourceArn)
	mux := withSpeaker
	if s.Artifacts.Composed {
		mux = withComposition
	}
	w.PlainMember("MuxType", mux)
	writeComposition(w, s.Composition)
	writeSelected(w, s)
	w.EndObject()
	w.EndObject()
	w.EndArray()
	w.Name("Sinks")
	w.Array()
	w.Object()
	w.PlainMember("SinkType", "RTMP")
	w.Name("RTMPConfiguration")
	w.Object()
	w.Member("Url", string(s.Stream.URL))
	w.OptionalMember("AudioChannels", s.Stream.Channels)
	w.OptionalMember("AudioSampleRate", s.Stream.SampleRate)
	w.EndObject()
	w.EndObject()
	w.EndArray()
	w.PlainMember("MediaPipelineId", p.ID.String())
	w.Member("MediaPipelineArn", pipelineArn(p))
	w.PlainMember("Status", p.Status.String())
	timestamp(w, "CreatedTimestamp", p.Created)
	timestamp(w, "UpdatedTimestamp", p.Updated)
	w.EndObject()
}

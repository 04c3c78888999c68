package api

import (
	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// createMediaConcatenationPipeline begins to join what a capture has recorded.
func (s *Server) createMediaConcatenationPipeline(c *call) (respond, error) {
	in, err := c.readConcatenation()
	if err != nil {
		return nil, err
	}
	return s.createPipeline(c, &in)
}

// concatenationInput is the body as given. Of each list the last item is kept:
// there may be but one.
type concatenationInput struct {
	token              restjson.Text
	sources, sinks     listInput
	sourceType         restjson.Text
	sourceSet          bool
	sourceArn          restjson.Text
	configured, chosen bool // ChimeSdkMeetingConfiguration and ArtifactsConfiguration are there
	artifacts          [len(artifactNames)]artifactInput
	sinkType           restjson.Text
	sinkSet            bool
	destination        restjson.Text
	tags               tagsInput
}

// listInput is a list of which only the length matters.
type listInput struct {
	set   bool
	count int
}

// artifactNames are the members of ArtifactsConfiguration, in the order in which
// they are answered.
var artifactNames = [...]string{"Audio", "Video", "Content", "DataChannel", "TranscriptionMessages", "MeetingEvents", "CompositedVideo"}

func (c *call) readConcatenation() (in concatenationInput, err error) {
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

func (l *listInput) read(r *restjson.Reader, item func(*restjson.Reader)) {
	if l.set = r.Present(); !l.set {
		return
	}
	for range r.Array() {
		l.count++
		if r.Present() {
			item(r)
		}
	}
}

func (in *concatenationInput) readSource(r *restjson.Reader) {
	for name := range r.Object([]string{"Type", "MediaCapturePipelineSourceConfiguration"}) {
		if name == "Type" {
			in.sourceType = r.Text()
			continue
		}
		if in.sourceSet = r.Present(); !in.sourceSet {
			continue
		}
		for name := range r.Object([]string{"MediaPipelineArn", "ChimeSdkMeetingConfiguration"}) {
			if name == "MediaPipelineArn" {
				in.sourceArn = r.Text()
			} else if in.configured = r.Present(); in.configured {
				in.readArtifacts(r)
			}
		}
	}
}

func (in *concatenationInput) readArtifacts(r *restjson.Reader) {
	for range r.Object([]string{"ArtifactsConfiguration"}) {
		if in.chosen = r.Present(); !in.chosen {
			continue
		}
		for name := range r.Object(artifactNames[:]) {
			for i := range artifactNames {
				if artifactNames[i] == name {
					in.artifacts[i].read(r)
				}
			}
		}
	}
}

func (in *concatenationInput) readSink(r *restjson.Reader) {
	for name := range r.Object([]string{"Type", "S3BucketSinkConfiguration"}) {
		if name == "Type" {
			in.sinkType = r.Text()
			continue
		}
		if in.sinkSet = r.Present(); in.sinkSet {
			for range r.Object([]string{"Destination"}) {
				in.destination = r.Text()
			}
		}
	}
}

func (in *concatenationInput) check(c *call, v *restjson.Violations) {
	token, tags := restjson.At("clientRequestToken"), restjson.At("tags")
	v.Text(&token, in.token, &clientRequestToken)
	c.shapes.checkTags(v, &tags, &in.tags, meeting.MaxPipelineTags)
	in.checkSources(v)
	sinks := restjson.At("sinks")
	if !in.sinks.check(v, &sinks) {
		return
	}
	sink := sinks.Item(0)
	kind, bucket := sink.Member("type"), sink.Member("s3BucketSinkConfiguration")
	v.RequiredText(&kind, in.sinkType, &bucketSink)
	if !in.sinkSet {
		v.Missing(&bucket)
		return
	}
	destination := bucket.Member("destination")
	v.RequiredText(&destination, in.destination, &pipelineArnIn)
}

// check demands a list of exactly one item.
func (l *listInput) check(v *restjson.Violations, at *restjson.Path) bool {
	if !l.set {
		v.Missing(at)
		return false
	}
	v.Length(at, l.count, 1, 1)
	return l.count == 1
}

func (in *concatenationInput) checkSources(v *restjson.Violations) {
	sources := restjson.At("sources")
	if !in.sources.check(v, &sources) {
		return
	}
	source := sources.Item(0)
	kind, capture := source.Member("type"), source.Member("mediaCapturePipelineSourceConfiguration")
	v.RequiredText(&kind, in.sourceType, &restjson.TextRule{Enum: []string{captureSource}})
	if !in.sourceSet {
		v.Missing(&capture)
		return
	}
	arn, configuration := capture.Member("mediaPipelineArn"), capture.Member("chimeSdkMeetingConfiguration")
	v.RequiredText(&arn, in.sourceArn, &pipelineArnIn)
	artifacts := configuration.Member("artifactsConfiguration")
	switch {
	case !in.configured:
		v.Missing(&configuration)
		return
	case !in.chosen:
		v.Missing(&artifacts)
		return
	}
	for i, name := range artifactNames {
		at := artifacts.Member(lowerFirst(name))
		if !in.artifacts[i].set {
			v.Missing(&at)
			continue
		}
		state, rule := at.Member("state"), artifactState
		if name == "Audio" {
			rule = restjson.TextRule{Enum: []string{enabled}}
		}
		v.RequiredText(&state, in.artifacts[i].state, &rule)
	}
}

func (in *concatenationInput) pipeline(owner meeting.Owner) (n meeting.NewPipeline, err error) {
	on := func(i int) bool { return in.artifacts[i].state.Value == enabled }
	n = meeting.NewPipeline{
		Kind: meeting.ConcatenationPipeline, Owner: owner, ClientRequestToken: in.token.Value, Tags: in.tags.tags(),
		Settings: meeting.PipelineSettings{
			SourceArn: in.sourceArn.Value, SinkArn: in.destination.Value,
			Artifacts: meeting.Artifacts{
				Audio: on(0), Video: on(1), Content: on(2), DataChannel: on(3), Transcription: on(4), MeetingEvents: on(5), Composed: on(6),
			},
		},
	}
	s := &n.Settings
	if s.Bucket, s.Prefix, err = parseSink("destination", s.SinkArn); err != nil {
		return n, err
	}
	resource, ok := parseArn(s.SourceArn)
	if !ok || resource.pipelineID == "" {
		return n, meeting.Errorf(meeting.Invalid, "Value at 'mediaPipelineArn' is not the ARN of a media pipeline.")
	}
	if resource.account != owner.Account {
		return n, meeting.Errorf(meeting.Forbidden, "Resource ownership mismatch")
	}
	if s.Source, ok = resource.ownPipeline(owner); !ok {
		return n, meeting.Errorf(meeting.Invalid, "MediaPipeline %s not found", s.SourceArn)
	}
	return n, nil
}

// writeConcatenation writes a MediaConcatenationPipeline.
func writeConcatenation(w *restjson.Writer, p *meeting.Pipeline) {
	w.Object()
	w.PlainMember("MediaPipelineId", p.ID.String())
	w.Member("MediaPipelineArn", pipelineArn(p))
	w.Name("Sources")
	w.Array()
	w.Object()
	w.PlainMember("Type", captureSource)
	w.Name("MediaCapturePipelineSourceConfiguration")
	w.Object()
	w.Member("MediaPipelineArn", p.Settings.SourceArn)
	w.Name("ChimeSdkMeetingConfiguration")
	w.Object()
	w.Name("ArtifactsConfiguration")
	w.Object()
	a := &p.Settings.Artifacts
	for i, on := range [len(artifactNames)]bool{a.Audio, a.Video, a.Content, a.DataChannel, a.Transcription, a.MeetingEvents, a.Composed} {
		writeArtifact(w, artifactNames[i], on, "")
	}
	w.EndObject()
	w.EndObject()
	w.EndObject()
	w.EndObject()
	w.EndArray()
	w.Name("Sinks")
	w.Array()
	w.Object()
	w.PlainMember("Type", s3Bucket)
	w.Name("S3BucketSinkConfiguration")
	w.Object()
	w.Member("Destination", p.Settings.SinkArn)
	w.EndObject()
	w.EndObject()
	w.EndArray()
	w.PlainMember("Status", p.Status.String())
	timestamp(w, "CreatedTimestamp", p.Created)
	timestamp(w, "UpdatedTimestamp", p.Updated)
	w.EndObject()
}

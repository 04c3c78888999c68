package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// PipelineControl keeps media pipelines. A kind of 0 stands for any.
type PipelineControl interface {
	CreatePipeline(ctx context.Context, n meeting.NewPipeline, ready func(context.Context) error) (*meeting.Pipeline, error)
	GetPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) (*meeting.Pipeline, error)
	ListPipelines(ctx context.Context, owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) (list []*meeting.Pipeline, next string, err error)
	StopPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, kind meeting.PipelineKind) error
	PipelineTags(ctx context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error)
	TagPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error
	UntagPipeline(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error
}

// pipelineInput is the body of a call that creates a media pipeline.
type pipelineInput interface {
	// check notes what breaks the constraints of single members.
	check(c *call, v *restjson.Violations)
	// pipeline puts the command together. What is wrong with ARNs and URLs is
	// found out here.
	pipeline(owner meeting.Owner) (meeting.NewPipeline, error)
}

// createPipeline creates a pipeline, if what carries it out is ready for it.
func (s *Server) createPipeline(c *call, in pipelineInput) (respond, error) {
	var v restjson.Violations
	in.check(c, &v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	n, err := in.pipeline(c.owner)
	if err != nil {
		return nil, err
	}
	if n.ClientRequestToken == "" { // SDKs make one up, too
		n.ClientRequestToken = uuid.NewString()
	}
	p, err := s.cfg.Control.CreatePipeline(c.ctx, n, func(ctx context.Context) error {
		if s.cfg.PipelineReady == nil {
			return meeting.Errorf(meeting.Invalid, "Media capture is not configured on this server")
		}
		return s.cfg.PipelineReady(ctx, &n)
	})
	if err != nil {
		return nil, err
	}
	return c.onePipeline(p), nil
}

// onePipeline answers with a pipeline.
func (c *call) onePipeline(p *meeting.Pipeline) respond {
	return func(w *restjson.Writer) { c.writePipeline(w, p) }
}

// writePipeline writes an object of one member, which is named by the pipeline's
// kind.
func (c *call) writePipeline(w *restjson.Writer, p *meeting.Pipeline) {
	w.Object()
	switch p.Kind {
	case meeting.ConcatenationPipeline:
		w.Name("MediaConcatenationPipeline")
		writeConcatenation(w, p)
	case meeting.LiveConnectorPipeline:
		w.Name("MediaLiveConnectorPipeline")
		writeConnector(w, p)
	default:
		w.Name("MediaCapturePipeline")
		c.writeCapture(w, p)
	}
	w.EndObject()
}

// pipelineID reads the label of the path.
func (c *call) pipelineID(v *restjson.Violations) meeting.ID {
	return guidLabel(v, "mediaPipelineId", c.labels.pipelineID)
}

// pipelineArn returns the name of a pipeline.
func pipelineArn(p *meeting.Pipeline) string {
	return "arn:" + partition(p.Owner.Region) + ":chime:" + p.Owner.Region + ":" + p.Owner.Account + ":media-pipeline/" + p.ID.String()
}

// Names that the API has for the only kinds there are.
const (
	chimeMeeting    = "ChimeSdkMeeting"
	s3Bucket        = "S3Bucket"
	captureSource   = "MediaCapturePipeline"
	enabled         = "Enabled"
	disabled        = "Disabled"
	audioOnly       = "AudioOnly"
	withSpeaker     = "AudioWithActiveSpeakerVideo"
	withComposition = "AudioWithCompositedVideo"
	videoOnly       = "VideoOnly"
	contentOnly     = "ContentOnly"
)

// timestamp writes a time as the API does.
func timestamp(w *restjson.Writer, name string, at time.Time) {
	w.PlainMember(name, at.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// writeCapture writes a MediaCapturePipeline.
func (c *call) writeCapture(w *restjson.Writer, p *meeting.Pipeline) {
	w.Object()
	w.PlainMember("MediaPipelineId", p.ID.String())
	if !c.legacy() {
		w.Member("MediaPipelineArn", pipelineArn(p))
	}
	w.PlainMember("SourceType", chimeMeeting)
	w.Member("SourceArn", p.Settings.SourceArn)
	w.PlainMember("Status", p.Status.String())
	w.PlainMember("SinkType", s3Bucket)
	w.Member("SinkArn", p.Settings.SinkArn)
	timestamp(w, "CreatedTimestamp", p.Created)
	timestamp(w, "UpdatedTimestamp", p.Updated)
	writeCaptureConfiguration(w, &p.Settings)
	if !c.legacy() && p.Settings.KMSKey != "" {
		w.Name("SseAwsKeyManagementParams")
		w.Object()
		w.Member("AwsKmsKeyId", p.Settings.KMSKey)
		w.OptionalMember("AwsKmsEncryptionContext", p.Settings.KMSContext)
		w.EndObject()
		w.Member("SinkIamRoleArn", p.Settings.Role)
	}
	w.EndObject()
}

// writeCaptureConfiguration writes what is recorded, defaults filled in.
func writeCaptureConfiguration(w *restjson.Writer, s *meeting.PipelineSettings) {
	w.Name("ChimeSdkMeetingConfiguration")
	w.Object()
	writeSelected(w, s)
	mux := audioOnly
	switch {
	case s.ActiveSpeakerVideo:
		mux = withSpeaker
	case s.Artifacts.Composed:
		mux = withComposition
	}
	w.Name("ArtifactsConfiguration")
	w.Object()
	w.Name("Audio")
	w.Object()
	w.PlainMember("MuxType", mux)
	w.EndObject()
	writeArtifact(w, "Video", s.Artifacts.Video, videoOnly)
	writeArtifact(w, "Content", s.Artifacts.Content, contentOnly)
	writeComposition(w, s.Composition)
	w.EndObject()
	w.EndObject()
}

// writeSelected writes SourceConfiguration, if videos are selected.
func writeSelected(w *restjson.Writer, s *meeting.PipelineSettings) {
	if len(s.Attendees)+len(s.Users) == 0 {
		return
	}
	w.Name("SourceConfiguration")
	w.Object()
	w.Name("SelectedVideoStreams")
	w.Object()
	writeTexts(w, "AttendeeIds", s.Attendees)
	writeTexts(w, "ExternalUserIds", s.Users)
	w.EndObject()
	w.EndObject()
}

func writeArtifact(w *restjson.Writer, name string, on bool, mux string) {
	w.Name(name)
	w.Object()
	writeState(w, on)
	if mux != "" {
		w.PlainMember("MuxType", mux)
	}
	w.EndObject()
}

func writeState(w *restjson.Writer, on bool) {
	if on {
		w.PlainMember("State", enabled)
	} else {
		w.PlainMember("State", disabled)
	}
}

// writeTexts writes a list, unless it is empty.
func writeTexts(w *restjson.Writer, name string, list []string) {
	if len(list) == 0 {
		return
	}
	w.Name(name)
	w.Array()
	for _, s := range list {
		w.Text(s)
	}
	w.EndArray()
}

// listPipelines answers a list operation; one writes an element.
func (s *Server) listPipelines(c *call, kind meeting.PipelineKind, name string, one func(*restjson.Writer, *meeting.Pipeline)) (respond, error) {
	var v restjson.Violations
	p := c.page(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	list, next, err := s.cfg.Control.ListPipelines(c.ctx, c.owner, kind, p.max, p.token)
	if err != nil {
		return nil, err
	}
	return func(w *restjson.Writer) {
		w.Object()
		w.Name(name)
		w.Array()
		for _, p := range list {
			one(w, p)
		}
		w.EndArray()
		w.OptionalMember("NextToken", next)
		w.EndObject()
	}, nil
}

// writePipelineName writes the little that lists show of a pipeline.
func writePipelineName(w *restjson.Writer, p *meeting.Pipeline) {
	w.Object()
	w.PlainMember("MediaPipelineId", p.ID.String())
	w.Member("MediaPipelineArn", pipelineArn(p))
	w.EndObject()
}

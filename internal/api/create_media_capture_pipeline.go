package api

import (
	"net/netip"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// createMediaCapturePipeline begins to record a meeting.
func (s *Server) createMediaCapturePipeline(c *call) (respond, error) {
	in, err := c.readCapture()
	if err != nil {
		return nil, err
	}
	return s.createPipeline(c, &in)
}

// captureInput is the body as given.
type captureInput struct {
	token, sourceType, sourceArn, sinkType, sinkArn, role restjson.Text
	configuration                                         captureConfiguration
	encryption                                            struct {
		set          bool
		key, context restjson.Text
	}
	tags tagsInput
}

// captureConfiguration is ChimeSdkMeetingConfiguration.
type captureConfiguration struct {
	selected  bool
	attendees textsInput
	users     textsInput
	artifacts artifactsInput
}

// artifactsInput is ArtifactsConfiguration.
type artifactsInput struct {
	set                   bool
	audio, video, content artifactInput
	composited            compositedInput
}

// artifactInput is one artifact.
type artifactInput struct {
	set        bool
	state, mux restjson.Text
}

// maxSelected is how many attendees may be selected in all.
const maxSelected = 25

func (c *call) readCapture() (in captureInput, err error) {
	names := []string{"SourceType", "SourceArn", "SinkType", "SinkArn", "ClientRequestToken", "ChimeSdkMeetingConfiguration"}
	if !c.legacy() {
		names = append(names, "SseAwsKeyManagementParams", "SinkIamRoleArn", "Tags")
	}
	r := restjson.Read(c.body)
	for name := range r.Object(names) {
		switch name {
		case "SourceType":
			in.sourceType = r.Text()
		case "SourceArn":
			in.sourceArn = r.Text()
		case "SinkType":
			in.sinkType = r.Text()
		case "SinkArn":
			in.sinkArn = r.Text()
		case "ClientRequestToken":
			in.token = r.Text()
		case "SinkIamRoleArn":
			in.role = r.Text()
		case "Tags":
			in.tags = readTags(r)
		case "SseAwsKeyManagementParams":
			in.readEncryption(r)
		default:
			in.configuration.read(r, !c.legacy())
		}
	}
	return in, r.End()
}

func (in *captureInput) readEncryption(r *restjson.Reader) {
	e := &in.encryption
	if e.set = r.Present(); !e.set {
		return
	}
	for name := range r.Object([]string{"AwsKmsKeyId", "AwsKmsEncryptionContext"}) {
		if name == "AwsKmsKeyId" {
			e.key = r.Text()
		} else {
			e.context = r.Text()
		}
	}
}

func (in *captureConfiguration) read(r *restjson.Reader, composition bool) {
	if !r.Present() {
		return
	}
	for name := range r.Object([]string{"SourceConfiguration", "ArtifactsConfiguration"}) {
		switch {
		case !r.Present():
		case name == "ArtifactsConfiguration":
			in.artifacts.read(r, composition)
		default:
			for range r.Object([]string{"SelectedVideoStreams"}) {
				in.readSelected(r)
			}
		}
	}
}

func (in *captureConfiguration) readSelected(r *restjson.Reader) {
	if in.selected = r.Present(); !in.selected {
		return
	}
	for name := range r.Object([]string{"AttendeeIds", "ExternalUserIds"}) {
		if name == "AttendeeIds" {
			in.attendees = readTexts(r, maxSelected)
		} else {
			in.users = readTexts(r, maxSelected)
		}
	}
}

func (in *artifactsInput) read(r *restjson.Reader, composition bool) {
	in.set = true
	names := []string{"Audio", "Video", "Content"}
	if composition {
		names = append(names, "CompositedVideo")
	}
	for name := range r.Object(names) {
		switch name {
		case "Audio":
			in.audio.read(r)
		case "Video":
			in.video.read(r)
		case "Content":
			in.content.read(r)
		default:
			in.composited.read(r)
		}
	}
}

func (in *artifactInput) read(r *restjson.Reader) {
	if in.set = r.Present(); !in.set {
		return
	}
	for name := range r.Object([]string{"State", "MuxType"}) {
		if name == "State" {
			in.state = r.Text()
		} else {
			in.mux = r.Text()
		}
	}
}

// The constraints of the input.
var (
	meetingSource  = restjson.TextRule{Enum: []string{chimeMeeting}}
	bucketSink     = restjson.TextRule{Enum: []string{s3Bucket}}
	pipelineArnIn  = restjson.TextRule{Min: 1, Max: 1024, Match: isArn, Pattern: arnPattern}
	artifactState  = restjson.TextRule{Enum: []string{enabled, disabled}}
	audioMux       = restjson.TextRule{Enum: []string{audioOnly, withSpeaker, withComposition}}
	audioMuxLegacy = restjson.TextRule{Enum: []string{audioOnly, withSpeaker}}
	videoMux       = restjson.TextRule{Enum: []string{videoOnly}}
	contentMux     = restjson.TextRule{Enum: []string{contentOnly}}
	kmsText        = restjson.TextRule{Min: 1, Max: 4096}
	selectedUser   = restjson.TextRule{Min: 2, Max: 64}
)

func (in *captureInput) check(c *call, v *restjson.Violations) {
	at := restjson.At
	token, sourceType, sourceArn, sinkType, sinkArn := at("clientRequestToken"), at("sourceType"), at("sourceArn"), at("sinkType"), at("sinkArn")
	v.Text(&token, in.token, &clientRequestToken)
	v.RequiredText(&sourceType, in.sourceType, &meetingSource)
	v.RequiredText(&sourceArn, in.sourceArn, &pipelineArnIn)
	v.RequiredText(&sinkType, in.sinkType, &bucketSink)
	v.RequiredText(&sinkArn, in.sinkArn, &pipelineArnIn)
	in.checkEncryption(v)
	in.configuration.check(v, c.legacy())
	tags := at("tags")
	c.shapes.checkTags(v, &tags, &in.tags, meeting.MaxPipelineTags)
}

func (in *captureInput) checkEncryption(v *restjson.Violations) {
	role, params := restjson.At("sinkIamRoleArn"), restjson.At("sseAwsKeyManagementParams")
	v.Text(&role, in.role, &pipelineArnIn)
	if in.encryption.set {
		key, context := params.Member("awsKmsKeyId"), params.Member("awsKmsEncryptionContext")
		v.RequiredText(&key, in.encryption.key, &kmsText)
		v.Text(&context, in.encryption.context, &kmsText)
	}
	if in.encryption.set != in.role.Set {
		v.Rule("SseAwsKeyManagementParams and SinkIamRoleArn must be given together.")
	}
}

func (in *captureConfiguration) check(v *restjson.Violations, legacy bool) {
	top := restjson.At("chimeSdkMeetingConfiguration")
	source := top.Member("sourceConfiguration")
	in.checkSelected(v, &source)
	if !in.artifacts.set {
		return
	}
	a := top.Member("artifactsConfiguration")
	audio := a.Member("audio")
	in.artifacts.checkAudio(v, &audio, legacy)
	for _, one := range []struct {
		name string
		in   *artifactInput
		mux  *restjson.TextRule
	}{{"video", &in.artifacts.video, &videoMux}, {"content", &in.artifacts.content, &contentMux}} {
		at := a.Member(one.name)
		one.in.check(v, &at, one.mux)
	}
	composited := a.Member("compositedVideo")
	in.artifacts.composited.check(v, &composited)
	if in.artifacts.audio.mux.Value == withComposition && !in.artifacts.composited.set {
		v.Rule(noComposition)
	}
}

// checkSelected demands that the selection in a SourceConfiguration is right, if
// there is one.
func (in *captureConfiguration) checkSelected(v *restjson.Violations, source *restjson.Path) {
	if !in.selected {
		return
	}
	selected := source.Member("selectedVideoStreams")
	attendees, users := selected.Member("attendeeIds"), selected.Member("externalUserIds")
	in.attendees.check(v, &attendees, 1, maxSelected, &guid)
	in.users.check(v, &users, 1, maxSelected, &selectedUser)
	if in.attendees.count+in.users.count > maxSelected {
		v.Rule("SelectedVideoStreams may name at most %d attendees.", maxSelected)
	}
}

func (in *artifactsInput) checkAudio(v *restjson.Violations, at *restjson.Path, legacy bool) {
	if !in.audio.set {
		v.Missing(at)
		return
	}
	rule, mux := &audioMux, at.Member("muxType")
	if legacy {
		rule = &audioMuxLegacy
	}
	v.RequiredText(&mux, in.audio.mux, rule)
}

func (in *artifactInput) check(v *restjson.Violations, at *restjson.Path, rule *restjson.TextRule) {
	if !in.set {
		v.Missing(at)
		return
	}
	state, mux := at.Member("state"), at.Member("muxType")
	v.RequiredText(&state, in.state, &artifactState)
	v.Text(&mux, in.mux, rule)
}

// pipeline puts the command together. What is wrong with the ARNs is found out
// here.
func (in *captureInput) pipeline(owner meeting.Owner) (n meeting.NewPipeline, err error) {
	n = meeting.NewPipeline{
		Kind: meeting.CapturePipeline, Owner: owner, ClientRequestToken: in.token.Value, Tags: in.tags.tags(),
		Settings: meeting.PipelineSettings{
			SourceArn: in.sourceArn.Value, SinkArn: in.sinkArn.Value,
			KMSKey: in.encryption.key.Value, KMSContext: in.encryption.context.Value, Role: in.role.Value,
			Artifacts: meeting.Artifacts{Audio: true, Content: true}, ActiveSpeakerVideo: true,
		},
	}
	s := &n.Settings
	if in.configuration.selected {
		s.Attendees, s.Users = in.configuration.attendees.texts(), in.configuration.users.texts()
	}
	if a := &in.configuration.artifacts; a.set {
		s.ActiveSpeakerVideo = a.audio.mux.Value == withSpeaker
		s.Artifacts.Composed, s.Composition = a.audio.mux.Value == withComposition, a.composited.composition()
		s.Artifacts.Video, s.Artifacts.Content = a.video.state.Value == enabled, a.content.state.Value == enabled
	}
	if s.Bucket, s.Prefix, err = parseSink("sinkArn", s.SinkArn); err != nil {
		return n, err
	}
	n.Meeting, err = sourceMeeting(owner, "sourceArn", s.SourceArn)
	return n, err
}

// sourceMeeting returns the meeting that the ARN in a member names.
func sourceMeeting(owner meeting.Owner, member, name string) (meeting.ID, error) {
	resource, ok := parseArn(name)
	id, isID := meeting.ParseID(resource.meetingID)
	switch {
	case !ok || !isID || resource.service != "chime":
		return id, meeting.Errorf(meeting.Invalid, "Value at '%s' is not the ARN of a meeting: arn:aws:chime::account:meeting:id.", member)
	case resource.account != owner.Account || resource.region != "" && resource.region != owner.Region:
		return id, meeting.Errorf(meeting.Forbidden, "Resource ownership mismatch")
	}
	return id, nil
}

// parseSink reads arn:partition:s3:::bucket, with a prefix behind a slash.
func parseSink(member, name string) (bucket, prefix string, err error) {
	refused := meeting.Errorf(meeting.Invalid, "Value at '%s' is not the ARN of an S3 bucket, with or without a prefix: arn:aws:s3:::bucket/prefix.", member)
	parts := strings.SplitN(name, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[1] == "" || parts[2] != "s3" || parts[3] != "" || parts[4] != "" {
		return "", "", refused
	}
	bucket, prefix, slash := strings.Cut(parts[5], "/")
	if prefix = strings.TrimSuffix(prefix, "/"); slash && prefix != "" {
		for segment := range strings.SplitSeq(prefix, "/") {
			if segment == "" || segment == "." || segment == ".." {
				return "", "", refused
			}
		}
	}
	if !isBucket(bucket) {
		return "", "", refused
	}
	return bucket, prefix, nil
}

// isBucket reports whether a name follows the rules of S3 for buckets.
func isBucket(s string) bool {
	edge := func(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	if len(s) < 3 || len(s) > 63 || !edge(s[0]) || !edge(s[len(s)-1]) || strings.Contains(s, "..") {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	return all(s, func(c rune) bool { return c < 0x80 && (edge(byte(c)) || c == '.' || c == '-') })
}

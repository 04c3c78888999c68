package api

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// createMeeting makes a meeting, or returns the active one that was made with
// the same ClientRequestToken.
func (s *Server) createMeeting(c *call) (respond, error) {
	n, err := s.readNewMeeting(c, false)
	if err != nil {
		return nil, err
	}
	m, _, err := s.cfg.Control.CreateMeeting(c.ctx, n)
	if err != nil {
		return nil, err
	}
	s.newWithoutEffect(c, m.ID.String(), &n)
	return s.oneMeeting(c, m), nil
}

// newWithoutEffect writes down what a new meeting asks for and does not get: what
// this server does not do yet, and events for targets that nothing is sent to,
// which are named. The table in docs/api.md has them too.
func (s *Server) newWithoutEffect(c *call, meetingID string, n *meeting.NewMeeting) {
	unreached := s.cfg.Unreached(n.Owner, n.Notifications)
	to := func(arn string) bool { return arn != "" && slices.Contains(unreached, arn) }
	var members []string
	for _, m := range []struct {
		asked bool
		name  string
	}{
		{to(n.Notifications.LambdaFunctionArn), "NotificationsConfiguration.LambdaFunctionArn"},
		{to(n.Notifications.SnsTopicArn), "NotificationsConfiguration.SnsTopicArn"},
		{to(n.Notifications.SqsQueueArn), "NotificationsConfiguration.SqsQueueArn"},
		{n.DualStack, "MediaPlacementNetworkType"},
		{n.Features != nil && n.Features.EchoReduction == "AVAILABLE", "MeetingFeatures.Audio.EchoReduction"},
	} {
		if m.asked {
			members = append(members, m.name)
		}
	}
	s.withoutEffect(c, meetingID, members, unreached)
}

// oneMeeting is the response of operations that return a single meeting.
func (s *Server) oneMeeting(c *call, m meeting.Summary) respond {
	return func(w *restjson.Writer) {
		w.Object()
		w.Name("Meeting")
		s.writeMeeting(w, c, &m)
		w.EndObject()
	}
}

// newMeetingInput is the body of the two operations that make a meeting.
type newMeetingInput struct {
	token, mediaRegion, externalMeetingID, hostID restjson.Text
	notifications                                 notificationsInput
	tags                                          tagsInput
	attendees                                     attendeesInput
	features                                      featuresInput
	primaryID, networkType                        restjson.Text
	tenants                                       textsInput
}

// readNewMeeting reads and validates the body. Attendees are read only when
// the operation takes them.
func (s *Server) readNewMeeting(c *call, withAttendees bool) (meeting.NewMeeting, error) {
	in, err := c.readNewMeetingInput(withAttendees)
	if err != nil {
		return meeting.NewMeeting{}, err
	}
	var v restjson.Violations
	s.checkNewMeeting(&v, c, &in, withAttendees)
	if err := v.Err(); err != nil {
		return meeting.NewMeeting{}, err
	}
	n := in.newMeeting(c.owner)
	return n, meeting.CheckNew(&n, s.cfg.Limits)
}

func (c *call) readNewMeetingInput(withAttendees bool) (in newMeetingInput, err error) {
	r := restjson.Read(c.body)
	for name := range r.Object(c.shapes.newMeeting) {
		switch name {
		case "ClientRequestToken":
			in.token = r.Text()
		case "MediaRegion":
			in.mediaRegion = r.Text()
		case "ExternalMeetingId":
			in.externalMeetingID = r.Text()
		case "MeetingHostId":
			in.hostID = r.Text()
		case "NotificationsConfiguration":
			in.notifications = c.readNotifications(r)
		case "Tags":
			in.tags = readTags(r)
		case "Attendees":
			if withAttendees {
				in.attendees = c.readAttendees(r, c.shapes.maxCreateAttendees)
			}
		case "MeetingFeatures":
			in.features = readFeatures(r)
		case "PrimaryMeetingId":
			in.primaryID = r.Text()
		case "TenantIds":
			in.tenants = readTexts(r, maxTenants)
		case "MediaPlacementNetworkType":
			in.networkType = r.Text()
		}
	}
	if c.legacy() && !in.mediaRegion.Set {
		in.mediaRegion = restjson.Text{Value: legacyRegion, Set: true}
	}
	return in, r.End()
}

func (s *Server) checkNewMeeting(v *restjson.Violations, c *call, in *newMeetingInput, withAttendees bool) {
	at := restjson.At("ClientRequestToken")
	v.RequiredText(&at, in.token, &clientRequestToken)
	if at = restjson.At("MediaRegion"); c.shapes.needsMediaRegion {
		v.RequiredText(&at, in.mediaRegion, &mediaRegion)
	} else {
		v.Text(&at, in.mediaRegion, &mediaRegion)
	}
	if in.mediaRegion.Set {
		s.checkMediaRegion(v, c.owner.Region, in.mediaRegion.Value)
	}
	at = restjson.At("ExternalMeetingId")
	c.shapes.checkExternalID(v, &at, in.externalMeetingID, c.shapes.needsExternalMeetingID)
	at = restjson.At("MeetingHostId")
	c.shapes.checkExternalID(v, &at, in.hostID, false)
	in.notifications.check(v)
	at = restjson.At("Tags")
	c.shapes.checkTags(v, &at, &in.tags, maxMeetingTags)
	in.features.check(v, s.cfg.Limits)
	at = restjson.At("PrimaryMeetingId")
	v.Text(&at, in.primaryID, &primaryMeetingID)
	at = restjson.At("TenantIds")
	in.tenants.check(v, &at, 1, maxTenants, &tenantID)
	at = restjson.At("MediaPlacementNetworkType")
	v.Text(&at, in.networkType, &networkType)
	switch at = restjson.At("Attendees"); {
	case !withAttendees:
	case in.attendees.set:
		c.checkAttendees(v, &in.attendees, c.shapes.maxCreateAttendees)
	case c.shapes.needsAttendees:
		v.Missing(&at)
	}
}

func (in *newMeetingInput) newMeeting(owner meeting.Owner) meeting.NewMeeting {
	return meeting.NewMeeting{
		Owner:              owner,
		ClientRequestToken: in.token.Value,
		MediaRegion:        in.mediaRegion.Value,
		ExternalMeetingID:  in.externalMeetingID.Value,
		HostID:             in.hostID.Value,
		Notifications:      in.notifications.notifications(),
		Tags:               in.tags.tags(),
		Features:           in.features.features(),
		PrimaryID:          in.primaryID.Value,
		TenantIDs:          in.tenants.texts(),
		DualStack:          in.networkType.Value == "DualStack",
		Attendees:          in.attendees.attendees(),
	}
}

// notificationsInput is NotificationsConfiguration as given; an empty object
// is legal.
type notificationsInput struct {
	lambda, sns, sqs restjson.Text
}

func (c *call) readNotifications(r *restjson.Reader) (in notificationsInput) {
	if !r.Present() {
		return in
	}
	names := []string{"SnsTopicArn", "SqsQueueArn", "LambdaFunctionArn"}
	if c.legacy() {
		names = names[:2]
	}
	for name := range r.Object(names) {
		switch name {
		case "LambdaFunctionArn":
			in.lambda = r.Text()
		case "SnsTopicArn":
			in.sns = r.Text()
		case "SqsQueueArn":
			in.sqs = r.Text()
		}
	}
	return in
}

func (in *notificationsInput) check(v *restjson.Violations) {
	top := restjson.At("NotificationsConfiguration")
	lambda, sns, sqs := top.Member("LambdaFunctionArn"), top.Member("SnsTopicArn"), top.Member("SqsQueueArn")
	v.Text(&lambda, in.lambda, &notificationArn)
	v.Text(&sns, in.sns, &notificationArn)
	v.Text(&sqs, in.sqs, &notificationArn)
}

func (in *notificationsInput) notifications() meeting.Notifications {
	return meeting.Notifications{LambdaFunctionArn: in.lambda.Value, SnsTopicArn: in.sns.Value, SqsQueueArn: in.sqs.Value}
}

package cases

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

func answersTheMeeting(t *conform.T) {
	in := t.NewMeeting()
	in.MediaRegion = "eu-central-1"
	m := t.API.CreateMeeting(in).OK()
	t.True("MeetingId is a GUID in lower case (D-21)", conform.IsGUID(m.ID))
	t.Equal("ExternalMeetingId", m.ExternalMeetingID, in.ExternalMeetingID)
	t.Equal("MediaRegion", m.MediaRegion, "eu-central-1")
}

func meetingMembers(t *conform.T) {
	r := t.API.CreateMeeting(t.NewMeeting())
	r.OK()
	t.Equal("members of the answer", r.Keys(), []string{"Meeting"})
	want := []string{"ExternalMeetingId", "MediaPlacement", "MediaRegion", "MeetingArn", "MeetingId", "TenantIds"}
	if t.Flavour == conform.Legacy {
		want = []string{"ExternalMeetingId", "MediaPlacement", "MediaRegion", "MeetingId"}
	}
	t.Equal("members of the Meeting", r.Keys("Meeting"), want)
	if t.Flavour == conform.Meetings {
		meeting, _ := r.Object()["Meeting"].(object)
		t.Equal("TenantIds", meeting["TenantIds"], list{})
	}
}

func placementIsUsable(t *conform.T) {
	r := t.API.CreateMeeting(t.NewMeeting())
	m := r.OK()
	p := m.Placement
	keys := r.Keys("Meeting", "MediaPlacement")
	for _, name := range []string{"AudioFallbackUrl", "AudioHostUrl", "ScreenDataUrl", "ScreenSharingUrl", "ScreenViewingUrl", "SignalingUrl", "TurnControlUrl"} {
		t.True("the placement has "+name, slices.Contains(keys, name))
	}
	host, port, err := net.SplitHostPort(p.AudioHostURL)
	t.True("AudioHostUrl is host:port without a scheme", err == nil && host != "" && port != "" && !strings.Contains(p.AudioHostURL, "/"))
	t.True("SignalingUrl has neither ? nor #", !strings.ContainsAny(p.SignalingURL, "?#"))
	t.True("SignalingUrl names the meeting", strings.Contains(p.SignalingURL, m.ID))
	addresses := map[string]string{
		"SignalingUrl": p.SignalingURL, "AudioFallbackUrl": p.AudioFallbackURL, "ScreenDataUrl": p.ScreenDataURL,
		"ScreenSharingUrl": p.ScreenSharingURL, "ScreenViewingUrl": p.ScreenViewingURL,
	}
	for name, value := range addresses {
		u, err := url.Parse(value)
		t.True(name+" is a WebSocket address", err == nil && u.Host != "" && (u.Scheme == "ws" || u.Scheme == "wss"))
	}
	u, err := url.Parse(p.TurnControlURL)
	isHTTP := err == nil && u.Host != "" && strings.HasPrefix(u.Scheme, "http")
	// Old clients take an empty one for "there is no TURN server".
	t.True("TurnControlUrl is an HTTP address", isHTTP || t.Flavour == conform.Legacy && p.TurnControlURL == "")
}

func meetingArn(t *conform.T) {
	m := t.Meeting()
	parts := strings.SplitN(m.ARN, ":", 6)
	if len(parts) != 6 {
		t.Fatalf("MeetingArn %q is not an ARN", m.ARN)
	}
	t.Equal("service", parts[2], "chime")
	t.Equal("Region", parts[3], t.Options().Region)
	t.Equal("resource", parts[5], "meeting/"+m.ID)
	t.True("the account is twelve digits", len(parts[4]) == 12 && strings.Trim(parts[4], "0123456789") == "")
	if t.Options().Account != "" {
		t.Equal("account", parts[4], t.Options().Account)
	}
}

func hostIDEchoed(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.HostID = "host-1" })
	t.Equal("MeetingHostId", m.HostID, "host-1")
	t.Equal("MeetingHostId when read", t.API.GetMeeting(m.ID).OK().HostID, "host-1")
}

func hostIDHidden(t *conform.T) {
	in := t.NewMeeting()
	in.HostID = "host-1"
	r := t.API.CreateMeeting(in)
	r.OK()
	t.True("there is no MeetingHostId", !slices.Contains(r.Keys("Meeting"), "MeetingHostId"))
}

func mediaRegionDefaults(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.MediaRegion = "" })
	t.Equal("MediaRegion", m.MediaRegion, "us-east-1")
}

func externalMeetingIDOptional(t *conform.T) {
	in := t.NewMeeting()
	in.ExternalMeetingID = ""
	r := t.API.CreateMeeting(in)
	r.OK()
	t.True("there is no ExternalMeetingId", !slices.Contains(r.Keys("Meeting"), "ExternalMeetingId"))
}

func everyMediaRegion(t *conform.T) {
	for _, region := range []string{
		"af-south-1", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
		"eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
		"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	} {
		m := t.MeetingWith(func(in *conform.NewMeeting) { in.MediaRegion = region })
		t.Equal("MediaRegion", m.MediaRegion, region)
	}
}

func sharedExternalMeetingID(t *conform.T) {
	a, b := t.NewMeeting(), t.NewMeeting()
	b.ExternalMeetingID = a.ExternalMeetingID
	t.True("they are two meetings", t.API.CreateMeeting(a).OK().ID != t.API.CreateMeeting(b).OK().ID)
}

// alphabet returns values that together hold every character an external id of
// the current flavour may have.
func alphabet() []string {
	values := []string{
		"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "- _&@+=,(){}[]/«».:|'\"#",
		"a \t\n\v\f\rb",
	}
	var latin strings.Builder
	for r := rune(0xC0); r <= 0xFF; r++ {
		latin.WriteRune(r)
	}
	return append(values, latin.String())
}

func externalIDAlphabet(t *conform.T) {
	for _, value := range alphabet() {
		m := t.MeetingWith(func(in *conform.NewMeeting) { in.ExternalMeetingID = value })
		t.Equal("ExternalMeetingId", m.ExternalMeetingID, value)
	}
}

func externalIDFree(t *conform.T) {
	for _, value := range []string{"50%!", "会議室", "😀😀", "a$b*c?d;<e>~^\\`"} {
		m := t.MeetingWith(func(in *conform.NewMeeting) { in.ExternalMeetingID = value })
		t.Equal("ExternalMeetingId", m.ExternalMeetingID, value)
	}
}

func tenantsEchoed(t *conform.T) {
	tenants := []string{"tenant-b", "tenant-a", "Tenant-B"}
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.TenantIDs = tenants })
	t.Equal("TenantIds", m.TenantIDs, tenants)
	t.Equal("TenantIds when read", t.API.GetMeeting(m.ID).OK().TenantIDs, tenants)
}

func networkTypeHidden(t *conform.T) {
	body := object{
		"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-network",
		"MediaPlacementNetworkType": "DualStack",
	}
	r := t.API.Raw(post, "/meetings", body).Creates()
	t.True("there is no MediaPlacementNetworkType", !strings.Contains(string(r.Body), "MediaPlacementNetworkType"))
}

func currentMembersIgnored(t *conform.T) {
	body := object{
		"ClientRequestToken": uuid.NewString(), "PrimaryMeetingId": unknownID, "TenantIds": list{},
		"MeetingFeatures": object{"Video": object{"MaxResolution": "8K"}}, "MediaPlacementNetworkType": 4,
		"NotificationsConfiguration": object{"LambdaFunctionArn": "no arn"},
	}
	r := t.API.Raw(post, "/meetings", body).Succeeds(201)
	t.Equal("members of the Meeting", r.Keys("Meeting"), []string{"MediaPlacement", "MediaRegion", "MeetingId"})
}

func allViolations(t *conform.T) {
	t.API.Raw(post, "/meetings", object{"ExternalMeetingId": "x"}).
		Fails(badRequest(), "3 validation errors", "clientRequestToken", "mediaRegion", "externalMeetingId")
}

func noSecretsInRefusals(t *conform.T) {
	token, external := "secret-token-"+letters(60), "secret-id-"+letters(60)
	t.API.Raw(post, "/meetings", object{"ClientRequestToken": token, "MediaRegion": "us-east-1", "ExternalMeetingId": external}).
		Fails(badRequest()).Silent("secret-token", "secret-id")
	t.API.Raw(post, "/meetings?operation=create-attendees", object{
		"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-quiet",
		"Attendees": list{object{"ExternalUserId": "secret-user-" + letters(60)}},
	}).Fails(badRequest()).Silent("secret-user")
}

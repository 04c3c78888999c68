package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// A company's proxy allows its people one tenant of an account.
func TestAProxyAllowsTenants(t *testing.T) {
	key := strings.Repeat("0f", 32)
	s := servertest.Start(t, "--app-keys", servertest.Account+"="+key)
	made, err := outside(s).CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("token"), ExternalMeetingId: aws.String("name"), MediaRegion: aws.String("us-east-1"), TenantIds: []string{"ours"},
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for tenant, admitted := range map[string]bool{"ours": true, "theirs": false} {
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Header.Set("X-Amzn-Chime-Tenants", key+":"+tenant)
		}})
		t.Cleanup(proxy.Close)
		url := "ws" + strings.TrimPrefix(proxy.URL, "http") + strings.SplitAfterN(*made.Meeting.MediaPlacement.SignalingUrl, server.Host, 2)[1]
		d, err := door.Dial(t.Context(), http.DefaultClient, url, *made.Attendees[0].JoinToken, func(*wire.Index) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Ask(t.Context(), door.Join(1), wire.Frame_JOIN_ACK); (err == nil) != admitted {
			t.Errorf("%s: %v", tenant, err)
		}
		d.Close()
	}
	if !strings.Contains(s.Output(), `reason="the network that the client is in does not allow this application or tenant"`) {
		t.Error("the log does not say why")
	}
}

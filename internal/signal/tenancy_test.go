package signal

import (
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

var appKeyA, appKeyB = strings.Repeat("a1", 32), strings.Repeat("b2", 32)

// What a network allows, by its proxy's headers.
func TestAllowance(t *testing.T) {
	tests := map[string]struct {
		appKeys, tenants []string // the headers
		appKey           string   // of the meeting's account
		of               string   // its tenants, with commas
		want             bool
	}{
		"no headers":                         {nil, nil, appKeyA, "", true},
		"no headers, no key":                 {nil, nil, "", "one", true},
		"its key":                            {[]string{appKeyA}, nil, appKeyA, "", true},
		"its key in capitals":                {[]string{strings.ToUpper(appKeyA)}, nil, appKeyA, "", true},
		"its key among others":               {[]string{appKeyB + " , " + appKeyA}, nil, appKeyA, "", true},
		"its key on another line":            {[]string{appKeyB, appKeyA}, nil, appKeyA, "", true},
		"another key":                        {[]string{appKeyB}, nil, appKeyA, "", false},
		"an account without a key":           {[]string{appKeyB}, nil, "", "", false},
		"an empty list":                      {[]string{""}, nil, appKeyA, "", false},
		"an empty list, no key":              {[]string{","}, nil, "", "", false},
		"half its key":                       {[]string{appKeyA[:32]}, nil, appKeyA, "", false},
		"its tenant":                         {nil, []string{appKeyA + ":one"}, appKeyA, "one", true},
		"one of its tenants":                 {nil, []string{appKeyA + ":zero, one"}, appKeyA, "two,one", true},
		"another tenant":                     {nil, []string{appKeyA + ":one"}, appKeyA, "two", false},
		"tenants are told apart by case":     {nil, []string{appKeyA + ":one"}, appKeyA, "One", false},
		"no tenant":                          {nil, []string{appKeyA + ":one"}, appKeyA, "", false},
		"a key without a list":               {nil, []string{appKeyA}, appKeyA, "one", false},
		"a key with an empty list":           {nil, []string{appKeyA + ":"}, appKeyA, "one", false},
		"tenants of others":                  {nil, []string{appKeyB + ":one"}, appKeyA, "two", true},
		"tenants of others, no key":          {nil, []string{appKeyB + ":one;:two"}, "", "", true},
		"second in the list":                 {nil, []string{appKeyB + ":one; " + appKeyA + ":two"}, appKeyA, "two", true},
		"second in the list, another tenant": {nil, []string{appKeyB + ":one;" + appKeyA + ":two"}, appKeyA, "one", false},
		"on another line":                    {nil, []string{appKeyB + ":one", appKeyA + ":two"}, appKeyA, "one", false},
		"its key twice":                      {nil, []string{appKeyA + ":one;" + appKeyA + ":two"}, appKeyA, "two", true},
		"its key, not its tenant":            {[]string{appKeyA}, []string{appKeyA + ":one"}, appKeyA, "two", false},
		"its tenant, not its key":            {[]string{appKeyB}, []string{appKeyA + ":one"}, appKeyA, "one", false},
	}
	for name, test := range tests {
		a := allowanceOf(http.Header{headerAppKeys: test.appKeys, headerTenants: test.tenants})
		if got := a.allows(test.appKey, words(test.of)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A client in a network that does not allow its meeting is told what one with a
// bad token is; one in a network that does joins.
func TestNetworksAllowTenants(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.AppKeys = map[string]string{owner.Account: appKeyA} })
	p := v.meetWith(meeting.NewMeeting{TenantIDs: []string{"one"}}, "ada")
	from := func(tenant string) http.Header { return http.Header{headerTenants: {appKeyA + ":" + tenant}} }
	if c := v.dialWith(p.id, p.token("ada"), from("two")); c.ended() != closeForbidden || c.reason != attendeeUnavailable {
		t.Errorf("closed with %d %s", c.code, c.reason)
	}
	p.joinWith(v.dialWith(p.id, p.token("ada"), from("one")), "ada")
}

// Nor does a client take part in a primary meeting that its network does not
// allow.
func TestNetworksAllowTenantsOfPrimaries(t *testing.T) {
	v := newEnv(t, func(c *Config) { c.AppKeys = map[string]string{owner.Account: appKeyA} })
	p := v.meetWith(meeting.NewMeeting{TenantIDs: []string{"one"}}, "guest")
	r := v.meetWith(meeting.NewMeeting{TenantIDs: []string{"two"}, PrimaryID: p.id.String()}, "fan")
	for tenants, want := range map[string]uint32{"two": 403, "one,two": 0} {
		fan := v.dialWith(r.id, r.token("fan"), http.Header{headerTenants: {appKeyA + ":" + tenants}})
		r.joinWith(fan, "fan")
		if ack := fan.promote(p, "guest", p.token("guest")); ack.GetError().GetStatus() != want {
			t.Errorf("from a network of %s: %v", tenants, ack.GetError())
		}
		fan.send(leaveFrame())
		fan.expect(wire.Frame_LEAVE_ACK)
	}
}

// Nor are there TURN credentials in such a network.
func TestNetworksAllowTenantsOfTURN(t *testing.T) {
	v := newEnv(t, func(c *Config) {
		c.AppKeys, c.TURN = map[string]string{owner.Account: appKeyA}, func(string) TURN { return TURN{} }
	})
	p := v.meet("ada")
	for key, want := range map[string]int{appKeyA: http.StatusOK, appKeyB: http.StatusForbidden} {
		header := oldToken(p.token("ada"))
		header.Set(headerAppKeys, key)
		if got, _, body := v.askTURN("POST", header, `{"meetingId":"`+p.id.String()+`"}`); got != want {
			t.Errorf("%d %s, want %d", got, body, want)
		}
	}
}

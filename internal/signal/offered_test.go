package signal

import (
	"net/http/httptest"
	"testing"
)

// Whose token counts when a client brings several things: browsers are known by
// their sub-protocol and native clients by theirs, and neither's token is taken
// from where the other has it.
func TestWhatAClientComesWith(t *testing.T) {
	const none = ""
	for name, c := range map[string]struct {
		protocols, cookie, query string
		token, protocol          string
	}{
		"a browser":                            {"_aws_wt_session, T", none, none, "T", subprotocol},
		"a browser, the other way round":       {"T, _aws_wt_session", none, none, "T", subprotocol},
		"a browser with a cookie of another":   {"_aws_wt_session, T", "_aws_wt_session=U", none, "T", subprotocol},
		"a browser with a token in the query":  {"_aws_wt_session, T", none, "?_aws_wt_session=U", "T", subprotocol},
		"a native client":                      {"Signaling-SDK", "_aws_wt_session=T", none, "T", nativeSubprotocol},
		"a native client with other cookies":   {"Signaling-SDK", "a=b; _aws_wt_session=T; c=d", none, "T", nativeSubprotocol},
		"a native client, both tokens":         {"Signaling-SDK, _aws_wt_session, U", "_aws_wt_session=T", none, "T", nativeSubprotocol},
		"a native client, more sub-protocols":  {"x, Signaling-SDK", "_aws_wt_session=T", none, "T", nativeSubprotocol},
		"a share's token":                      {"_aws_wt_session, T#content", none, none, "T#content", subprotocol},
		"a native client, token in the query":  {"Signaling-SDK", none, "?_aws_wt_session=T", none, none},
		"a native client, token beside it":     {"Signaling-SDK, T", none, none, none, none},
		"a native client in small letters":     {"signaling-sdk", "_aws_wt_session=T", none, none, none},
		"a cookie alone":                       {none, "_aws_wt_session=T", none, none, none},
		"a browser without a token":            {"_aws_wt_session", none, none, none, none},
		"a browser whose token is empty":       {"_aws_wt_session, ", none, none, none, none},
		"a browser with one thing more":        {"_aws_wt_session, T, U", none, none, none, none},
		"a token alone":                        {"T", none, none, none, none},
		"an unknown sub-protocol with a token": {"chat, T", none, none, none, none},
	} {
		r := httptest.NewRequest("GET", PathControl+"x"+c.query, nil)
		if c.protocols != none {
			r.Header.Set("Sec-WebSocket-Protocol", c.protocols)
		}
		if c.cookie != none {
			r.Header.Set("Cookie", c.cookie)
		}
		o, ok := offered(r)
		if ok != (c.token != none) || ok && o != (offer{c.token, c.protocol}) {
			t.Errorf("%s: %+v, %t", name, o, ok)
		}
	}
}

package signal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/control"
)

// Headers with which the proxy of a network says whose meetings may be joined
// from there. They are those that Amazon's service knows.
const (
	headerAppKeys = "X-Amzn-Chime-App-Keys"
	headerTenants = "X-Amzn-Chime-Tenants"
)

// allowance is what a network lets its people join, as the headers of a
// request say. The zero value is everything.
type allowance struct {
	bounded bool                // to applications by appKeys
	appKeys []string            // of accounts
	tenants map[string][]string // by app key
}

// allowanceOf reads the headers. A list may be spread over several of a name,
// and a part that cannot be read allows nothing.
func allowanceOf(h http.Header) (a allowance) {
	a.bounded = len(h.Values(headerAppKeys)) > 0
	for _, line := range h.Values(headerAppKeys) {
		a.appKeys = append(a.appKeys, words(strings.ToLower(line))...)
	}
	for _, line := range h.Values(headerTenants) {
		for part := range strings.SplitSeq(line, ";") {
			key, list, _ := strings.Cut(part, ":")
			if key = strings.ToLower(strings.TrimSpace(key)); key == "" {
				continue
			}
			if a.tenants == nil {
				a.tenants = make(map[string][]string)
			}
			a.tenants[key] = append(a.tenants[key], words(list)...)
		}
	}
	return a
}

// words are those of a list with commas.
func words(list string) (found []string) {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			found = append(found, word)
		}
	}
	return found
}

// allows reports whether a meeting may be joined that belongs to the account
// with the app key, "" if that has none, and to the tenants.
func (a *allowance) allows(appKey string, tenants []string) bool {
	if a.bounded && (appKey == "" || !slices.Contains(a.appKeys, appKey)) {
		return false
	}
	allowed, named := a.tenants[appKey]
	return !named || slices.ContainsFunc(tenants, func(t string) bool { return slices.Contains(allowed, t) })
}

// checkNetwork returns foreignNetwork if people of the network may not join the
// meeting.
func (s *Server) checkNetwork(from *allowance, to *control.Grant) error {
	if !from.allows(s.cfg.AppKeys[to.Account], to.TenantIDs) {
		return foreignNetwork
	}
	return nil
}

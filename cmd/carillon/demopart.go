package main

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/console/demo"
	"github.com/carillon-meetings/carillon/internal/jointoken"
)

// The demo backend has an account of its own, so that strangers who open
// meetings use up nobody's quota. Its name is a word: no customer's account can
// be the same.
const (
	demoAccount = "demo"
	demoKeyID   = "carillon-demo"
)

// openDemo builds the backend of the meeting page, with an API door of its own:
// the key it signs with is good nowhere else.
func (s *server) openDemo() (http.Handler, error) {
	secret, err := s.demoSecret()
	if err != nil {
		return nil, err
	}
	door := s.newAPI(s.newVerifier(sigv4.Config{Keys: sigv4.Own(demoKeyID, secret, demoAccount)}))
	var handler http.Handler = door
	if s.member != nil {
		s.member.demo = s.newRouter(door, door, http.HandlerFunc(door.Unavailable))
		handler = s.member.demo
	}
	s.demo = newInnerDoor(door, handler)
	backend, err := demo.New(demo.Config{
		Endpoint: "http://" + innerHost, Region: s.cfg.API.Region, MediaRegion: s.demoMediaRegion(),
		AccessKey: demoKeyID, SecretKey: secret, HTTPClient: s.demo.client(),
		ClientAddr: s.proxies().Of, Logger: s.log.With("part", "demo"),
	})
	if err != nil {
		return nil, errors.Join(err, s.demo.Close())
	}
	return backend, nil
}

// demoSecret is what the backend signs with and makes its codes from: the same
// after a restart, so that links stay good.
func (s *server) demoSecret() (string, error) {
	key, err := jointoken.NewKey(s.id.TokenKey)
	if err != nil {
		return "", err
	}
	derived := key.Derive("demo backend")
	return hex.EncodeToString(derived[:]), nil
}

// demoMediaRegion is where the demo's meetings are placed: in a Region that is
// served and, if there is one, in that of the API; "" for the demo's own
// choice.
func (s *server) demoMediaRegion() string {
	served := s.cfg.API.MediaRegions
	switch region := s.cfg.API.Region; {
	case slices.Contains(served, region), len(served) == 0 && slices.Contains(api.DefaultMediaRegions(), region):
		return region
	case len(served) > 0:
		return served[0]
	}
	return ""
}

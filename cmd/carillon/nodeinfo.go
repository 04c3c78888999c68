package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/jointoken"
)

// settingsEvery is how often the other nodes' settings are compared with this
// one's.
const settingsEvery = 5 * time.Second

// nodeInfo returns what this node says of itself to the others.
func (s *server) nodeInfo() func() cluster.Info {
	fixed := cluster.Info{Address: s.cfg.Cluster.HTTPAddr(), Version: thisBuild().String(), Settings: s.sharedSettings()}
	return func() cluster.Info {
		info := fixed
		info.Connected, info.Busy = s.control.Busy()
		return info
	}
}

// sharedSettings are the settings that should be the same on all nodes, by the
// name of their flag. Of secrets there is a check value.
func (s *server) sharedSettings() map[string]string {
	c := s.cfg
	all := map[string]any{
		"public-url": s.ports.public.String(), "region": c.API.Region, "media-regions": strings.Join(c.API.MediaRegions, ","),
		"default-flavour": c.API.DefaultFlavour, "delete-unknown-is-404": c.API.DeleteUnknownIs404,
		"validation-error-name": c.API.ValidationErrorName, "shape-name-in-code": c.API.ShapeNameInCode,
		"allow-unsigned-payload": c.API.AllowUnsigned, "dev": c.Credentials.Dev, "demo": c.ServesDemo(),
		"limit-meetings": c.MeetingQuota(), "limit-attendees": c.Limits.Attendees, "limit-hd-attendees": c.Limits.HDAttendees,
		"limit-replicas": c.Limits.Replicas, "limit-meeting-tags": c.Limits.MeetingTags, "limit-attendee-tags": c.Limits.AttendeeTags,
		"limit-demo-meetings": c.Limits.DemoMeetings,
		"timer-idle":          c.Timers.Idle, "timer-max-age": c.Timers.MaxAge, "timer-tombstone": c.Timers.Tombstone, "timer-dropped": c.Timers.Dropped,
		"history-age": c.History.Age, "history-mib": c.History.MiB,
		"access keys": s.digest(s.accessKeys()), "operator-secret": s.digest(s.operatorSecret()),
		"operators": s.digest(contentOf(c.Pages.OperatorsFile)),
	}
	texts := make(map[string]string, len(all))
	for name, value := range all {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}

// accessKeys is what says who may call the API.
func (s *server) accessKeys() string {
	c := s.cfg.Credentials
	switch {
	case c.KeyFile != "":
		return contentOf(c.KeyFile)
	case c.AccessKey != "":
		return c.AccessKey + " " + c.SecretKey + " " + c.Account
	}
	return s.id.AccessKey + " " + s.id.SecretKey + " " + c.Account
}

// contentOf returns what a file says; nothing when there is none.
func contentOf(file string) string {
	if file == "" {
		return ""
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error() // it was read a moment ago: it differs from the others' now
	}
	return string(raw)
}

// digest returns what tells two secrets apart and gives neither away.
func (s *server) digest(secret string) string {
	return hex.EncodeToString(s.derive("settings of nodes", secret)[:8])
}

// derive returns a key for a purpose from the key of join tokens and a secret.
func (s *server) derive(purpose, secret string) []byte {
	key, err := jointoken.NewKey(s.id.TokenKey)
	if err != nil {
		panic("carillon: " + err.Error()) // the ledger was opened with it
	}
	own := key.Derive(purpose)
	mac := hmac.New(sha256.New, own[:])
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

// compareSettings warns of each setting in which another node differs, once for
// each value, until ctx ends.
func (s *server) compareSettings(ctx context.Context) {
	own, told := s.sharedSettings(), map[[3]string]bool{}
	tick := time.NewTicker(settingsEvery)
	defer tick.Stop()
	for {
		for _, info := range s.member.node.Peers() {
			for name, value := range own {
				theirs, said := info.Settings[name]
				difference := [3]string{info.Node, name, theirs}
				if said && theirs != value && !told[difference] {
					told[difference] = true
					s.log.Warn("another node has another setting", "setting", name, "here", value, "there", theirs, "node", info.Node)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

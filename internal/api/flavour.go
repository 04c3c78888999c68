package api

import (
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// resolve finds the route and the flavour of a request by the ordered rules of
// API decision D-01. The first rule that answers wins. It fills in c.route,
// c.flavour, c.owner and c.labels, or returns errUnknownOperation.
func (s *Server) resolve(c *call) error {
	base, path := basePath(c.path)
	parts, ok := segments(path)
	if !ok {
		return errUnknownOperation
	}
	param := c.param("operation")
	current := find(s.current, c.r.Method, parts, param)
	legacy := find(s.legacy, c.r.Method, parts, param)
	flavour := firstFlavour(base, hostFlavour(c.r.Host), agentFlavour(c.r.UserAgent()))
	if flavour == 0 {
		switch {
		case current == nil && legacy == nil:
			return errUnknownOperation
		case legacy == nil:
			flavour = meeting.Meetings
		case current == nil:
			flavour = meeting.Legacy
		default:
			flavour = s.impliedFlavour(c, current, parts)
		}
	}
	c.route = current
	if flavour == meeting.Legacy {
		c.route = legacy
	}
	if c.route == nil {
		return errUnknownOperation
	}
	fits(c.route.path, parts, &c.labels)
	c.setFlavour(flavour)
	return nil
}

func firstFlavour(flavours ...meeting.Flavour) meeting.Flavour {
	for _, f := range flavours {
		if f != 0 {
			return f
		}
	}
	return 0
}

// basePath removes the prefix by which an operator may choose the flavour
// (rule 1). JS applications of old kept /console at the end of their endpoint.
func basePath(path string) (meeting.Flavour, string) {
	for _, p := range []struct {
		prefix  string
		flavour meeting.Flavour
	}{
		{"/legacy", meeting.Legacy}, {"/console", meeting.Legacy}, {"/meetings-api", meeting.Meetings},
	} {
		if rest, ok := strings.CutPrefix(path, p.prefix); ok && (rest == "" || rest[0] == '/') {
			return p.flavour, rest
		}
	}
	return 0, path
}

// hostFlavour reads the names of the real service, for those who point them
// here by DNS (rule 2). A host of one's own may be called chime as well, so
// that label alone decides nothing.
func hostFlavour(host string) meeting.Flavour {
	first, rest, _ := strings.Cut(strings.ToLower(host), ".")
	rest, _, _ = strings.Cut(rest, ":")
	switch {
	case strings.HasPrefix(first, "meetings-chime"):
		return meeting.Meetings
	case first == "chime" && (strings.HasSuffix(rest, ".amazonaws.com") || strings.HasSuffix(rest, ".api.aws")),
		(first == "service" || first == "service-fips") && strings.HasPrefix(rest, "chime."):
		return meeting.Legacy
	}
	return 0
}

// agentFlavour reads the service token that many SDKs put into User-Agent
// (rule 3): api/<name> or md/command#<name>.<operation>.
func agentFlavour(agent string) meeting.Flavour {
	for token := range strings.FieldsSeq(agent) {
		name, ok := strings.CutPrefix(token, "api/")
		if !ok {
			if name, ok = strings.CutPrefix(token, "md/command#"); !ok {
				continue
			}
		}
		if i := strings.IndexAny(name, "#/."); i >= 0 {
			name = name[:i]
		}
		switch strings.Map(letterOrDigit, name) {
		case "chimesdkmeetings":
			return meeting.Meetings
		case "chime":
			return meeting.Legacy
		}
	}
	return 0
}

// letterOrDigit lowers ASCII letters, keeps digits and drops everything else:
// SDK families spell service names with '-', '_' or spaces.
func letterOrDigit(c rune) rune {
	switch {
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	}
	return -1
}

// impliedFlavour decides when neither the endpoint nor the client said: by the
// home of the meeting (rule 5), by members of only one flavour (6), by the
// Region (7), else by default (8). r is the route in either table: only the
// status differs.
func (s *Server) impliedFlavour(c *call, r *route, parts []string) meeting.Flavour {
	var l labels
	fits(r.path, parts, &l)
	id, named := meeting.ParseID(l.meetingID)
	switch r.op {
	case &listTagsForResource:
		id, named = idOfArn(c.param("arn"))
	case &tagResource, &untagResource:
		id, named = idOfArn(peekArn(c.body))
	}
	if named {
		if f, ok := s.cfg.Control.HomeFlavour(c.ctx, c.identity.Account, s.region(c.identity.Region), id); ok {
			return f
		}
	}
	if r.op == &createMeeting || r.op == &createMeetingWithAttendees {
		if f := peekMembers(c.body); f != 0 {
			return f
		}
	}
	if c.identity.Region != legacyRegion {
		return meeting.Meetings
	}
	return s.cfg.DefaultFlavour
}

// legacyRegion is the only control Region the legacy service ever had.
const legacyRegion = "us-east-1"

func peekArn(body []byte) (arn string) {
	r := restjson.Read(body)
	for range r.Object([]string{"ResourceARN"}) {
		arn = r.Text().Value
	}
	return arn
}

// peekMembers looks for members that only one flavour knows. A body that
// breaks somewhere gives no answer; the operation will say what is wrong.
func peekMembers(body []byte) meeting.Flavour {
	var current, legacy bool
	r := restjson.Read(body)
	for name := range r.Object([]string{"MeetingFeatures", "PrimaryMeetingId", "TenantIds", "MediaPlacementNetworkType", "NotificationsConfiguration", "Attendees"}) {
		switch name {
		case "NotificationsConfiguration":
			current = peek(r, "LambdaFunctionArn") || current
		case "Attendees":
			if !r.Present() {
				continue
			}
			for range r.Array() {
				current, legacy = peekAttendee(r, current, legacy)
			}
		default:
			current = r.Present() || current
		}
	}
	switch {
	case r.End() != nil:
		return 0
	case current:
		return meeting.Meetings
	case legacy:
		return meeting.Legacy
	}
	return 0
}

func peekAttendee(r *restjson.Reader, current, legacy bool) (bool, bool) {
	if !r.Present() {
		return current, legacy
	}
	for name := range r.Object([]string{"Capabilities", "Tags"}) {
		if present := r.Present(); name == "Tags" {
			legacy = legacy || present
		} else {
			current = current || present
		}
	}
	return current, legacy
}

// peek reports whether the object that comes next has a member.
func peek(r *restjson.Reader, member string) (found bool) {
	if !r.Present() {
		return false
	}
	for range r.Object([]string{member}) {
		found = r.Present()
	}
	return found
}

package api

import (
	"cmp"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// locate finds the routes that a request may mean, in either flavour, and the
// flavour that its base path names. It needs nothing but the request line.
func (s *Server) locate(c *call) {
	var rawQuery string
	c.path, rawQuery = sigv4.Target(c.r)
	c.query = sigv4.ParseQuery(rawQuery)
	base, path := basePath(c.path)
	parts, ok := segments(path)
	if !ok {
		return
	}
	param := c.param("operation")
	c.base, c.parts = base, parts
	c.current = find(s.current, c.r.Method, parts, param)
	c.legacyRoute = find(s.legacy, c.r.Method, parts, param)
	c.pipelines = find(s.pipelines, c.r.Method, parts, param)
}

// resolve decides on the flavour by the ordered rules of API decision D-01 and
// so on the route. The first rule that answers wins. It fills in c.route,
// c.flavour, c.owner and c.labels, or returns errUnknownOperation.
func (s *Server) resolve(c *call) error {
	flavour := cmp.Or(c.base, hostFlavour(c.r.Host), agentFlavour(c.r.UserAgent()))
	if c.ofPipelines() {
		flavour = meeting.Pipelines
	}
	if flavour == 0 {
		switch {
		case c.current == nil && c.legacyRoute == nil:
			return errUnknownOperation
		case c.legacyRoute == nil:
			flavour = meeting.Meetings
		case c.current == nil:
			flavour = meeting.Legacy
		default:
			flavour = s.impliedFlavour(c)
		}
	}
	c.route = c.current
	switch flavour {
	case meeting.Legacy:
		c.route = c.legacyRoute
	case meeting.Pipelines:
		c.route = c.pipelines
	}
	if c.route == nil {
		return errUnknownOperation
	}
	fits(c.route.path, c.parts, &c.labels)
	c.setFlavour(flavour)
	return nil
}

// ofPipelines reports whether a request can only be one of the media pipelines'
// service. Its paths are nobody else's but for that of tags, where the ARN says
// whose tags they are.
func (c *call) ofPipelines() bool {
	switch {
	case c.pipelines == nil:
		return false
	case c.current == nil && c.legacyRoute == nil:
		return true
	case c.pipelines.op.arn == nil:
		return false
	}
	a, _ := parseArn(c.pipelines.op.arn(c))
	return a.pipelineID != ""
}

// basePath removes the prefix by which an operator may choose the flavour
// (rule 1). JS applications of old kept /console at the end of their endpoint.
//
// Empty segments before and after the prefix go too: an endpoint that ends in a
// slash is joined with the operation's path to two of them. Those further
// behind stand for empty ids and stay.
func basePath(path string) (meeting.Flavour, string) {
	path = sigv4.OneSlash(path)
	for _, p := range []struct {
		prefix  string
		flavour meeting.Flavour
	}{
		{"/legacy", meeting.Legacy}, {"/console", meeting.Legacy}, {"/meetings-api", meeting.Meetings},
		{"/pipelines-api", meeting.Pipelines},
	} {
		if rest, ok := strings.CutPrefix(path, p.prefix); ok && (rest == "" || rest[0] == '/') {
			return p.flavour, sigv4.OneSlash(rest)
		}
	}
	return 0, path
}

// WithoutFlavour returns a path without the name of a flavour that it begins with.
func WithoutFlavour(path string) string {
	_, rest := basePath(path)
	return rest
}

// NamesFlavour reports whether a path begins with the name of a flavour, as the
// API explorer's do.
func NamesFlavour(path string) bool {
	flavour, _ := basePath(path)
	return flavour != 0
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
	case strings.HasPrefix(first, "media-pipelines-chime"):
		return meeting.Pipelines
	case first == "chime" && (strings.HasSuffix(rest, ".amazonaws.com") || strings.HasSuffix(rest, ".api.aws")),
		(first == "service" || first == "service-fips") && strings.HasPrefix(rest, "chime."):
		return meeting.Legacy
	}
	return 0
}

// ServiceHost reports whether a host name, in lower case and without a port, is
// one of the real service's: nobody else can have a web page under it.
func ServiceHost(name string) bool {
	first, rest, _ := strings.Cut(name, ".")
	switch first {
	case "meetings-chime", "meetings-chime-fips", "media-pipelines-chime", "chime":
		_, domain, _ := strings.Cut(rest, ".") // after the Region
		return domain == "amazonaws.com" || domain == "amazonaws.com.cn" || domain == "api.aws"
	case "service", "service-fips":
		return rest == "chime.aws.amazon.com" || rest == "chime.amazonaws.com"
	}
	return false
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
		case "chimesdkmediapipelines":
			return meeting.Pipelines
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

// impliedFlavour decides when neither the endpoint nor the client said, for an
// operation of both flavours: by the home of the meeting (rule 5), by members
// that only one flavour knows or can do without (6), by the Region (7), else by
// default (8).
func (s *Server) impliedFlavour(c *call) meeting.Flavour {
	op := c.current.op
	var l labels
	fits(c.current.path, c.parts, &l)
	id, named := meeting.ParseID(l.meetingID)
	if op.home != nil {
		id, named = op.home(c)
	}
	if named {
		if f, ok := s.cfg.Control.HomeFlavour(c.ctx, c.identity.Account, s.region(c.identity.Region), id); ok {
			return f
		}
	}
	if op.flavour != nil {
		if f := op.flavour(c.body); f != 0 {
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

// homeByQuery and homeByBody find the meeting of the operations that name it
// by an ARN.
func homeByQuery(c *call) (meeting.ID, bool) { return idOfArn(arnOfQuery(c)) }

func homeByBody(c *call) (meeting.ID, bool) { return idOfArn(arnOfBody(c)) }

func arnOfQuery(c *call) string { return c.param("arn") }

func arnOfBody(c *call) string {
	var arn string
	r := restjson.Read(c.body)
	for range r.Object([]string{"ResourceARN"}) {
		arn = r.Text().Value
	}
	return arn
}

// newMeetingFlavour and newMeetingWithAttendeesFlavour read the flavour of a
// body off its members.
func newMeetingFlavour(body []byte) meeting.Flavour { return flavourOfMembers(body, false) }

func newMeetingWithAttendeesFlavour(body []byte) meeting.Flavour { return flavourOfMembers(body, true) }

// members are what tells the flavour of a body that makes a meeting.
type members struct {
	current, legacy           bool // there is one that only this flavour knows
	token, region, externalID bool
	attendees                 bool
}

// flavourOfMembers tells a flavour by members that only one flavour knows, then
// by those that only the legacy one can do without: the current service could
// only refuse such a body. One that breaks somewhere gives no answer; the
// operation will say what is wrong.
func flavourOfMembers(body []byte, needsAttendees bool) meeting.Flavour {
	m, err := peekMembers(body)
	switch {
	case err != nil:
		return 0
	case m.current:
		return meeting.Meetings
	case m.legacy:
		return meeting.Legacy
	case m.token && !(m.region && m.externalID && (m.attendees || !needsAttendees)):
		return meeting.Legacy
	}
	return 0
}

func peekMembers(body []byte) (m members, err error) {
	r := restjson.Read(body)
	for name := range r.Object([]string{"ClientRequestToken", "MediaRegion", "ExternalMeetingId", "Attendees", "NotificationsConfiguration",
		"MeetingFeatures", "PrimaryMeetingId", "TenantIds", "MediaPlacementNetworkType"}) {
		switch name {
		case "ClientRequestToken":
			m.token = r.Present()
		case "MediaRegion":
			m.region = r.Present()
		case "ExternalMeetingId":
			m.externalID = r.Present()
		case "NotificationsConfiguration":
			m.current = peek(r, "LambdaFunctionArn") || m.current
		case "Attendees":
			if m.attendees = r.Present(); !m.attendees {
				continue
			}
			for range r.Array() {
				m.peekAttendee(r)
			}
		default:
			m.current = r.Present() || m.current
		}
	}
	return m, r.End()
}

func (m *members) peekAttendee(r *restjson.Reader) {
	if !r.Present() {
		return
	}
	for name := range r.Object([]string{"Capabilities", "Tags"}) {
		if present := r.Present(); name == "Tags" {
			m.legacy = m.legacy || present
		} else {
			m.current = m.current || present
		}
	}
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

package targets

import (
	"path"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The services, by the names that ARNs have for them; Bus is the one that
// meetings do not name.
const (
	SQS    = "sqs"
	SNS    = "sns"
	Lambda = "lambda"
	Bus    = "bus"
)

// arn is the name of a target taken apart:
// arn:{partition}:{service}:{region}:{account}:{rest}.
type arn struct {
	text                     string
	service, region, account string
	name                     string // of the queue or topic; "function:name" of a function
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
	named  = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "-_."
)

// parse reads an ARN. It takes only what cannot lead anywhere else when it
// becomes part of a host name or a path.
func parse(text string) (a arn, ok bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || len(text) > 512 {
		return a, false
	}
	a = arn{text: text, service: parts[2], region: parts[3], account: parts[4], name: parts[5]}
	of := func(s, letters string) bool { return s != "" && strings.Trim(s, letters) == "" }
	rest := a.name
	if a.service == Lambda {
		var function bool
		if rest, function = strings.CutPrefix(rest, "function:"); !function {
			return a, false
		}
		rest = strings.Replace(rest, ":", "", 1) // before the qualifier
		rest = strings.Replace(rest, "$LATEST", "latest", 1)
	}
	return a, of(parts[1], lower+"-") && of(a.region, lower+digits+"-") && of(a.account, digits) && of(rest, named)
}

// fifo reports whether a queue or topic keeps order.
func (a arn) fifo() bool { return strings.HasSuffix(a.name, ".fifo") }

// namedBy returns the ARN that the meeting has for a service.
func namedBy(n meeting.Notifications, service string) string {
	switch service {
	case SQS:
		return n.SqsQueueArn
	case SNS:
		return n.SnsTopicArn
	case Lambda:
		return n.LambdaFunctionArn
	}
	return ""
}

// reaches reports whether events can be sent to a target of the service: an
// endpoint is configured for it, and the ARN is one of those allowed.
func (s *Services) reaches(service, text string) bool {
	a, ok := parse(text)
	return ok && a.service == service && s.cfg.Endpoints[service] != "" && s.allowed(text)
}

func (s *Services) allowed(text string) bool {
	for _, pattern := range s.cfg.AllowARNs {
		if ok, err := path.Match(pattern, text); ok && err == nil {
			return true
		}
	}
	return false
}

// Unreached returns the targets that a meeting names and that nothing can be
// sent to. s may be nil: then that is all of them.
func (s *Services) Unreached(n meeting.Notifications) (all []string) {
	for _, service := range []string{Lambda, SNS, SQS} {
		if text := namedBy(n, service); text != "" && (s == nil || !s.reaches(service, text)) {
			all = append(all, text)
		}
	}
	return all
}

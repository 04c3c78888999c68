package documentstest

import (
	"fmt"
	"strings"
	"testing"
)

// mention is a command that stands within a line of text, and what is typed for
// it: itself, unless names in it stand for something.
type mention struct{ command, typed string }

// mentioned returns those that are about one running server, in the order in
// which they make sense. Nodes of a cluster are sorted out by clustertest.
func mentioned() []mention {
	return []mention{
		{"carillon serve --help", ""},
		{"carillon check config", ""},
		{"carillon check health", ""},
		{"carillon env", ""},
		{"carillon admin list", ""},
		{"carillon admin show MEETING", `carillon admin show "$MEETING"`},
		{"carillon admin mute MEETING ATTENDEE", `carillon admin mute "$MEETING" "$ATTENDEE"`},
		{"carillon admin end MEETING", `carillon admin end "$MEETING"`},
		{"carillon admin audit", ""},
		{"carillon events secret --pair", ""},
		{"carillon events status", ""},
		{"carillon events dead", ""},
		{"carillon events replay", ""},
		{"carillon events resume", "carillon events resume webhook:default"},
		{"carillon token-key add", "carillon token-key add --data carillon-data"},
		{"carillon token-key show", "carillon token-key show --data carillon-data"},
		{"carillon token-key use", "carillon token-key use --data carillon-data"},
		{"carillon token-key drop", "carillon token-key drop --data carillon-data"},
		{"openssl rand -hex 32", `carillon check config --app-keys "000000000000=$(openssl rand -hex 32)"`},
		{`printf %s "$SECRET" | carillon operators hash`, `SECRET=twelve-letters; printf %s "$SECRET" | carillon operators hash`},
	}
}

// TestCommandsWithinTheText types those that the pages mention.
func TestCommandsWithinTheText(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, page := range texts(t) {
		all.WriteString(page)
	}
	s := begin(t)
	fmt.Fprintf(&s.script, "%s\n", `carillon events secret >hook.secret
carillon serve --webhook http://127.0.0.1:1/ --webhook-secret-file hook.secret --webhook-allow-private
`+meeting+`ATTENDEE=$(curl --silent --fail-with-body --aws-sigv4 aws:amz:us-east-1:chime --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
  --data '{"ExternalUserId": "ada"}' "$AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS/meetings/$MEETING/attendees" | sed 's/.*"AttendeeId":"\([^"]*\)".*/\1/')`)
	for i, m := range mentioned() {
		if !strings.Contains(all.String(), m.command) {
			t.Errorf("%s is mentioned nowhere any more", m.command)
		}
		text := m.typed
		if text == "" {
			text = m.command
		}
		s.add(i, step{}, block{text: text + "\n"})
	}
	said, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mentioned() {
		if strings.Contains(m.command, " show") && strings.TrimSpace(said[i]) == "" {
			t.Errorf("%s says nothing", m.command)
		}
	}
}

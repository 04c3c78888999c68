package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// shell returns the shell commands of a document's blocks that mention something.
func shell(t *testing.T, path, about string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	var found strings.Builder
	for _, part := range strings.Split(string(text), "\n```sh\n")[1:] {
		if code, _, _ := strings.Cut(part, "\n```"); strings.Contains(code, about) {
			found.WriteString(code + "\n")
		}
	}
	if found.Len() == 0 {
		t.Fatalf("%s shows no command with %s", path, about)
	}
	return found.String()
}

// TestTheSessionsInTheDocuments types what README and the pages on recording and
// transcription show for the AWS CLI, with Debian's.
func TestTheSessionsInTheDocuments(t *testing.T) {
	t.Parallel()
	tool(t, "/usr/bin/aws", "awscli")
	s := servertest.Start(t, "--recordings", t.TempDir())
	typed := func(about, commands string, says ...string) {
		t.Helper()
		env := environment(s, append(meeting(t, s), "ACCOUNT="+servertest.Account, "PATH=/usr/bin:"+os.Getenv("PATH"))...)
		out, err := try(t, env, ".", "/bin/sh", "-eu", "-c", "MEETING=$MEETING_ID\n"+commands)
		if err != nil {
			t.Fatalf("%s: %v\n%s", about, err, out)
		}
		for _, want := range says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not in\n%s", about, want, out)
			}
		}
	}
	typed("the current flavour", shell(t, "README.md", "aws chime-sdk-meetings "), `"ExternalUserId": "ada"`, `"JoinToken"`, `"Audio": "Receive"`, `"Errors": []`)
	typed("the legacy flavour", shell(t, "README.md", "aws chime "), `"ExternalUserId": "grace"`, `"JoinToken"`)
	here := strings.NewReplacer("http://127.0.0.1:8480", s.Endpoint)
	typed("a recording", here.Replace(shell(t, "docs/recording.md", "create-media-capture-pipeline")), `"MediaPipelineId"`, `"Status": "Initializing"`)
	typed("a transcription", here.Replace(shell(t, "docs/transcription.md", "start-meeting-transcription")))
}

//go:build packages

package packaging

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// command runs a program in the repository's root and returns what it printed;
// it fails the test when the program does.
func command(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), env...)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out.String(), faults.String())
	}
	return out.String()
}

// version is the version that the packages have.
func version(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(string(read(t, "../cmd/carillon/VERSION")))
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// dist is where make dist has put what is tested.
const dist = "../dist"

// unpacked is the folder in the archive of the machine.
func unpacked(t *testing.T, arch string) string {
	t.Helper()
	into, name := t.TempDir(), "carillon_"+version(t)+"_linux_"+arch
	command(t, nil, "tar", "-C", into, "-xzf", "dist/"+name+".tar.gz")
	return filepath.Join(into, name)
}

// Everybody who builds the same commit gets the same bytes, so that a download
// can be checked against the source.
func TestArchivesAreWholeAndReproducible(t *testing.T) {
	again := filepath.Join(t.TempDir(), "again")
	command(t, []string{"DIST=" + again}, "scripts/make-dist")
	sums := string(read(t, filepath.Join(dist, "SHA256SUMS")))
	if sums != string(read(t, filepath.Join(again, "SHA256SUMS"))) {
		t.Errorf("two builds differ:\n%s\n%s", sums, read(t, filepath.Join(again, "SHA256SUMS")))
	}
	if n := strings.Count(sums, "\n"); n != 6 {
		t.Errorf("%d files, want an archive, a package and a bill of materials for each of two machines:\n%s", n, sums)
	}
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got := sha256.Sum256(read(t, filepath.Join(dist, name))); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s has another checksum than SHA256SUMS says", name)
		}
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		binary := filepath.Join(unpacked(t, arch), "carillon")
		checkBinary(t, binary, machine)
		checkServes(t, arch, binary)
	}
}

// emulators run the programs of the machines that this one is not.
var emulators = map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}

// checkServes holds that a binary of the machine says its version and serves a stock
// client, by Debian's emulator when this is another machine.
func checkServes(t *testing.T, arch, binary string) {
	t.Helper()
	run := []string{binary}
	if arch != runtime.GOARCH {
		run = []string{emulators[arch], binary}
	}
	if said := command(t, nil, run[0], append(run[1:], "--version")...); !strings.HasPrefix(said, "carillon "+version(t)+"+") {
		t.Errorf("%s: the binary says %q", arch, said)
	}
	address := freeAddress(t)
	server := exec.Command(run[0], append(run[1:], "serve", "--data", t.TempDir(), "--listen", address, "--access-key", "AKIADIST", "--secret-key", "a secret of the test")...)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	waitHealthy(t, address, ended, &log)
	made, err := sdkAt("http://"+address, "AKIADIST", "a secret of the test").CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil || aws.ToString(made.Meeting.MeetingId) == "" {
		t.Errorf("%s: %v\n%s", arch, err, log.String())
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%s: the server ended with %v\n%s", arch, err, log.String())
	}
}

// What docs/install.md says of an archive is done with one, beside the checksums
// as they lie where it is downloaded.
func TestTheArchiveAsTheGuideSays(t *testing.T) {
	_, rest, _ := strings.Cut(string(read(t, "../docs/install.md")), "\n```sh\nsha256sum")
	block, _, closed := strings.Cut("sha256sum"+rest, "\n```")
	unpack, serve, last := strings.Cut(block, "/carillon serve")
	if !closed || !last || serve != "" {
		t.Fatalf("the guide has %q", block)
	}
	if runtime.GOARCH != "amd64" {
		unpack = strings.ReplaceAll(unpack, "amd64", runtime.GOARCH)
	}
	here := t.TempDir()
	for _, name := range []string{"SHA256SUMS", "carillon_" + version(t) + "_linux_" + runtime.GOARCH + ".tar.gz"} {
		if err := os.WriteFile(filepath.Join(here, name), read(t, filepath.Join(dist, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if said := command(t, nil, "sh", "-eu", "-c", `cd "$1"; `+unpack+"/carillon --version", "unpack", here); !strings.Contains(said, ".tar.gz: OK") || !strings.Contains(said, "carillon "+version(t)) {
		t.Errorf("the commands say %q", said)
	}
	address := freeAddress(t)
	server := exec.Command(filepath.Join(here, "carillon_"+version(t)+"_linux_"+runtime.GOARCH, "carillon"), "serve", "--listen", address, "--media-tcp", "off")
	var log strings.Builder
	server.Dir, server.Stderr = here, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	waitHealthy(t, address, ended, &log)
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v\n%s", err, log.String())
	}
}

// checkBinary holds that a binary is for the machine, static, and knows no path
// of the machine it was built on.
func checkBinary(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	libraries, err := binary.ImportedLibraries()
	if err != nil || len(libraries) > 0 || binary.Machine != machine {
		t.Errorf("%s: for %v, needs %q, %v", path, binary.Machine, libraries, err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	content := read(t, path)
	if bytes.Contains(content, []byte(root)) {
		t.Errorf("%s names the folder it was built in", path)
	}
	if !bytes.Contains(content, []byte("Carillon "+version(t))) {
		t.Errorf("%s has no pages of this version", path)
	}
}

// The bills of materials are what readers of CycloneDX expect, by its own schema.
func TestBillsOfMaterialsFollowTheirSchema(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		name := "carillon_" + version(t) + "_linux_" + arch + ".cdx.json"
		command(t, nil, "go", "-C", "packaging/tools", "run", "./bomcheck", "../../dist/"+name)
		slip := filepath.Join(t.TempDir(), name)
		text := strings.Replace(string(read(t, filepath.Join(dist, name))), `"library"`, `"books"`, 1)
		if err := os.WriteFile(slip, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "-C", "tools", "run", "./bomcheck", slip).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "/components/") {
			t.Errorf("a slip goes through: %v\n%s", err, out)
		}
	}
}

// What is built in is named with its licence: every module that the toolchain
// recorded in the binary, and every package of the pages.
func TestNoticesNameAllThatIsBuiltIn(t *testing.T) {
	dir := unpacked(t, runtime.GOARCH)
	notices := string(read(t, filepath.Join(dir, "THIRD_PARTY_NOTICES")))
	info, err := buildinfo.ReadFile(filepath.Join(dir, "carillon"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		want = append(want, "pkg:golang/"+m.Path+"@"+m.Version)
		if !strings.Contains(notices, m.Path+" "+m.Version+" (") || !strings.Contains(notices, "\n"+m.Path+": ") {
			t.Errorf("the notices lack %s %s, or its text", m.Path, m.Version)
		}
	}
	for _, name := range []string{"amazon-chime-sdk-js", "protobufjs", "@mediapipe/selfie_segmentation"} {
		if !strings.Contains(notices, "\n"+name+" ") {
			t.Errorf("the notices lack the pages' %s", name)
		}
	}
	var bom struct {
		BOMFormat  string
		Components []struct {
			PURL     string
			Name     string
			Licenses []struct{ Expression string }
		}
	}
	if err := json.Unmarshal(read(t, filepath.Join(dir, "carillon.cdx.json")), &bom); err != nil || bom.BOMFormat != "CycloneDX" {
		t.Fatalf("bill of materials: %q, %v", bom.BOMFormat, err)
	}
	var have []string
	packages := 0
	for _, c := range bom.Components {
		if len(c.Licenses) != 1 || c.Licenses[0].Expression == "" {
			t.Errorf("%s has no licence", c.PURL)
		}
		if !strings.Contains(notices, "\n"+c.Name+": ") {
			t.Errorf("the notices have no text of the licence of %s", c.PURL)
		}
		if strings.HasPrefix(c.PURL, "pkg:npm/") {
			packages++
		} else {
			have = append(have, c.PURL)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the bill of materials has\n%q\nthe binary has\n%q", have, want)
	}
	if packages < 10 {
		t.Errorf("%d npm packages: the meeting client alone brings more", packages)
	}
}

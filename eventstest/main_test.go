// Package eventstest holds the events of the real server against receivers that
// others have written: an emulation of SQS, SNS, Lambda and EventBridge (kumo),
// another one of SQS (local-aws-sqs, with node), and the Standard Webhooks
// library. It is a module of its own, so that the product needs none of them.
package eventstest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/sivchari/kumo"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// handlerEnv has the address to which the function passes what it gets: the test
// binary is the function, too.
const handlerEnv = "EVENTSTEST_HANDLER"

const (
	account = servertest.Account
	region  = "us-east-1"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(handlerEnv); address != "" {
		lambda.Start(func(_ context.Context, payload json.RawMessage) error {
			response, err := http.Post(address, "application/json", bytes.NewReader(payload))
			if err != nil {
				return err
			}
			return response.Body.Close()
		})
		return
	}
	if os.Getenv(portEnv) == "" {
		os.Exit(again())
	}
	os.Exit(servertest.Main(m))
}

// portEnv is where the emulation reads, before anything else runs, by which port
// it reaches its own queues and functions.
const portEnv = "KUMO_PORT"

// again runs this binary once more, with a free port for the emulation.
func again() int {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), portEnv+"="+port, "KUMO_HOST=127.0.0.1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startKumo starts the emulation on one port for all it does, and returns its
// address.
func startKumo(t *testing.T) string {
	t.Helper()
	port := os.Getenv(portEnv)
	front, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	server := kumo.NewServer()
	back := server.URL[len("http://"):]
	go func() {
		for {
			near, err := front.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", back)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { _, _ = io.Copy(far, near); _ = far.(*net.TCPConn).CloseWrite() }()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = front.Close()
		server.Close()
	})
	return "http://127.0.0.1:" + port
}

// cloud is the SDK's configuration for an emulation.
func cloud(address string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
}

// services are the flags with which the server sends to an emulation.
func services(t *testing.T, address string, names ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--events-access-key", "AKID", "--events-secret-key-file", file}
	for _, name := range names {
		flags = append(flags, "--events-"+name+"-endpoint", address)
	}
	return flags
}

// api is a client of the server.
func api(s *servertest.Server) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: region, BaseEndpoint: &s.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
}

// create makes a meeting with attendees.
func create(t *testing.T, s *servertest.Server, token string, attendees int, n *types.NotificationsConfiguration) string {
	t.Helper()
	in := &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: &token, ExternalMeetingId: aws.String("x-" + token), MediaRegion: aws.String(region), NotificationsConfiguration: n,
	}
	for i := range attendees {
		in.Attendees = append(in.Attendees, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprint("user-", i))})
	}
	if attendees == 0 {
		out, err := api(s).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: in.ClientRequestToken, ExternalMeetingId: in.ExternalMeetingId, MediaRegion: in.MediaRegion, NotificationsConfiguration: n,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Meeting.MeetingId
	}
	out, err := api(s).CreateMeetingWithAttendees(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.Meeting.MeetingId
}

func end(t *testing.T, s *servertest.Server, id string) {
	t.Helper()
	if _, err := api(s).DeleteMeeting(t.Context(), &chimesdkmeetings.DeleteMeetingInput{MeetingId: &id}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok.
func eventually(t *testing.T, what func() string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what())
		}
	}
}

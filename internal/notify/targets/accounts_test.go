package targets

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

const (
	ownAccount   = "210987654321"
	otherAccount = "123456789012"
)

func TestAnAccountWithServicesOfItsOwn(t *testing.T) {
	common, own := newService(t, sqsAnswers), newService(t, sqsAnswers)
	a := NewAccounts(services(t, common.URL, func(c *Config) { c.Endpoints = map[string]string{SQS: common.URL} }), map[string]*Services{
		ownAccount: services(t, own.URL, func(c *Config) {
			c.Credentials, c.Endpoints = Static("AKID", "other"), map[string]string{SQS: own.URL, Bus: own.URL}
		}),
		"444455556666": nil,
	})
	if names := a.Names(); !slices.Equal(names, []string{SQS, Bus}) {
		t.Errorf("there are %v", names)
	}
	p := profile(meeting.Notifications{SqsQueueArn: queueARN})
	of := func(account string) *meeting.Profile {
		q := *p
		q.Owner.Account = account
		return &q
	}
	for account, want := range map[string]string{otherAccount: "sqs " + queueARN, ownAccount: "sqs " + ownAccount + " " + queueARN, "444455556666": ""} {
		name, ok := a.Route(SQS, of(account))
		if name != want || ok != (want != "") {
			t.Errorf("account %s: %q, %t", account, name, ok)
		}
		if got := a.Unreached(meeting.Owner{Account: account}, p.Notifications); (len(got) == 0) != ok {
			t.Errorf("account %s does not reach %v", account, got)
		}
	}
	if name, ok := a.Route(Bus, of(ownAccount)); name != "bus "+ownAccount || !ok {
		t.Errorf("its bus is %q, %t", name, ok)
	}
	if name, ok := a.Route(Bus, of(otherAccount)); ok {
		t.Errorf("an account without a bus has %q", name)
	}
	for name, srv := range map[string]*service{"sqs " + queueARN: common, "sqs " + ownAccount + " " + queueARN: own} {
		before := len(common.calls) + len(own.calls)
		if err := a.Sender(name).One(t.Context(), sample(), 1); err != nil {
			t.Fatal(err)
		}
		if c := srv.last(t); !strings.HasSuffix(c.target, "SendMessage") || len(common.calls)+len(own.calls) != before+2 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if err := a.Sender("sqs 999988887777 "+fifoARN).One(t.Context(), sample(), 1); err != nil {
		t.Errorf("an account that has none of its own any more: %v", err)
	}
	for name, want := range map[string]string{"bus": "", "sqs " + queueARN: "", "bus " + ownAccount: ownAccount, "sqs " + ownAccount + " " + queueARN: ownAccount} {
		if got := Account(name); got != want {
			t.Errorf("%q is of %q, want %q", name, got, want)
		}
	}
	var none *Accounts
	if got := none.Unreached(p.Owner, p.Notifications); !slices.Equal(got, []string{queueARN}) {
		t.Errorf("without any: %v", got)
	}
	if len(none.Names()) != 0 {
		t.Error("none have names")
	}
	none.Close()
}

func TestQueuesByTheirURLs(t *testing.T) {
	for text, want := range map[string]string{
		queueARN: queueARN,
		"https://sqs.eu-west-3.amazonaws.com/210987654321/dead": "arn:aws:sqs:eu-west-3:210987654321:dead",
		"http://127.0.0.1:9324/000000000000/dead.fifo":          "arn:aws:sqs:us-east-1:000000000000:dead.fifo",
		"http://127.0.0.1:9324/queue/000000000000/dead":         "arn:aws:sqs:us-east-1:000000000000:dead",
		"": "", "dead": "", "https://example.org/dead": "", "https://example.org/a b/c": "", topicARN: "", "::": "",
	} {
		if got, ok := QueueARN(text, "us-east-1"); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestADeadLetterInAQueue(t *testing.T) {
	srv := newService(t, sqsAnswers)
	a := NewAccounts(services(t, srv.URL, nil), nil)
	l := outbox.Letter{Destination: "webhook:billing", Event: sample(), Reason: strings.Repeat("x", 1000)}
	for _, name := range []string{queueARN, fifoARN} {
		if err := a.DeadLetters("", name)(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		var in struct {
			MessageBody       string
			MessageGroupID    string `json:"MessageGroupId"`
			DeduplicationID   string `json:"MessageDeduplicationId"`
			MessageAttributes map[string]struct{ DataType, StringValue string }
		}
		if err := json.Unmarshal([]byte(srv.last(t).body), &in); err != nil {
			t.Fatal(err)
		}
		if in.MessageBody != string(l.Event.Direct()) || (in.MessageGroupID != "") != (name == fifoARN) || (len(in.DeduplicationID) == 64) != (name == fifoARN) {
			t.Errorf("%s: %+v", name, in)
		}
		for attribute, want := range map[string]string{
			"carillonDestination": "webhook:billing", "carillonError": strings.Repeat("x", 256), "carillonEventId": l.Event.ID.String(),
		} {
			if got := in.MessageAttributes[attribute]; got.StringValue != want || got.DataType != "String" {
				t.Errorf("%s is %+v", attribute, got)
			}
		}
	}
	if err := NewAccounts(nil, nil).DeadLetters("", queueARN)(t.Context(), l); err != nil {
		t.Errorf("without services: %v", err)
	}
}

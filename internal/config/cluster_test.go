package config

import (
	"slices"
	"strings"
	"testing"
)

func TestTheFlagsOfACluster(t *testing.T) {
	whole := []string{"--node", "a", "--cluster-listen", "10.0.0.1:7000", "--cluster-peers", "10.0.0.1:7000,10.0.0.2:7000,10.0.0.3:7000", "--cluster-secret-file", "/s"}
	for name, c := range map[string]struct {
		change []string
		says   string // "" when there is nothing wrong
	}{
		"the list has the node itself": {nil, ""},
		"the list has the others only": {[]string{"--cluster-peers", "10.0.0.2:7000,10.0.0.3:7000"}, ""},
		"names of hosts":               {[]string{"--cluster-listen", "node-a:7000"}, ""},
		"no name":                      {[]string{"--node", ""}, "go together"},
		"a name with a dot":            {[]string{"--node", "a.b"}, "--node:"},
		"everywhere":                   {[]string{"--cluster-listen", "0.0.0.0:7000"}, "--cluster-listen:"},
		"no port":                      {[]string{"--cluster-listen", "10.0.0.1"}, "--cluster-listen:"},
		"any port":                     {[]string{"--cluster-listen", "10.0.0.1:0"}, "--cluster-listen:"},
		"the last port":                {[]string{"--cluster-listen", "10.0.0.1:65535"}, "--cluster-http:"},
		"the last port, and another":   {[]string{"--cluster-listen", "10.0.0.1:65535", "--cluster-http", "10.0.0.1:7001"}, ""},
		"one port for both":            {[]string{"--cluster-http", "10.0.0.1:7000"}, "7000"},
		"two nodes":                    {[]string{"--cluster-peers", "10.0.0.1:7000,10.0.0.2:7000,10.0.0.2:7000"}, "at least 3"},
		"a peer without a port":        {[]string{"--cluster-peers", "10.0.0.2,10.0.0.3:7000"}, "--cluster-peers:"},
	} {
		args := slices.Clone(whole)
		for i := 0; i+1 < len(c.change); i += 2 {
			if at := slices.Index(args, c.change[i]); at >= 0 {
				args[at+1] = c.change[i+1]
			} else {
				args = append(args, c.change...)
			}
		}
		s, err := parse(t, "", args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = s.Check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	nats := []string{"--node", "a", "--nats-url", "nats://me:secret@10.0.0.9:4222,tls://10.0.0.8", "--cluster-http", "10.0.0.1:7001", "--cluster-secret-file", "/s"}
	for says, args := range map[string][]string{
		"":                       nats,
		"go together":            nats[:6],
		"exclude each other":     append(slices.Clone(nats), "--cluster-listen", "10.0.0.1:7000"),
		"is not 1, 3 or 5":       append(slices.Clone(nats), "--nats-replicas", "2"),
		"is not of the form":     append(slices.Clone(nats), "--nats-url", "http://me:secret@10.0.0.9"),
		"need --nats-url":        append(slices.Clone(whole), "--nats-ca-file", "/ca"),
		"--nats-url, --node, --": nats[2:],
	} {
		s, err := parse(t, "", args...)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check()
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "me:secret")) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
	if s, err := parse(t, "", whole[:6]...); err != nil || s.Check() == nil || !strings.Contains(s.Check().Error(), "go together") {
		t.Errorf("without a secret: %v", err)
	}
	s, err := parse(t, "", whole...)
	if err != nil || s.Cluster.HTTPAddr() != "10.0.0.1:7001" || len(s.Cluster.Others()) != 2 {
		t.Errorf("http at %s, others %v, %v", s.Cluster.HTTPAddr(), s.Cluster.Others(), err)
	}
}

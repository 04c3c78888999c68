package meeting

import "testing"

func TestDefaultCapabilities(t *testing.T) {
	for _, c := range []struct {
		video, content string
		want           Capabilities
	}{
		{"", "", Capabilities{SendReceive, SendReceive, SendReceive}},
		{"HD", "UHD", Capabilities{SendReceive, SendReceive, SendReceive}},
		{"None", "", Capabilities{SendReceive, Receive, SendReceive}},
		{"None", "None", Capabilities{SendReceive, None, None}},
		{"", "None", Capabilities{SendReceive, SendReceive, None}},
	} {
		f := &Features{VideoMax: c.video, ContentMax: c.content, MaxCount: 20}
		a := active(t, f, "someone").members[0]
		if a.caps != c.want {
			t.Errorf("video %q content %q: %v, want %v", c.video, c.content, a.caps, c.want)
		}
	}
}

func TestCapabilityRules(t *testing.T) {
	all := []Access{SendReceive, Send, Receive, None}
	for _, f := range []Features{{}, {VideoMax: "None"}, {ContentMax: "None"}, {VideoMax: "None", ContentMax: "None"}} {
		for _, audio := range all {
			for _, video := range all {
				for _, content := range all {
					c := Capabilities{audio, video, content}
					want := (f.VideoMax != "None" || video == None) &&
						(f.ContentMax != "None" || content == None) &&
						(content == Send || content == None || video == SendReceive || video == Receive)
					if got := f.CheckCapabilities(c) == nil; got != want {
						t.Errorf("%+v in %+v: allowed %v", c, f, got)
					}
				}
			}
		}
	}
	wantKind(t, Capabilities{Audio: Send}.Check(), Invalid)
}

// The default combination of a meeting without cameras can be had by default
// only.
func TestTheDefaultWithoutCamerasCannotBeAskedFor(t *testing.T) {
	s := active(t, &Features{VideoMax: "None"}, "someone")
	_, _, err := DecideCapabilities(s, Stamp{}, s.members[0].id, s.members[0].caps)
	wantKind(t, err, Invalid)
}

func TestFeatureCombinations(t *testing.T) {
	for _, c := range []struct {
		f  Features
		ok bool
	}{
		{Features{}, true},
		{Features{MaxCount: 250}, true},
		{Features{MaxCount: 251}, false},
		{Features{VideoMax: "FHD"}, false},
		{Features{VideoMax: "FHD", MaxCount: 25}, true},
		{Features{VideoMax: "FHD", MaxCount: 26}, false},
		{Features{ContentMax: "UHD", MaxCount: 26}, false},
		{Features{ContentMax: "UHD", MaxCount: 1}, true},
		{Features{ContentMax: "FHD", VideoMax: "HD"}, true},
	} {
		if err := c.f.Check(DefaultLimits()); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.f, err)
		}
	}
}

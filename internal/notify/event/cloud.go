package event

import (
	"cmp"
	"encoding/json"
	"strconv"
)

// Cloud is an event as CloudEvents 1.0 has it. Its members are the attributes
// and extensions of the specification, in JSON under their own names.
type Cloud struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        string          `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Sequence    string          `json:"sequence"`
	Account     string          `json:"account"`
	Region      string          `json:"region"`
	DetailType  string          `json:"detailtype"`
	Data        json.RawMessage `json:"data"`
}

// Cloud returns the event in that form.
func (e *Event) Cloud() Cloud {
	o := e.Meeting.Owner
	return Cloud{
		SpecVersion: "1.0", ID: e.ID.String(), Source: "/carillon/" + o.Account + "/" + o.Region + "/meetings/" + e.Meeting.ID.String(),
		Type: e.Type, Subject: cmp.Or(e.Attendee, e.Pipeline), Time: e.milliseconds(), ContentType: "application/json",
		Sequence: strconv.FormatUint(e.Sequence, 10), Account: o.Account, Region: o.Region, DetailType: e.DetailType, Data: e.Detail(false),
	}
}

// Structured returns the event as one JSON object, of the content type
// application/cloudevents+json.
func (c Cloud) Structured() []byte { return compact(c) }

// Headers returns the attributes as the headers of HTTP's binary form, whose
// body is Data. The content type is a header of its own there.
func (c Cloud) Headers() map[string]string {
	h := map[string]string{
		"ce-specversion": c.SpecVersion, "ce-id": c.ID, "ce-source": c.Source, "ce-type": c.Type, "ce-time": c.Time,
		"ce-sequence": c.Sequence, "ce-account": c.Account, "ce-region": c.Region, "ce-detailtype": c.DetailType,
	}
	if c.Subject != "" {
		h["ce-subject"] = c.Subject
	}
	for name, value := range h {
		h[name] = percent(value)
	}
	return h
}

// percent encodes what a header may not have as it is (CloudEvents HTTP binding
// 3.1.3.2), blanks among it.
func percent(s string) string {
	plain := func(c byte) bool { return c > 0x20 && c < 0x7f && c != '"' && c != '%' }
	odd := 0
	for i := range len(s) {
		if !plain(s[i]) {
			odd++
		}
	}
	if odd == 0 {
		return s
	}
	out := make([]byte, 0, len(s)+2*odd)
	for i := range len(s) {
		if plain(s[i]) {
			out = append(out, s[i])
			continue
		}
		out = append(out, '%', "0123456789ABCDEF"[s[i]>>4], "0123456789ABCDEF"[s[i]&15])
	}
	return string(out)
}

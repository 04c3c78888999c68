package cases

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// bodyCap is the size beyond which a body is refused, in bytes.
const bodyCap = 5 << 20

// wireCases are about HTTP itself: headers, encodings and sizes. Those about
// what a body says are in body.go.
func wireCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Wire_RequestIdsDiffer", Says: "every answer, good or bad, has a request id of its own", Body: wireRequestIDs},
		{Name: "Wire_DateIsNow", Says: "the Date header tells the time, from which SDKs learn their clock's error", Body: wireDate},
		{Name: "Wire_ErrorsHaveEveryPart", Says: "an error has the exception in x-amzn-ErrorType and Code, Message and RequestId in its body (D-53)", Body: wireError},
		{Name: "Wire_ContentTypesAccepted", Says: "parameters, application/x-amz-json-1.1 and no type at all are accepted", Body: wireContentTypes},
		{Name: "Wire_NoBodyWithOrWithoutLength", Says: "requests without a body may carry Content-Length 0, a content type or neither", Body: wireNoBody},
		{Name: "Wire_GzipBody", Says: "a gzip body is accepted; the signature covers the compressed bytes (D-63)", Body: wireGzip},
		{Name: "Wire_GzipBroken", Says: "a body that is not the gzip it says is BadRequest (D-63)", Body: wireGzipBroken},
		{Name: "Wire_GzipBomb", Says: "the limit of a body holds for its decompressed size (D-63)", Body: wireGzipBomb},
		{Name: "Wire_GzipAnswer", Says: "a client that accepts gzip can read the answer", Body: wireGzipAnswer},
		{Name: "Wire_ChunkedBody", Says: "a body of unknown length is accepted", Body: wireChunked},
		{Name: "Wire_LargestBody", Says: "a batch of exactly 5 MiB is accepted", Body: wireLargest},
		{Name: "Wire_BodyTooLarge", Says: "a body of more than 5 MiB is RequestEntityTooLarge", Body: wireTooLarge},
		{Name: "Wire_BodyTooLargeChunked", Says: "a body of unknown length is cut off at 5 MiB", Body: wireTooLargeChunked},
		{Name: "Wire_ExpectContinue", Says: "Expect: 100-continue is answered and the body then read", Body: wireExpect},
		{Name: "Wire_ExpectContinueTooLarge", Says: "a body too large to accept is refused without 100 Continue", Body: wireExpectTooLarge},
		{Name: "Wire_HeaderTooLarge", Says: "a header beyond measure is refused, and the next request works", Body: wireHeaderTooLarge},
		{Name: "Wire_GarbageIsRefused", Says: "what is no HTTP is answered 400 and the connection closed", Body: wireGarbage},
		{Name: "Wire_HalfARequestDoesNothing", Says: "a request whose body ends early creates nothing", Body: wireHalf},
		{Name: "Wire_ManyRequestsOnOneConnection", Says: "connections stay open between requests, refused ones too", Body: wireKeepAlive},
		{Name: "Wire_ConnectionClose", Says: "Connection: close is obeyed, as JS v2 asks", Body: wireClose},
		{Name: "Wire_Pipelined", Says: "requests sent ahead of their answers are answered in order", Body: wirePipelined},
		{Name: "Wire_ManyConnections", Says: "two hundred connections at once are all served", Alone: true, Body: wireManyConnections},
		{Name: "Wire_RetriesAreHarmless", Says: "a repeated request with another attempt number is answered as the first (idempotency does not come from SDK headers)", Body: wireRetry},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	return cases
}

func wireRequestIDs(t *conform.T) {
	m := t.Meeting()
	seen := map[string]bool{}
	for range 5 {
		ok, bad := t.API.GetMeeting(m.ID), t.API.GetMeeting(unknownID)
		none := t.API.Send(conform.Request{Method: get, Target: "/nowhere", Plain: true})
		for _, id := range []string{ok.Header.Get("X-Amzn-Requestid"), bad.Header.Get("X-Amzn-Requestid"), none.Header.Get("X-Amzn-Requestid")} {
			t.True("the request id is new", conform.IsGUID(id) && !seen[id])
			seen[id] = true
		}
	}
}

func wireDate(t *conform.T) {
	r := t.API.GetMeeting(unknownID).Fails(notFound())
	date, err := http.ParseTime(r.Header.Get("Date"))
	t.True("the date is within five minutes of ours", err == nil && time.Since(date).Abs() < 5*time.Minute)
}

func wireError(t *conform.T) {
	t.Equal("members of the error", t.API.GetMeeting(unknownID).Fails(notFound(), unknownID).Keys(), []string{"Code", "Message", "RequestId"})
	gone := "arn:aws:chime:" + t.Options().Region + ":" + accountID(t) + ":meeting/" + unknownID
	r := t.API.ListTagsForResource(gone).Fails(resourceNotFound())
	if t.Flavour == conform.Meetings {
		t.Equal("ResourceName", r.Object()["ResourceName"], gone)
	}
}

func wireContentTypes(t *conform.T) {
	for _, kind := range []string{"application/json; charset=utf-8", "application/json;charset=UTF-8", "application/x-amz-json-1.1", "application/x-amz-json-1.0", ""} {
		in := newAttendeeRequest(t)
		if in.Header = (http.Header{"Content-Type": {kind}}); kind == "" {
			in.Header["Content-Type"] = nil
		}
		t.API.Send(in).Creates()
	}
}

func wireNoBody(t *conform.T) {
	m := t.Meeting()
	for _, kind := range [][]string{nil, {"application/json"}, {"text/plain"}} {
		header := http.Header{"Content-Type": kind}
		t.API.Send(conform.Request{Method: get, Target: meetingPath(m.ID), Header: header}).Succeeds(200)
		t.API.Send(conform.Request{Method: post, Target: transcriptionPath(m.ID, "stop"), Header: header}).Succeeds(200)
	}
	conn := t.Dial()
	conn.Send(conform.Request{Method: remove, Target: meetingPath(m.ID)}, "Content-Length: 0\r\n", "")
	t.Equal("status with Content-Length 0", conn.Answer(remove).StatusCode, 204)
	conn.Send(conform.Request{Method: remove, Target: meetingPath(m.ID)}, "", "")
	t.Equal("status without Content-Length", conn.Answer(remove).StatusCode, 204)
}

// encode returns a value as JSON.
func encode(t *conform.T, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encoding a body: %v", err)
	}
	return data
}

// gzipped returns data compressed.
func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func wireGzip(t *conform.T) {
	m := t.Meeting()
	body := object{"Attendees": times(100, func(i int) any { return object{"ExternalUserId": fmt.Sprintf("user-%03d", i)} })}
	in := conform.Request{Method: post, Target: batchPath(m.ID), Body: gzipped(encode(t, body)), Header: http.Header{"Content-Encoding": {"gzip"}}}
	t.API.Send(in).Creates()
	t.Equal("attendees", attendeeCount(t, m.ID), 100)
}

func wireGzipBroken(t *conform.T) {
	plain := []byte(`{"ExternalUserId":"user-1"}`)
	whole := gzipped(plain)
	wrongSum := bytes.Clone(whole)
	wrongSum[len(wrongSum)-8] ^= 1
	for _, body := range [][]byte{plain, whole[:20], whole[:len(whole)-8], whole[:len(whole)-1], wrongSum} {
		in := newAttendeeRequest(t)
		in.Body, in.Header = body, http.Header{"Content-Encoding": {"gzip"}}
		t.API.Send(in).Fails(badRequest())
	}
}

func wireGzipBomb(t *conform.T) {
	in := conform.Request{Method: post, Target: batchPath(t.Meeting().ID)}
	in.Body = gzipped(padded(bodyCap + 1))
	in.Header = http.Header{"Content-Encoding": {"gzip"}}
	t.API.Send(in).Fails(tooLarge())
}

func wireGzipAnswer(t *conform.T) {
	m := t.Meeting()
	t.API.BatchCreateAttendee(m.ID, users(100)...).OK()
	r := t.API.Send(conform.Request{Method: get, Target: attendeesPath(m.ID), Header: http.Header{"Accept-Encoding": {"gzip"}}}).Succeeds(200)
	if r.Header.Get("Content-Encoding") == "gzip" {
		plain, err := gzip.NewReader(bytes.NewReader(r.Body))
		if err != nil {
			t.Fatalf("the answer is not the gzip it says: %v", err)
		}
		if r.Body, err = io.ReadAll(plain); err != nil {
			t.Fatalf("the answer's gzip ends early: %v", err)
		}
	}
	t.Equal("members", r.Keys()[0], "Attendees")
}

func wireChunked(t *conform.T) {
	in := newAttendeeRequest(t)
	in.Tamper = func(r *http.Request) { r.ContentLength = -1 }
	t.API.Handwritten(in, conform.Handwriting{}).Creates()
}

// padded returns a body for a batch of one attendee of exactly n bytes. Other
// operations need not take bodies of that size.
func padded(n int) []byte {
	const before, after = `{"Attendees":[{"ExternalUserId":"user-1"}],"x":"`, `"}`
	return []byte(before + letters(n-len(before)-len(after)) + after)
}

func wireLargest(t *conform.T) {
	in := conform.Request{Method: post, Target: batchPath(t.Meeting().ID)}
	in.Body = padded(bodyCap)
	t.API.Send(in).Creates()
}

func wireTooLarge(t *conform.T) {
	in := conform.Request{Method: post, Target: batchPath(t.Meeting().ID)}
	in.Body = padded(bodyCap + 1)
	t.API.Send(in).Fails(tooLarge())
}

func wireTooLargeChunked(t *conform.T) {
	in := conform.Request{Method: post, Target: batchPath(t.Meeting().ID)}
	in.Body = padded(bodyCap + 1)
	in.Tamper = func(r *http.Request) { r.ContentLength = -1 }
	t.API.Handwritten(in, conform.Handwriting{}).Fails(tooLarge())
}

func wireExpect(t *conform.T) {
	conn := t.Dial()
	body := `{"ExternalUserId":"user-1"}`
	in := conform.Request{Method: post, Target: attendeesPath(t.Meeting().ID), Body: []byte(body)}
	conn.Send(in, fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(body)), "")
	t.Equal("first status", conn.Answer(post).StatusCode, 100)
	conn.Write(body)
	t.Equal("second status", conn.Answer(post).StatusCode, t.API.Created())
}

func wireExpectTooLarge(t *conform.T) {
	conn := t.Dial()
	in := conform.Request{Method: post, Target: attendeesPath(t.Meeting().ID), Body: []byte("{}")}
	conn.Send(in, fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", bodyCap+1), "")
	t.Equal("first status", conn.Answer(post).StatusCode, 413)
}

func wireHeaderTooLarge(t *conform.T) {
	in := probeRequest()
	in.Tamper = func(r *http.Request) { r.Header.Set("X-Filler", letters(2<<20)) }
	r := t.API.Send(in)
	if r.Err() == nil && !slices.Contains([]int{413, 431, 400}, r.Status) {
		t.Errorf("a header of 2 MiB was answered %d", r.Status)
	}
	t.API.GetMeeting(unknownID).Fails(notFound())
}

func wireGarbage(t *conform.T) {
	for _, line := range []string{"GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET /meetings HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"} {
		conn := t.Dial()
		conn.Write(line)
		res := conn.Answer(get)
		t.True(fmt.Sprintf("%q was answered %d, a status of 400 to 505", line, res.StatusCode), res.StatusCode >= 400 && res.StatusCode <= 505 && res.StatusCode != 500)
	}
	t.API.GetMeeting(unknownID).Fails(notFound())
}

func wireHalf(t *conform.T) {
	in := t.NewMeeting()
	body := fmt.Sprintf(`{"ClientRequestToken":%q,"MediaRegion":"us-east-1","ExternalMeetingId":"half-meeting"}`, in.Token)
	for _, sent := range []int{0, 10, len(body) - 1} {
		conn := t.Dial()
		conn.Send(conform.Request{Method: post, Target: "/meetings", Body: []byte(body)}, fmt.Sprintf("Content-Length: %d\r\n", len(body)), body[:sent])
		conn.HalfClose()
		conn.Drain()
	}
	t.Equal("the token was still free, so the external id", t.API.CreateMeeting(in).OK().ExternalMeetingID, in.ExternalMeetingID)
}

func wireKeepAlive(t *conform.T) {
	conn := t.Dial()
	m := t.Meeting()
	for range 3 {
		conn.Send(conform.Request{Method: get, Target: meetingPath(m.ID)}, "", "")
		t.Equal("status", conn.Answer(get).StatusCode, 200)
		conn.Send(conform.Request{Method: get, Target: meetingPath(unknownID)}, "", "")
		t.Equal("status of a refusal", conn.Answer(get).StatusCode, 404)
		conn.Send(conform.Request{Method: get, Target: meetingPath(m.ID), Plain: true}, "", "")
		t.Equal("status without credentials", conn.Answer(get).StatusCode, 403)
	}
}

func wireClose(t *conform.T) {
	conn := t.Dial()
	conn.Send(conform.Request{Method: get, Target: meetingPath(unknownID)}, "Connection: close\r\n", "")
	res := conn.Answer(get)
	t.Equal("status", res.StatusCode, 404)
	t.True("the answer says close", res.Close)
	t.Equal("bytes after the answer", conn.Drain(), 0)
}

func wirePipelined(t *conform.T) {
	conn := t.Dial()
	m := t.Meeting()
	conn.Send(conform.Request{Method: get, Target: meetingPath(m.ID)}, "", "")
	conn.Send(conform.Request{Method: get, Target: meetingPath(unknownID)}, "", "")
	conn.Send(conform.Request{Method: get, Target: attendeesPath(m.ID)}, "", "")
	statuses := []int{conn.Answer(get).StatusCode, conn.Answer(get).StatusCode, conn.Answer(get).StatusCode}
	t.Equal("statuses", statuses, []int{200, 404, 200})
}

func wireManyConnections(t *conform.T) {
	m := t.Meeting()
	var mu sync.Mutex
	var conns []*conform.Connection
	t.Together(200, func(int) {
		conn := t.Dial()
		mu.Lock()
		conns = append(conns, conn)
		mu.Unlock()
	})
	for _, conn := range conns {
		conn.Send(conform.Request{Method: get, Target: meetingPath(m.ID)}, "", "")
	}
	for _, conn := range conns {
		t.Equal("status", conn.Answer(get).StatusCode, 200)
	}
}

func wireRetry(t *conform.T) {
	id := uuid.NewString()
	m := t.Meeting()
	var bodies []string
	for attempt := range 2 {
		in := conform.Request{Method: post, Target: attendeesPath(m.ID), Body: []byte(`{"ExternalUserId":"user-1"}`), Header: http.Header{
			"Amz-Sdk-Invocation-Id": {id}, "Amz-Sdk-Request": {fmt.Sprintf("attempt=%d; max=3", attempt+1)},
		}}
		bodies = append(bodies, string(t.API.Send(in).Creates().Body))
		other := in
		other.Body = []byte(strings.Replace(string(in.Body), "user-1", fmt.Sprintf("other-%d", attempt), 1))
		t.API.Send(other).Creates()
	}
	t.True("the repeated request got the same answer", bodies[0] == bodies[1])
	t.Equal("attendees", attendeeCount(t, m.ID), 3)
}

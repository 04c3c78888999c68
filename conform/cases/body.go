package cases

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// bodyCases are about what a body says, whatever the operation: JSON that is
// none, types that are wrong, and JSON that is unusual but right.
func bodyCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Body_BrokenJSON", Says: "what is no JSON is BadRequest and creates nothing (D-56)", Body: bodyBroken},
		{Name: "Body_NotAnObject", Says: "JSON that is no object is BadRequest", Body: bodyNoObject},
		{Name: "Body_Empty", Says: "an empty body counts as {} and the missing members are named", Body: bodyEmpty},
		{Name: "Body_BadUTF8", Says: "bytes that are no UTF-8 are BadRequest", Body: bodyBadUTF8},
		{Name: "Body_SomethingAfterTheObject", Says: "anything but white space after the object is BadRequest", Body: bodyTrailing},
		{Name: "Body_WhiteSpace", Says: "white space around and inside the object does not matter", Body: bodySpaces},
		{Name: "Body_EscapedCharacters", Says: "escaped characters are those they stand for, as botocore sends them", Body: bodyEscapes},
		{Name: "Body_SurrogatePairs", Says: "two escaped surrogates are one character", Body: bodySurrogates},
		{Name: "Body_LoneSurrogate", Says: "an escaped surrogate without its partner is no character an id may have", Body: bodyLoneSurrogate},
		{Name: "Body_DuplicateMembers", Says: "a member that comes twice is refused or its last value counts; never is something in between created", Body: bodyDuplicates},
		{Name: "Body_DeepNesting", Says: "nesting beyond measure is refused quickly, and the next request works", Body: bodyDeep},
		{Name: "Body_HugeNumber", Says: "numbers beyond measure in members that are ignored do no harm", Body: bodyHugeNumber},
		{Name: "Body_WrongTypes", Says: "every wrong JSON type of a known member is BadRequest", Body: bodyWrongTypes},
		{Name: "Body_NullMembers", Says: "null equals absent for optional members", Body: bodyNulls},
		{Name: "Body_ManyUnknownMembers", Says: "a thousand unknown members are ignored (D-02)", Body: bodyManyUnknown},
		{Name: "Body_ByteOrderMark", Says: "a byte order mark is no JSON", Body: bodyBOM},
		{Name: "Body_RandomBytes", Says: "no body whatever makes the server fail", Body: bodyRandom},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	cases[7].In = inLegacy()   // surrogate pairs are outside the current flavour's alphabet
	cases[8].In = inMeetings() // its replacement would be a legal character of the legacy flavour
	return cases
}

// attendeeBodies sends bodies to CreateAttendee of one meeting, demands that
// each is refused, and that nobody was created.
func attendeeBodies(t *conform.T, bodies ...string) {
	m := t.Meeting()
	for _, body := range bodies {
		t.API.Raw(post, attendeesPath(m.ID), body).Fails(badRequest())
	}
	t.Equal("attendees", attendeeCount(t, m.ID), 0)
}

func bodyBroken(t *conform.T) {
	attendeeBodies(t,
		"{", "}", "{]", `{"ExternalUserId"}`, `{"ExternalUserId":}`, `{"ExternalUserId":"user-1"`, `{"ExternalUserId":"user-1}`,
		`{'ExternalUserId':'user-1'}`, `{"ExternalUserId":"user-1",}`, `{ExternalUserId:"user-1"}`, `{"ExternalUserId":"user-1" "a":1}`,
		`{"ExternalUserId":"user\x"}`, `{"ExternalUserId":"user\u12"}`, "{\"ExternalUserId\":\"user\n1\"}", `{"ExternalUserId":"user-1"/*c*/}`,
		`{"ExternalUserId":"user-1","x":01}`, `{"ExternalUserId":"user-1","x":NaN}`, `{"ExternalUserId":"user-1","x":tru}`, `{"ExternalUserId":"user-1","x":+1}`,
		`{"ExternalUserId":"user-1","x":.5}`, "\x00", `<ExternalUserId>user-1</ExternalUserId>`, "ExternalUserId=user-1",
	)
}

func bodyNoObject(t *conform.T) {
	attendeeBodies(t, "[]", `["user-1"]`, `"user-1"`, "1", "true", "null", `[{"ExternalUserId":"user-1"}]`)
}

func bodyEmpty(t *conform.T) {
	m := t.Meeting()
	for _, body := range []any{nil, "", "{}"} {
		t.API.Raw(post, attendeesPath(m.ID), body).Fails(badRequest(), "externalUserId")
		t.API.Raw(post, batchPath(m.ID), body).Fails(badRequest(), "attendees")
	}
}

func bodyBadUTF8(t *conform.T) {
	attendeeBodies(t,
		"{\"ExternalUserId\":\"user\xff\"}", "{\"ExternalUserId\":\"\xc3\x28ab\"}", "{\"ExternalUserId\":\"ab\xed\xa0\x80\"}",
		"{\"ExternalUserId\":\"user-1\",\"x\":\"\xfe\"}", "{\"ExternalUserId\":\"user-1\",\"\xf8x\":1}", "{\"ExternalUserId\":\"ab\xc0\xaf\"}",
	)
}

func bodyTrailing(t *conform.T) {
	attendeeBodies(t, `{"ExternalUserId":"user-1"}x`, `{"ExternalUserId":"user-1"}{"ExternalUserId":"user-2"}`, `{"ExternalUserId":"user-1"}]`, "{\"ExternalUserId\":\"user-1\"}\x00")
}

func bodySpaces(t *conform.T) {
	t.API.Raw(post, attendeesPath(t.Meeting().ID), "\r\n\t {\n\t\"ExternalUserId\" \r\n:\t\"user-1\" }\n\n ").Creates()
}

func bodyEscapes(t *conform.T) {
	m := t.Meeting()
	t.API.Raw(post, attendeesPath(m.ID), `{"External\u0055serId":"\u0075ser\/\"\u00e9\t\u0027"}`).Creates()
	t.Equal("user ids", userIDs(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), []string{"user/\"é\t'"})
}

func bodySurrogates(t *conform.T) {
	m := t.Meeting()
	t.API.Raw(post, attendeesPath(m.ID), `{"ExternalUserId":"a\ud83d\ude00"}`).Succeeds(201)
	t.API.Raw(post, attendeesPath(m.ID), `{"ExternalUserId":"a😀"}`).Succeeds(201)
	t.Equal("user ids", userIDs(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), []string{"a😀"})
}

func bodyLoneSurrogate(t *conform.T) {
	attendeeBodies(t, `{"ExternalUserId":"ab\ud83d"}`, `{"ExternalUserId":"ab\ude00cd"}`, `{"ExternalUserId":"ab\ud83d\u0041"}`)
}

func bodyDuplicates(t *conform.T) {
	m := t.Meeting()
	r := t.API.Raw(post, attendeesPath(m.ID), `{"ExternalUserId":"user-1","ExternalUserId":"user-2"}`)
	r.Answered()
	want := []string{"user-2"}
	if r.Status != t.API.Created() {
		r.Fails(badRequest())
		want = []string{}
	}
	t.Equal("user ids", userIDs(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), want)
	other := t.Meeting()
	r = t.API.Raw(post, batchPath(other.ID), `{"Attendees":[{"ExternalUserId":"user-1"}],"Attendees":[{"ExternalUserId":"user-2"}]}`)
	r.Answered()
	if r.Status != t.API.Created() {
		r.Fails(badRequest())
	}
	t.Equal("user ids of the batch", userIDs(t.API.ListAttendees(other.ID, conform.Page{}).OK().Attendees), want)
}

func bodyDeep(t *conform.T) {
	const deep = 500_000
	m := t.Meeting()
	for _, body := range []string{
		strings.Repeat("[", deep), strings.Repeat(`{"a":`, deep), `{"Attendees":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}",
	} {
		t.API.Raw(post, batchPath(m.ID), body).Fails(badRequest())
	}
	ignored := t.API.Raw(post, batchPath(m.ID), `{"Attendees":[{"ExternalUserId":"user-1"}],"x":`+strings.Repeat("[", deep)+strings.Repeat("]", deep)+"}")
	ignored.Answered()
	if ignored.Status != t.API.Created() {
		ignored.Fails(badRequest())
	}
	t.API.Raw(post, attendeesPath(m.ID), `{"ExternalUserId":"user-1","x":[[[[[[[[{"a":[[]]}]]]]]]]]}`).Creates()
}

func bodyHugeNumber(t *conform.T) {
	t.API.Raw(post, attendeesPath(t.Meeting().ID), `{"ExternalUserId":"user-1","x":1e99999,"y":-`+strings.Repeat("9", 10000)+`,"z":0.1E-400}`).Creates()
}

func bodyWrongTypes(t *conform.T) {
	wrong := []string{`1`, `true`, `[]`, `{}`, `["a"]`, `1.5`}
	var bodies []string
	for _, value := range wrong {
		bodies = append(bodies, `{"ExternalUserId":`+value+`}`)
	}
	attendeeBodies(t, bodies...)
	for _, value := range append(wrong[:2:2], `"list"`, `{}`) {
		t.API.Raw(post, batchPath(t.Meeting().ID), `{"Attendees":`+value+`}`).Fails(badRequest())
		body := fmt.Sprintf(`{"ClientRequestToken":%q,"MediaRegion":"us-east-1","ExternalMeetingId":"conform-types","Tags":%s}`, uuid.NewString(), value)
		t.API.Raw(post, "/meetings", body).Fails(badRequest())
	}
}

func bodyNulls(t *conform.T) {
	body := fmt.Sprintf(`{"ClientRequestToken":%q,"MediaRegion":"us-east-1","ExternalMeetingId":"conform-nulls","MeetingHostId":null,"Tags":null,
		"NotificationsConfiguration":null,"MeetingFeatures":null,"PrimaryMeetingId":null,"TenantIds":null,"MediaPlacementNetworkType":null}`, uuid.NewString())
	t.API.Raw(post, "/meetings", body).Creates()
	t.API.Raw(post, attendeesPath(t.Meeting().ID), `{"ExternalUserId":"user-1","Capabilities":null,"Tags":null}`).Creates()
}

func bodyManyUnknown(t *conform.T) {
	var b strings.Builder
	b.WriteString(`{"ExternalUserId":"user-1"`)
	for i := range 1000 {
		fmt.Fprintf(&b, `,"future-%d":{"a":[1,"two",null,{"b":true}]}`, i)
	}
	b.WriteString("}")
	t.API.Raw(post, attendeesPath(t.Meeting().ID), b.String()).Creates()
}

func bodyBOM(t *conform.T) { attendeeBodies(t, "\ufeff{\"ExternalUserId\":\"user-1\"}") }

func bodyRandom(t *conform.T) {
	m := t.Meeting()
	valid := `{"Attendees":[{"ExternalUserId":"user-1","Capabilities":{"Audio":"Send","Video":"Send","Content":"Send"},"Tags":[{"Key":"a","Value":"b"}]}]}`
	seed := uint32(1)
	for i := range 200 {
		body := []byte(valid)
		for range 1 + i%4 {
			seed = seed*1664525 + 1013904223
			body[int(seed>>8)%len(body)] = byte(seed >> 24)
		}
		r := t.API.Send(conform.Request{Method: post, Target: batchPath(m.ID), Body: body})
		r.Answered()
		if r.Status != t.API.Created() {
			r.Fails(badRequest())
		}
	}
}

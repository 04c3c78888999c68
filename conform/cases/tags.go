package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// What the nine tag operations have in common. Each resource that has tags is
// seen through one pair of ways to write and read them.

// sorted returns the tags ordered by key; the API promises no order.
func sorted(tags []conform.Tag) []conform.Tag {
	return slices.SortedFunc(slices.Values(tags), func(a, b conform.Tag) int { return strings.Compare(a.Key, b.Key) })
}

// numberedTags returns n tags with keys that sort in order.
func numberedTags(n int) []conform.Tag {
	tags := make([]conform.Tag, n)
	for i := range tags {
		tags[i] = conform.Tag{Key: fmt.Sprintf("key-%02d", i), Value: fmt.Sprintf("value-%d", i)}
	}
	return tags
}

// accountID returns the account id of the main credentials: as told by the
// options, else as a MeetingArn of the current flavour shows it.
func accountID(t *conform.T) string {
	if t.Options().Account != "" {
		return t.Options().Account
	}
	in := t.NewMeeting()
	parts := strings.Split(t.Through(conform.Meetings).CreateMeeting(in).OK().ARN, ":")
	if len(parts) < 5 {
		t.Fatalf("no account id in a MeetingArn")
	}
	return parts[4]
}

// arnOf returns the ARN of a meeting; legacy meetings do not tell theirs.
func arnOf(t *conform.T, m conform.Meeting) string {
	if m.ARN != "" {
		return m.ARN
	}
	return fmt.Sprintf("arn:aws:chime:%s:%s:meeting/%s", t.Options().Region, accountID(t), m.ID)
}

// tagProbes are the constraints on one tag, wherever tags are written. path is
// that of the tag list in the body.
func tagProbes(path string) []probe {
	key, value := path+".Key", path+".Value"
	return []probe{
		{name: "TagWithoutKey", change: drop(key), says: "a tag needs a key", words: "tags.1 key"},
		{name: "TagWithoutValue", change: drop(value), says: "a tag needs a value", words: "tags.1 value"},
		{name: "TagKeyEmpty", change: set(key, ""), says: "a key has at least one character", words: "key"},
		{name: "TagKeyLongest", change: set(key, letters(128)), says: "a key may have 128 characters"},
		{name: "TagKeyTooLong", change: set(key, letters(129)), says: "a key has at most 128 characters", words: "key"},
		{name: "TagKeyReserved", change: set(key, "aws:owner"), says: "keys beginning with aws: are reserved", words: anyWords},
		{name: "TagKeyReservedInAnyCase", change: set(key, "AWS:owner"), says: "aws: is reserved in any letter case", words: anyWords},
		{name: "TagValueReserved", change: set(value, "aws:value"), says: "values beginning with aws: are reserved", words: anyWords},
		{name: "TagKeyEveryAllowedCharacter", in: inMeetings(), change: set(key, "azAZ09+,-./:;<=_"), says: "letters, digits and + , - . / : ; < = _ are accepted in a key"},
		{name: "TagKeyWithSpace", in: inMeetings(), change: set(key, "my key"), says: "a key has no spaces", words: "key"},
		{name: "TagKeyWithAtSign", in: inMeetings(), change: set(key, "me@home"), says: "a key has no @", words: "key"},
		{name: "TagKeyWithAccent", in: inMeetings(), change: set(key, "clé"), says: "a key is ASCII", words: "key"},
		{name: "TagKeyFreeInLegacy", in: inLegacy(), change: set(key, "ma clé @ 日本"), says: "the legacy flavour bounds only the length of a key"},
		{name: "TagValueEmpty", in: inMeetings(), change: set(value, ""), says: "a value may be empty"},
		{name: "TagValueEmptyInLegacy", in: inLegacy(), change: set(value, ""), says: "the legacy flavour wants a value of at least one character", words: "value"},
		{name: "TagValueLongest", change: set(value, letters(256)), says: "a value may have 256 characters"},
		{name: "TagValueTooLong", change: set(value, letters(257)), says: "a value has at most 256 characters", words: "value"},
		{name: "TagValueEveryAllowedCharacter", in: inMeetings(), change: set(value, "az AZ\t09+,-./:;<=_@"), says: "white space, word characters and + , - . / : ; < = @ are accepted in a value"},
		{name: "TagValueOdd", in: inMeetings(), change: set(value, "50%"), says: "other characters are refused in a value", words: "value"},
		{name: "TagValueWithAccent", in: inMeetings(), change: set(value, "valeur clé"), says: "a value is ASCII", words: "value"},
		{name: "TagValueFreeInLegacy", in: inLegacy(), change: set(value, "50% 日本"), says: "the legacy flavour bounds only the length of a value"},
		{name: "TagKeyOfWrongType", change: set(key, 4), says: "a number where a string is wanted is refused", words: anyWords},
	}
}

// tagged is a resource with tags and the ways to write and read them.
type tagged struct {
	most   int // tags the resource may have
	over   conform.Kind
	tag    func(...conform.Tag) conform.Result[conform.None]
	untag  func(...string) conform.Result[conform.None]
	listed func() conform.Result[[]conform.Tag]
}

// addsAndReplaces checks that tags are added and values replaced.
func addsAndReplaces(t *conform.T, r tagged) {
	r.tag(conform.Tag{Key: "team", Value: "red"}, conform.Tag{Key: "floor", Value: "3"}).OK()
	r.tag(conform.Tag{Key: "team", Value: "blue"}, conform.Tag{Key: "Team", Value: "x"}).OK()
	t.Equal("tags", sorted(r.listed().OK()), []conform.Tag{{Key: "Team", Value: "x"}, {Key: "floor", Value: "3"}, {Key: "team", Value: "blue"}})
}

// keepsToTheMost checks the limit of tags of one resource.
func keepsToTheMost(t *conform.T, r tagged) {
	tags := numberedTags(r.most)
	half := r.most / 2
	r.tag(tags[:half]...).OK()
	r.tag(tags[half:]...).OK()
	r.tag(conform.Tag{Key: "one-more", Value: "x"}).Fails(r.over)
	r.tag(conform.Tag{Key: "key-00", Value: "replaced"}, conform.Tag{Key: "one-more", Value: "x"}).Fails(r.over)
	t.Equal("tags after the refusals", sorted(r.listed().OK()), tags)
	r.tag(conform.Tag{Key: "key-00", Value: "replaced"}).OK()
	r.untag("key-01").OK()
	r.tag(conform.Tag{Key: "one-more", Value: "x"}).OK()
	t.Equal("number of tags", len(r.listed().OK()), r.most)
}

// takesAway checks that tags are removed by key, known or not.
func takesAway(t *conform.T, r tagged) {
	r.tag(conform.Tag{Key: "a", Value: "1"}, conform.Tag{Key: "b", Value: "2"}, conform.Tag{Key: "c", Value: "3"}).OK()
	r.untag("a", "c", "never-there", "B").OK()
	t.Equal("tags", r.listed().OK(), []conform.Tag{{Key: "b", Value: "2"}})
	r.untag("a").OK()
	r.untag("b").OK()
	t.Equal("tags in the end", len(r.listed().OK()), 0)
}

// listsNothing checks the answer for a resource without tags (D-10).
func listsNothing(t *conform.T, r tagged) {
	answer := r.listed()
	answer.OK()
	t.Equal("members", answer.Keys(), []string{"Tags"})
	t.Equal("Tags", answer.Object()["Tags"], list{})
}

// tagsTogether checks that tags written at once are all kept.
func tagsTogether(t *conform.T, r tagged) {
	tags := numberedTags(r.most)
	t.Together(r.most, func(i int) { r.tag(tags[i]).OK() })
	t.Equal("tags", sorted(r.listed().OK()), tags)
}

// taggedByARN returns a meeting seen through the operations by ARN.
func taggedByARN(t *conform.T, m conform.Meeting) tagged {
	arn := arnOf(t, m)
	return tagged{
		most: 50, over: tooManyTags(),
		tag:    func(tags ...conform.Tag) conform.Result[conform.None] { return t.API.TagResource(arn, tags...) },
		untag:  func(keys ...string) conform.Result[conform.None] { return t.API.UntagResource(arn, keys...) },
		listed: func() conform.Result[[]conform.Tag] { return t.API.ListTagsForResource(arn) },
	}
}

// taggedByID returns a legacy meeting seen through the operations by id.
func taggedByID(t *conform.T, m conform.Meeting) tagged {
	return tagged{
		most: 50, over: limitExceeded(),
		tag:    func(tags ...conform.Tag) conform.Result[conform.None] { return t.API.TagMeeting(m.ID, tags...) },
		untag:  func(keys ...string) conform.Result[conform.None] { return t.API.UntagMeeting(m.ID, keys...) },
		listed: func() conform.Result[[]conform.Tag] { return t.API.ListMeetingTags(m.ID) },
	}
}

// taggedAttendee returns a new legacy attendee with its tags.
func taggedAttendee(t *conform.T) tagged {
	m, a := t.Attendee()
	return taggedByIDs(t, m, a)
}

// taggedByIDs returns a legacy attendee with its tags.
func taggedByIDs(t *conform.T, m conform.Meeting, a conform.Attendee) tagged {
	return tagged{
		most: 10, over: limitExceeded(),
		tag:    func(tags ...conform.Tag) conform.Result[conform.None] { return t.API.TagAttendee(m.ID, a.ID, tags...) },
		untag:  func(keys ...string) conform.Result[conform.None] { return t.API.UntagAttendee(m.ID, a.ID, keys...) },
		listed: func() conform.Result[[]conform.Tag] { return t.API.ListAttendeeTags(m.ID, a.ID) },
	}
}

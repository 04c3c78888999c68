package cases

import (
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// tagResourceCases are the behaviours of TagResource.
func tagResourceCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "TagResource_AddsAndReplaces", Says: "tags are added; an existing key gets the new value; keys are case-sensitive", In: inBoth(), Body: func(t *conform.T) { addsAndReplaces(t, taggedByARN(t, t.Meeting())) }},
		{Name: "TagResource_FiftyTagsAndNoMore", Says: "a meeting has at most 50 tags; a call that would exceed them changes nothing", In: inBoth(), Body: func(t *conform.T) { keepsToTheMost(t, taggedByARN(t, t.Meeting())) }},
		{Name: "TagResource_TagsOfCreationCount", Says: "tags given at creation and later ones share one set and one limit", In: inBoth(), Body: tagsOfCreationCount},
		{Name: "TagResource_ConcurrentlyKeepsAll", Says: "tags written at once are all kept", In: inBoth(), Body: func(t *conform.T) { tagsTogether(t, taggedByARN(t, t.Meeting())) }},
		{Name: "TagResource_ThreeSpellingsOfTheArn", Says: "the ARN may lack the Region or separate the id by a colon (D-49)", In: inBoth(), Body: arnSpellings},
		{Name: "TagResource_ArnInCapitals", Says: "the id in an ARN is compared in any letter case (D-21)", In: inBoth(), Body: arnInCapitals},
		{Name: "TagResource_ForeignArnIsNotFound", Says: "another account, Region, resource type or an unknown id is not found", In: inBoth(), Body: foreignARNs},
		{Name: "TagResource_NotAnArnIsRefused", Says: "what is no ARN is BadRequest", In: inBoth(), Body: noARNs},
		{Name: "TagResource_EmptyListInCurrent", Says: "an empty tag list succeeds and changes nothing", In: inMeetings(), Body: func(t *conform.T) {
			t.API.Raw(post, "/tags?operation=tag-resource", object{"ResourceARN": t.Meeting().ARN, "Tags": list{}}).Succeeds(204)
		}},
	}, aTagging().cases(slices.Concat(tagProbes("Tags"), []probe{
		{name: "ArnMissing", change: drop("ResourceARN"), says: "ResourceARN is required", words: "resourceARN"},
		{name: "TagsMissing", change: drop("Tags"), says: "Tags is required", words: "tags"},
		{name: "TagsFiftyOne", change: set("Tags", times(51, numberedTag)), says: "one request has at most 50 tags", words: "tags"},
		{name: "TagsEmptyListInLegacy", in: inLegacy(), change: set("Tags", list{}), says: "the legacy flavour wants at least one tag", words: "tags"},
		{name: "TagsDuplicateKeys", change: set("Tags", list{numberedTag(0), numberedTag(0)}), says: "a key twice in one request is refused (D-17)", words: anyWords},
	})...))
}

// aTagging is the attempt whose valid body tags a meeting.
func aTagging() attempt {
	return attempt{operation: "TagResource", method: post, status: 204, prepare: func(t *conform.T) (string, object) {
		return "/tags?operation=tag-resource", object{"ResourceARN": arnOf(t, t.Meeting()), "Tags": list{object{"Key": "k", "Value": "v"}}}
	}}
}

func tagsOfCreationCount(t *conform.T) {
	tags := numberedTags(50)
	r := taggedByARN(t, t.MeetingWith(func(in *conform.NewMeeting) { in.Tags = tags[:49] }))
	r.tag(tags[49]).OK()
	r.tag(conform.Tag{Key: "one-more", Value: "x"}).Fails(r.over)
	t.Equal("tags", sorted(r.listed().OK()), tags)
}

func arnSpellings(t *conform.T) {
	m := t.Meeting()
	account := accountID(t)
	for i, arn := range []string{
		"arn:aws:chime:" + t.Options().Region + ":" + account + ":meeting/" + m.ID,
		"arn:aws:chime::" + account + ":meeting/" + m.ID,
		"arn:aws:chime::" + account + ":meeting:" + m.ID,
	} {
		key := "key" + letters(i+1)
		t.API.TagResource(arn, conform.Tag{Key: key, Value: "v"}).OK()
		t.True("the tag is listed", slices.Contains(t.API.ListTagsForResource(arn).OK(), conform.Tag{Key: key, Value: "v"}))
		t.API.UntagResource(arn, key).OK()
	}
}

func arnInCapitals(t *conform.T) {
	m := t.Meeting()
	arn := strings.Replace(arnOf(t, m), m.ID, strings.ToUpper(m.ID), 1)
	t.API.TagResource(arn, conform.Tag{Key: "a", Value: "b"}).OK()
	t.Equal("tags", t.API.ListTagsForResource(arn).OK(), []conform.Tag{{Key: "a", Value: "b"}})
}

func foreignARNs(t *conform.T) {
	m := t.Meeting()
	account, region := accountID(t), t.Options().Region
	elsewhere := "eu-west-2"
	if region == elsewhere {
		elsewhere = "us-east-1"
	}
	for _, arn := range []string{
		"arn:aws:chime:" + region + ":" + account + ":meeting/" + unknownID,
		"arn:aws:chime:" + region + ":999999999999:meeting/" + m.ID,
		"arn:aws:chime:" + elsewhere + ":" + account + ":meeting/" + m.ID,
		"arn:aws:chime:" + region + ":" + account + ":app-instance/" + m.ID,
		"arn:aws:s3:::bucket",
	} {
		t.API.TagResource(arn, conform.Tag{Key: "a", Value: "b"}).Fails(resourceNotFound())
		t.API.UntagResource(arn, "a").Fails(resourceNotFound())
		t.API.ListTagsForResource(arn).Fails(resourceNotFound())
	}
	t.Equal("tags of the meeting", len(t.API.ListTagsForResource(arnOf(t, m)).OK()), 0)
}

func noARNs(t *conform.T) {
	longest := 1011
	if t.Flavour == conform.Legacy {
		longest = 1024
	}
	const before = "arn:aws:chime:us-east-1:000000000000:meeting/"
	t.API.TagResource(before+letters(longest-len(before)), conform.Tag{Key: "a", Value: "b"}).Fails(resourceNotFound())
	t.API.TagResource(before+letters(longest+1-len(before)), conform.Tag{Key: "a", Value: "b"}).Fails(badRequest(), "resourceARN")
	for _, arn := range []string{"x", "meeting/" + unknownID, "ARN:aws:chime::000000000000:meeting/" + unknownID, "arn:aws:chime:" + letters(1100)} {
		t.API.Raw(post, "/tags?operation=tag-resource", object{"ResourceARN": arn, "Tags": list{numberedTag(0)}}).Fails(badRequest(), "resourceARN")
		t.API.Raw(post, "/tags?operation=untag-resource", object{"ResourceARN": arn, "TagKeys": list{"k"}}).Fails(badRequest(), "resourceARN")
		t.API.Raw(get, "/tags?arn="+arn, nil).Fails(badRequest())
	}
}

package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// untagResourceCases are the behaviours of UntagResource; unknown and
// malformed ARNs are tried beside those of TagResource.
func untagResourceCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "UntagResource_TakesAwayByKey", Says: "tags are removed by key, case-sensitively; keys that are not there do no harm", In: inBoth(), Body: func(t *conform.T) { takesAway(t, taggedByARN(t, t.Meeting())) }},
		{Name: "UntagResource_EmptyListInCurrent", Says: "an empty key list succeeds", In: inMeetings(), Body: func(t *conform.T) {
			t.API.Raw(post, "/tags?operation=untag-resource", object{"ResourceARN": t.Meeting().ARN, "TagKeys": list{}}).Succeeds(204)
		}},
	}, anUntagging().cases(untagProbes(50)...), anUntagging().cases(
		probe{name: "ArnMissing", change: drop("ResourceARN"), says: "ResourceARN is required", words: "resourceARN"},
	))
}

// anUntagging is the attempt whose valid body removes a tag of a meeting.
func anUntagging() attempt {
	return attempt{operation: "UntagResource", method: post, status: 204, prepare: func(t *conform.T) (string, object) {
		return "/tags?operation=untag-resource", object{"ResourceARN": arnOf(t, t.Meeting()), "TagKeys": list{"k"}}
	}}
}

// untagProbes are the constraints on the keys to remove, at most of them.
func untagProbes(most int) []probe {
	key := func(i int) any { return "key-" + letters(i+1) }
	return []probe{
		{name: "KeysMissing", change: drop("TagKeys"), says: "TagKeys is required", words: "tagKeys"},
		{name: "KeysMost", change: set("TagKeys", times(most, key)), says: "as many keys as the resource may have tags are accepted"},
		{name: "KeysTooMany", change: set("TagKeys", times(most+1, key)), says: "more keys than the resource may have tags are refused", words: "tagKeys"},
		{name: "KeysEmptyListInLegacy", in: inLegacy(), change: set("TagKeys", list{}), says: "the legacy flavour wants at least one key", words: "tagKeys"},
		{name: "KeyEmpty", change: set("TagKeys", list{""}), says: "a key has at least one character", words: "tagKeys.1"},
		{name: "KeyTooLong", change: set("TagKeys", list{letters(129)}), says: "a key has at most 128 characters", words: "tagKeys.1"},
		{name: "KeyOfWrongType", change: set("TagKeys", list{1}), says: "a number where a string is wanted is refused", words: anyWords},
	}
}

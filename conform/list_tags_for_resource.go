package conform

import "net/url"

// listTagsForResourceCases are the behaviours of ListTagsForResource; unknown
// and malformed ARNs are tried beside those of TagResource.
func listTagsForResourceCases() []Case {
	return []Case{
		{Name: "ListTagsForResource_NoTags", Says: "a meeting without tags answers [] (D-10)", In: inBoth(), body: func(t *T) { listsNothing(t, t.byARN(t.Meeting())) }},
		{Name: "ListTagsForResource_TagsOfCreation", Says: "tags given at creation are listed", In: inBoth(), body: listsTagsOfCreation},
		{Name: "ListTagsForResource_ArnIsMissing", Says: "without an arn the request is refused", In: inBoth(), body: func(t *T) { t.API.Raw(get, "/tags", nil).Fails(badRequest()) }},
		{Name: "ListTagsForResource_ArnIsEmpty", Says: "an empty arn is refused", In: inBoth(), body: func(t *T) { t.API.Raw(get, "/tags?arn=", nil).Fails(badRequest()) }},
		{Name: "ListTagsForResource_ArnEscapedOrNot", Says: "the arn may be percent-encoded or not", In: inBoth(), body: listsEscapedARN},
	}
}

func listsTagsOfCreation(t *T) {
	tags := numberedTags(5)
	m := t.MeetingWith(func(in *NewMeeting) { in.Tags = tags })
	t.Equal("tags", sorted(t.API.ListTagsForResource(t.arn(m)).OK()), tags)
}

func listsEscapedARN(t *T) {
	arn := t.arn(t.Meeting())
	t.API.Raw(get, "/tags?arn="+url.QueryEscape(arn), nil).Succeeds(200)
	t.API.Raw(get, "/tags?arn="+arn, nil).Succeeds(200)
}

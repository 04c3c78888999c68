package cases

import (
	"net/url"

	"github.com/carillon-meetings/carillon/conform"
)

// listTagsForResourceCases are the behaviours of ListTagsForResource; unknown
// and malformed ARNs are tried beside those of TagResource.
func listTagsForResourceCases() []conform.Case {
	return []conform.Case{
		{Name: "ListTagsForResource_NoTags", Says: "a meeting without tags answers [] (D-10)", In: inBoth(), Body: func(t *conform.T) { listsNothing(t, taggedByARN(t, t.Meeting())) }},
		{Name: "ListTagsForResource_TagsOfCreation", Says: "tags given at creation are listed", In: inBoth(), Body: listsTagsOfCreation},
		{Name: "ListTagsForResource_ArnIsMissing", Says: "without an arn the request is refused", In: inBoth(), Body: func(t *conform.T) { t.API.Raw(get, "/tags", nil).Fails(badRequest()) }},
		{Name: "ListTagsForResource_ArnIsEmpty", Says: "an empty arn is refused", In: inBoth(), Body: func(t *conform.T) { t.API.Raw(get, "/tags?arn=", nil).Fails(badRequest()) }},
		{Name: "ListTagsForResource_ArnEscapedOrNot", Says: "the arn may be percent-encoded or not", In: inBoth(), Body: listsEscapedARN},
	}
}

func listsTagsOfCreation(t *conform.T) {
	tags := numberedTags(5)
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Tags = tags })
	t.Equal("tags", sorted(t.API.ListTagsForResource(arnOf(t, m)).OK()), tags)
}

func listsEscapedARN(t *conform.T) {
	arn := arnOf(t, t.Meeting())
	t.API.Raw(get, "/tags?arn="+url.QueryEscape(arn), nil).Succeeds(200)
	t.API.Raw(get, "/tags?arn="+arn, nil).Succeeds(200)
}

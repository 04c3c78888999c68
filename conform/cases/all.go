package cases

import (
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// All returns every case, ordered by name. The slice is the caller's.
func All() []conform.Case {
	all := slices.Concat(
		createMeetingCases(), createMeetingWithAttendeesCases(), getMeetingCases(),
		deleteMeetingCases(), listMeetingsCases(), createAttendeeCases(),
		batchCreateAttendeeCases(), getAttendeeCases(), listAttendeesCases(),
		deleteAttendeeCases(), updateAttendeeCapabilitiesCases(),
		batchUpdateAttendeeCapabilitiesExceptCases(),
		startMeetingTranscriptionCases(), stopMeetingTranscriptionCases(),
		tagResourceCases(), untagResourceCases(), listTagsForResourceCases(),
		tagMeetingCases(), untagMeetingCases(), listMeetingTagsCases(),
		tagAttendeeCases(), untagAttendeeCases(), listAttendeeTagsCases(),
		authCases(), signatureCases(), wireCases(), bodyCases(), precedenceCases(),
		routeCases(), flavourCases(), isolationCases(), idempotencyCases(),
		limitCases(), rateCases(), pagingCases(), capabilityCases(),
		featureCases(), replicaCases(), lifetimeCases(), alphabetCases(),
		inclinedCases(), optionalCases(), pipelineCases(), connectorCases(),
	)
	slices.SortFunc(all, func(a, b conform.Case) int { return strings.Compare(a.Name, b.Name) })
	return all
}

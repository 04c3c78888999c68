package event

import (
	"maps"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// PipelineProfile returns what events have of the meeting of a pipeline, for
// when the meeting itself is not in the ledger any more.
func PipelineProfile(p *meeting.Pipeline) *meeting.Profile {
	return &meeting.Profile{
		ID: p.Meeting, Owner: p.Owner, ExternalMeetingID: p.ExternalMeetingID, MediaRegion: p.MediaRegion, Notifications: p.Notifications,
	}
}

// PipelineRecord returns the events of the next record of one of the meeting's
// media pipelines. The error wraps meeting.ErrOrder.
func (f *Fold) PipelineRecord(seq uint64, id meeting.ID, r *meeting.Record) ([]*Event, error) {
	before := f.pipelines[id]
	after, err := before.Fold(r)
	if err != nil {
		return nil, err
	}
	if f.pipelines == nil {
		f.pipelines = map[meeting.ID]*meeting.Pipeline{}
	}
	f.pipelines[id] = after
	if before == nil {
		if _, first := r.Body.(*meeting.PipelineCreated); first {
			return nil, nil
		}
		// It is all that is left of the pipeline: what it says besides its
		// last event was told.
		retagged := !after.Updated.Equal(r.Time) // it replaced the one that ended the pipeline
		if !f.counted {
			f.Count += uint64(after.Told)
			if retagged {
				f.Count++
			}
		}
		if retagged {
			return nil, nil
		}
		before = &meeting.Pipeline{}
	}
	kind, message := pipelineEvent(before, after)
	if kind == "" {
		return nil, nil
	}
	t := teller{fold: f, base: Event{Position: Position{Seq: seq}, Time: r.Time, DetailType: PipelineStateChange}}
	t.tell(kind, func(e *Event) { e.Pipeline, e.Message = id.String(), message })
	return t.events, nil
}

// pipelineEvent returns what is told of a pipeline that has changed; "" for
// nothing.
func pipelineEvent(before, after *meeting.Pipeline) (kind, message string) {
	switch came := after.Status != before.Status; {
	case came && after.Status == meeting.PipelineInProgress:
		return PipelineInProgress, ""
	case came && after.Status == meeting.PipelineStopped:
		return PipelineDeleted, ""
	case came && after.Status == meeting.PipelineFailed:
		return PipelineFailed, after.Failure
	case after.Status.Over():
		return "", ""
	case before.Trouble == "" && after.Trouble != "":
		return PipelineTroubled, after.Trouble
	case before.Trouble != "" && after.Trouble == "":
		return PipelineResumed, ""
	}
	return "", ""
}

// Recording reports whether one of the meeting's pipelines is not over.
func (f *Fold) Recording() bool {
	for p := range maps.Values(f.pipelines) {
		if !p.Status.Over() {
			return true
		}
	}
	return false
}

// Recorded reports whether the meeting has pipelines, over or not.
func (f *Fold) Recorded() bool { return len(f.pipelines) > 0 }

// Resume has the events of the records that come next counted from after count,
// because the earlier ones are not all in the ledger any more.
func (f *Fold) Resume(count uint64) { f.Count, f.counted = count, true }

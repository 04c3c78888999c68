package clustertest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// action is what a call of a Chronicle does.
type action int

const (
	creating action = iota
	removing
	looking
	listing
	closing
)

// question is one call: an attendee by external user id, and for removing and
// looking by the id it has been given.
type question struct {
	action   action
	name, id string
}

// reply is what came of it.
type reply struct {
	outcome outcome
	id      string            // of the attendee created or seen
	list    map[string]string // id by name
}

// room is a meeting as the model has it. An id of "?" is one that nobody was
// told. Rooms are never changed in place.
type room struct {
	ended  bool
	people map[string]string
}

func (r room) with(name, id string) room {
	people := maps.Clone(r.people)
	people[name] = id
	return room{r.ended, people}
}

func (r room) without(name string) room {
	people := maps.Clone(r.people)
	delete(people, name)
	return room{r.ended, people}
}

const untold = "?"

// model is a meeting for one caller at a time. A call without an answer may
// have been done or not.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{room{people: map[string]string{}}} },
		Step: func(state, input, output any) []any {
			var next []any
			for _, r := range step(state.(room), input.(question), output.(reply)) {
				next = append(next, r)
			}
			return next
		},
		Equal: func(a, b any) bool {
			x, y := a.(room), b.(room)
			return x.ended == y.ended && maps.Equal(x.people, y.people)
		},
		DescribeOperation: func(input, output any) string { return describe(input.(question), output.(reply)) },
	}
	return m.ToModel()
}

// step returns the rooms that a call may leave behind, none when its answer
// does not fit.
func step(r room, q question, a reply) []room {
	if a.outcome == refused {
		return []room{r}
	}
	switch q.action {
	case creating:
		return create(r, q, a)
	case removing:
		return remove(r, q, a)
	case closing:
		closed := room{ended: true, people: map[string]string{}}
		switch a.outcome {
		case done:
			return []room{closed}
		case unknown:
			return []room{r, closed}
		}
		return nil
	}
	return read(r, q, a)
}

func create(r room, q question, a reply) []room {
	have, there := r.people[q.name]
	switch {
	case a.outcome == missing && r.ended:
		return []room{r}
	case a.outcome == done && !r.ended && (!there || have == a.id || have == untold):
		return []room{r.with(q.name, a.id)}
	case a.outcome == unknown && (r.ended || there):
		return []room{r}
	case a.outcome == unknown:
		return []room{r, r.with(q.name, untold)}
	}
	return nil
}

func remove(r room, q question, a reply) []room {
	have, there := r.people[q.name]
	mine := there && (have == q.id || have == untold)
	switch {
	case a.outcome == missing && (!mine || have == untold):
		return []room{r}
	case a.outcome == done && mine:
		return []room{r.without(q.name)}
	case a.outcome == unknown && mine:
		return []room{r, r.without(q.name)}
	case a.outcome == unknown:
		return []room{r}
	}
	return nil
}

func read(r room, q question, a reply) []room {
	if a.outcome == unknown {
		return []room{r}
	}
	if q.action == looking {
		have, there := r.people[q.name]
		mine := there && (have == q.id || have == untold)
		switch {
		case a.outcome == done && mine:
			return []room{r.with(q.name, q.id)}
		case a.outcome == missing && (!mine || have == untold):
			return []room{r}
		}
		return nil
	}
	if a.outcome == missing {
		if r.ended {
			return []room{r}
		}
		return nil
	}
	if r.ended || len(a.list) != len(r.people) {
		return nil
	}
	for name, id := range r.people {
		if got, there := a.list[name]; !there || id != untold && id != got {
			return nil
		}
	}
	return []room{{people: a.list}}
}

func describe(q question, a reply) string {
	what := [...]string{"create", "remove", "look", "list", "close"}[q.action]
	result := [...]string{"?", "done", "missing", "refused"}[a.outcome]
	var list []string
	for _, name := range slices.Sorted(maps.Keys(a.list)) {
		list = append(list, name+"="+short(a.list[name]))
	}
	return fmt.Sprintf("%s %s %s: %s %s%s", what, q.name, short(q.id), result, short(a.id), strings.Join(list, " "))
}

func short(id string) string { return id[:min(8, len(id))] }

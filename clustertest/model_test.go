package clustertest

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// op is a call from one moment to another.
func op(from, to int64, q question, a reply) porcupine.Operation {
	return porcupine.Operation{Call: from, Return: to, Input: q, Output: a}
}

func explained(calls ...porcupine.Operation) bool { return porcupine.CheckOperations(model(), calls) }

var (
	makeAda  = question{action: creating, name: "ada"}
	dropAda  = question{action: removing, name: "ada", id: "1"}
	seeAda   = question{action: looking, name: "ada", id: "1"}
	seeAll   = question{action: listing}
	endIt    = question{action: closing}
	isAda    = reply{outcome: done, id: "1"}
	isDone   = reply{outcome: done}
	isGone   = reply{outcome: missing}
	isUnsure = reply{outcome: unknown}
	isEmpty  = reply{outcome: done, list: map[string]string{}}
	hasAda   = reply{outcome: done, list: map[string]string{"ada": "1"}}
)

const never = 1<<62 - 1

func TestTheModelExplainsWhatMayHappen(t *testing.T) {
	for name, calls := range map[string][]porcupine.Operation{
		"one after the other":         {op(1, 2, makeAda, isAda), op(3, 4, seeAll, hasAda), op(5, 6, dropAda, isDone), op(7, 8, seeAll, isEmpty)},
		"a repeat":                    {op(1, 2, makeAda, isAda), op(3, 4, makeAda, isAda)},
		"at the same time":            {op(1, 5, makeAda, isAda), op(2, 3, seeAll, isEmpty), op(4, 5, seeAll, hasAda)},
		"no answer, done later":       {op(1, never, makeAda, isUnsure), op(2, 3, seeAll, isEmpty), op(4, 5, seeAll, hasAda), op(6, 7, seeAda, isDone)},
		"no answer, never done":       {op(1, never, makeAda, isUnsure), op(2, 3, seeAll, isEmpty), op(4, 5, seeAll, isEmpty)},
		"a removal without an answer": {op(1, 2, makeAda, isAda), op(3, never, dropAda, isUnsure), op(4, 5, seeAll, hasAda), op(6, 7, seeAda, isGone)},
		"the end":                     {op(1, 2, makeAda, isAda), op(3, 4, endIt, isDone), op(5, 6, seeAll, isGone), op(7, 8, makeAda, isGone), op(9, 10, endIt, isDone)},
	} {
		if !explained(calls...) {
			t.Errorf("%s is not explained", name)
		}
	}
}

func TestTheModelExplainsNothingElse(t *testing.T) {
	other := reply{outcome: done, id: "2"}
	for name, calls := range map[string][]porcupine.Operation{
		"a list that lags":            {op(1, 2, makeAda, isAda), op(3, 4, seeAll, isEmpty)},
		"a look that lags":            {op(1, 2, makeAda, isAda), op(3, 4, seeAda, isGone)},
		"somebody removed comes back": {op(1, 2, makeAda, isAda), op(3, 4, dropAda, isDone), op(5, 6, seeAll, hasAda)},
		"made twice":                  {op(1, 2, makeAda, isAda), op(3, 4, makeAda, other)},
		"removed twice":               {op(1, 2, makeAda, isAda), op(3, 4, dropAda, isDone), op(5, 6, dropAda, isDone)},
		"there, gone, and there":      {op(1, never, makeAda, isUnsure), op(2, 3, seeAll, hasAda), op(4, 5, seeAll, isEmpty)},
		"alive after the end":         {op(1, 2, endIt, isDone), op(3, 4, makeAda, isAda)},
	} {
		if explained(calls...) {
			t.Errorf("%s is explained", name)
		}
	}
}

// What a writer knows has to be what is there.
func TestAWriterNoticesWhatIsLostAndWhatIsBack(t *testing.T) {
	m := &ward{
		people:   map[string]created{"ada": {id: "1"}, "bob": {id: "2"}},
		doubtful: map[string]bool{"cleo": true},
		removed:  map[string]created{"dan": {id: "4"}},
	}
	for name, test := range map[string]struct {
		list map[string]string
		want int
	}{
		"all":               {map[string]string{"ada": "1", "bob": "2"}, 0},
		"a doubtful one":    {map[string]string{"ada": "1", "bob": "2", "cleo": "3"}, 0},
		"one lost":          {map[string]string{"ada": "1"}, 1},
		"one with other id": {map[string]string{"ada": "1", "bob": "5"}, 2},
		"one back":          {map[string]string{"ada": "1", "bob": "2", "dan": "4"}, 1},
	} {
		v := NewVerdict()
		m.compare(test.list, v, Lost)
		if got := v.Found(Lost); got != test.want {
			t.Errorf("%s: %d findings, want %d: %v", name, got, test.want, v.Words())
		}
	}
}

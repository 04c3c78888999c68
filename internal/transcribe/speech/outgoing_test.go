package speech

import (
	"errors"
	"testing"
	"time"
)

func TestWhatWaitsIsBounded(t *testing.T) {
	o := NewOutgoing()
	for i := range MaxQueued + 2 {
		dropped := o.Write([]byte{byte(i), 0})
		if late := i >= MaxQueued; late != (dropped == 2) {
			t.Errorf("frame %d: %d bytes dropped", i, dropped)
		}
	}
	<-o.Wake()
	if frame, end := o.Next(false); frame != nil || end {
		t.Errorf("taken although nobody is ready: %v, %v", frame, end)
	}
	o.Close()
	if dropped := o.Write([]byte{1, 1}); dropped != 2 {
		t.Errorf("%d bytes dropped after the end", dropped)
	}
	for i := range MaxQueued {
		frame, end := o.Next(true)
		if end || len(frame) != 2 || frame[0] != byte(i+2) {
			t.Fatalf("frame %d is %v, %v", i, frame, end)
		}
		o.Recycle(frame)
	}
	if frame, end := o.Next(false); frame != nil || !end {
		t.Errorf("at the end: %v, %v", frame, end)
	}
}

func TestWhyASessionIsOver(t *testing.T) {
	gone, later := errors.New("gone"), errors.New("later")
	for closed, want := range map[bool]error{false: gone, true: nil} {
		o := NewOutgoing()
		if closed {
			o.Close()
		}
		o.Fail(gone)
		o.Fail(later)
		o.Over()
		<-o.Done()
		if o.Err() != want {
			t.Errorf("closed %v: %v", closed, o.Err())
		}
		if err := o.AwaitEnd(time.Hour, later); err != gone {
			t.Errorf("the end came by %v", err)
		}
	}
	if err := NewOutgoing().AwaitEnd(0, later); err != later {
		t.Errorf("an end that does not come: %v", err)
	}
}

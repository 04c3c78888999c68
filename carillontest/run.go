package carillontest

import (
	"fmt"
	"os"
	"testing"
)

// Run starts a server for whoever has no test at hand, such as a TestMain whose
// tests share it. It runs until Close. Where a method would end a test, it
// panics; tests call those of srv.For(t), which end that test.
//
//	var shared *carillontest.Server
//
//	func TestMain(m *testing.M) {
//		shared = carillontest.Run()
//		code := m.Run()
//		shared.Close()
//		os.Exit(code)
//	}
//
//	func TestStandup(t *testing.T) {
//		srv := shared.For(t)
//		…
//	}
func Run(opts ...Option) *Server { return Start(&alone{}, opts...) }

// alone stands for the test where there is none. Only what this package calls is
// there.
type alone struct {
	testing.TB
	cleanups []func()
}

func (*alone) Helper()                   {}
func (*alone) Failed() bool              { return false }
func (*alone) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (*alone) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (*alone) Error(args ...any)         { panic(fmt.Sprint(args...)) }
func (*alone) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (a *alone) Cleanup(fn func())       { a.cleanups = append(a.cleanups, fn) }

// TempDir makes a directory that end removes.
func (a *alone) TempDir() string {
	dir, err := os.MkdirTemp("", "carillontest-")
	if err != nil {
		panic(err)
	}
	a.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			panic(err)
		}
	})
	return dir
}

// end does what is left to do at the end of a test, the newest first.
func (a *alone) end() {
	for len(a.cleanups) > 0 {
		last := len(a.cleanups) - 1
		fn := a.cleanups[last]
		a.cleanups = a.cleanups[:last]
		fn()
	}
}

package rtmp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// running is a publisher under way, and what it has told.
type running struct {
	*Publisher
	published, lost int
	why             error // last
	done            chan error
	stop            context.CancelFunc
}

// publish begins to publish to s, in a bubble of synctest.
func publish(t *testing.T, s *server, again bool) *running {
	r := &running{done: make(chan error, 1)}
	r.Publisher = New(Config{
		Target: target(t), Dial: s.dial, Again: again,
		Published: func() { r.published++ },
		Lost:      func(err error) { r.lost, r.why = r.lost+1, err },
	})
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.done <- r.Run(ctx) }()
	synctest.Wait()
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("ended with %v", err)
	}
	synctest.Wait()
}

// kinds writes down what messages are: for each its type and the last byte.
func kinds(list []message) (text string) {
	for _, m := range list {
		text += string(m.body[len(m.body)-1])
	}
	return text
}

func TestAStreamIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t}
		r := publish(t, s, false)
		want := []string{"connect live/more rtmp://example.org:1935/live/more", "releaseStream secret?sign=1", "FCPublish secret?sign=1", "createStream", "publish secret?sign=1 live"}
		if !slices.Equal(s.asked, want) || r.published != 1 || r.lost != 0 {
			t.Fatalf("asked %q, published %d, lost %d", s.asked, r.published, r.lost)
		}
		for _, tag := range []flv.Tag{script(), videoHead(), soundHead(), sound(990 * time.Millisecond), delta(time.Second), key(2 * time.Second), sound(2010 * time.Millisecond), delta(2033 * time.Millisecond)} {
			r.Write(tag)
		}
		synctest.Wait()
		got := s.tags()
		// It begins with a key frame, before which a decoder is told how it is coded.
		if kinds(got) != "acaksd" {
			t.Fatalf("%q: %+v", kinds(got), got)
		}
		if at := []uint32{got[3].at, got[4].at, got[5].at}; !slices.Equal(at, []uint32{0, 10, 33}) {
			t.Errorf("times %v", at)
		}
		if !strings.HasPrefix(string(got[0].body), "\x02\x00\x0D@setDataFrame\x02\x00\x0AonMetaData") || got[0].stream != 7 {
			t.Errorf("%q on stream %d", got[0].body, got[0].stream)
		}
		r.end(t)
		if r.lost != 0 {
			t.Errorf("lost %d times: %v", r.lost, r.why)
		}
	})
}

func TestPingsAndWindowsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t}
		r := publish(t, s, false)
		var pong, acknowledged bool
		for _, m := range s.messages {
			pong = pong || m.kind == typeControl && string(m.body) == "\x00\x07\x01\x02\x03\x04"
			acknowledged = acknowledged || m.kind == typeAcknowledge && len(m.body) == 4
		}
		if !pong || !acknowledged {
			t.Errorf("pong %t, acknowledged %t: %+v", pong, acknowledged, s.messages)
		}
		r.end(t)
	})
}

func TestALostConnectionComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t}
		r := publish(t, s, false)
		for _, tag := range []flv.Tag{script(), videoHead(), soundHead(), key(0)} {
			r.Write(tag)
		}
		synctest.Wait()
		s.tags()
		s.cut(true)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if r.lost < 8 || r.published != 1 {
			t.Errorf("lost %d times, published %d", r.lost, r.published)
		}
		r.Write(key(4 * time.Minute)) // to nobody
		s.cut(false)
		time.Sleep(lastRetry)
		synctest.Wait()
		if r.published != 2 {
			t.Fatalf("published %d times: %v", r.published, r.why)
		}
		r.Write(delta(5 * time.Minute))
		r.Write(key(5*time.Minute + time.Second))
		r.Write(delta(5*time.Minute + 2*time.Second))
		synctest.Wait()
		got := s.tags()
		if kinds(got) != "acakd" || got[3].at != 0 || got[4].at != 1000 {
			t.Errorf("%q: %+v", kinds(got), got)
		}
		r.end(t)
	})
}

func TestAServerThatIsGoneIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		again bool
		open  bool // at first
		after time.Duration
		want  error
	}{
		"never there":             {after: FirstWithin, want: ErrNever},
		"lost":                    {open: true, after: AgainWithin, want: ErrLost},
		"lost by another process": {again: true, after: AgainWithin, want: ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{t: t, down: !c.open}
				r := publish(t, s, c.again)
				s.cut(true)
				begun := time.Now()
				if err := <-r.done; !errors.Is(err, c.want) || time.Since(begun) != c.after {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
			})
		})
	}
}

func TestARefusalIsToldWithoutSecrets(t *testing.T) {
	for name, s := range map[string]*server{
		"NetStream.Publish.BadName":      {refuse: "NetStream.Publish.BadName"},
		"NetConnection.Connect.Rejected": {fail: "connect"},
		"createStream":                   {fail: "createStream"},
		"":                               {refuse: "no code: secret"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s.t = t
				r := publish(t, s, false)
				if r.published != 0 || r.lost != 1 || !errors.Is(r.why, ErrRefused) || !strings.Contains(r.why.Error(), name) || strings.Contains(r.why.Error(), "secret") {
					t.Errorf("published %d, lost %d: %v", r.published, r.lost, r.why)
				}
				r.end(t)
			})
		})
	}
}

func TestAServerThatTakesNothingIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{t: t, stall: make(chan struct{})}
		r := publish(t, s, false)
		for at := time.Duration(0); at < time.Minute; at += 100 * time.Millisecond {
			r.Write(key(at))
			r.mu.Lock()
			n := len(r.waiting)
			r.mu.Unlock()
			if n > 60 {
				t.Fatalf("%d tags wait at %v", n, at)
			}
			time.Sleep(100 * time.Millisecond)
		}
		close(s.stall)
		synctest.Wait()
		if r.lost == 0 {
			t.Error("the publisher still waits for it")
		}
		r.end(t)
	})
}

func TestAServerThatSaysNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				buffer := make([]byte, 4096)
				for {
					if _, err := theirs.Read(buffer); err != nil {
						return
					}
				}
			}()
			return ours, nil
		}
		p := New(Config{Target: target(t), Dial: silent, Published: func() { t.Error("published") }, Lost: func(error) {}})
		begun := time.Now()
		if err := p.Run(t.Context()); !errors.Is(err, ErrNever) || time.Since(begun) > FirstWithin+openWithin {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestRTMPSGoesOverTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	s := &server{t: t}
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go s.serve(tls.Server(theirs, &tls.Config{Certificates: web.TLS.Certificates}))
		return ours, nil
	}
	to, err := meeting.StreamURL("rtmps://example.com/app/key").Target()
	if err != nil {
		t.Fatal(err)
	}
	for name, trust := range map[string]*tls.Config{"trusted": {RootCAs: roots}, "untrusted": nil} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		published := false
		p := New(Config{Target: to, Dial: dial, TLS: trust, Published: func() { published = true; cancel() }, Lost: func(error) { cancel() }})
		_ = p.Run(ctx)
		cancel()
		if published != (name == "trusted") {
			t.Errorf("%s: published %t", name, published)
		}
	}
}

package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what /metrics tells. No label holds anything of a caller's.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
}

func newMetrics(s *server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "carillon_api_request_duration_seconds",
			Help:    "Time from a request's first byte to its answer, by operation, flavour and status.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}, []string{"operation", "flavour", "status"}),
	}
	m.registry.MustRegister(m.calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, read func() int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
	}
	gauge("carillon_meetings_active", "Active meetings.", func() int { return s.control.Overview().Active })
	gauge("carillon_meetings_ended", "Ended meetings whose tombstone is still kept.", func() int { return s.control.Overview().Ended })
	gauge("carillon_attendees", "Created and not deleted attendees of active meetings.", func() int { return s.control.Overview().Attendees })
	gauge("carillon_attendees_connected", "Attendees connected now, content shares not counted.", func() int { return s.signal.Counts().Attendees })
	gauge("carillon_signaling_sockets", "Open signaling connections, joined or not.", func() int { return s.signal.Counts().Sockets })
	gauge("carillon_videos", "Cameras and content shares being sent now.", func() int { return s.signal.Counts().Video })
	gauge("carillon_content_shares", "Content shares connected now.", func() int { return s.signal.Counts().Content })
	return m
}

// observeCall counts one API request; operation and flavour are empty for
// requests that named none.
func (m *metrics) observeCall(operation, flavour string, status int, d time.Duration) {
	m.calls.WithLabelValues(operation, flavour, strconv.Itoa(status)).Observe(d.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

package main

import (
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal/reports"
)

// metrics is what /metrics tells. No label holds anything of a caller's.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.HistogramVec
	idle     *prometheus.CounterVec // members accepted without effect
	finals   prometheus.Histogram   // final results of transcriptions

	answered, refused, failed atomic.Uint64 // API requests: all, with 4xx, with 5xx
}

func newMetrics(s *server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "carillon_api_request_duration_seconds",
			Help:    "Time from a request's first byte to its answer, by operation, flavour and status.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5},
		}, []string{"operation", "flavour", "status"}),
		idle: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_api_without_effect_total",
			Help: "Members of requests that were accepted and do nothing yet, by member.",
		}, []string{"member"}),
	}
	m.registry.MustRegister(m.calls, m.idle, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := m.gauge
	gauge("carillon_meetings_active", "Active meetings.", func() int { return s.control.Overview().Active })
	gauge("carillon_meetings_ended", "Ended meetings whose tombstone is still kept.", func() int { return s.control.Overview().Ended })
	gauge("carillon_attendees", "Created and not deleted attendees of active meetings.", func() int { return s.control.Overview().Attendees })
	gauge("carillon_attendees_connected", "Attendees connected now, content shares not counted.", func() int { return s.signal.Counts().Attendees })
	gauge("carillon_signaling_sockets", "Open signaling connections, joined or not.", func() int { return s.signal.Counts().Sockets })
	gauge("carillon_videos", "Cameras and content shares being sent now.", func() int { return s.signal.Counts().Video })
	gauge("carillon_content_shares", "Content shares connected now.", func() int { return s.signal.Counts().Content })
	gauge("carillon_http_connections", "Open HTTP connections; those taken over for signaling are not counted.", func() int { return s.conns.Stats().Open })
	gauge("carillon_http_connections_idle", "Open HTTP connections that wait for a request.", func() int { return s.conns.Stats().Idle })
	m.counter("carillon_http_connections_evicted_total", "Idle HTTP connections closed to make room for others.", func() float64 { return float64(s.conns.Stats().Evicted) })
	m.counter("carillon_http_connections_refused_total", "HTTP connections closed because there was no room.", func() float64 { return float64(s.conns.Stats().Refused) })
	gauge("carillon_history_meetings", "Ended meetings that are kept to be looked at.", func() int { _, n := s.archive.Size(); return n })
	gauge("carillon_history_bytes", "Size on disk of the ended meetings that are kept.", func() int { size, _ := s.archive.Size(); return int(size) })
	gauge("carillon_history_waiting", "Ended meetings that wait to be written down.", func() int { return s.archiver.Waiting() })
	m.counter("carillon_audit_lost_total", "Entries of the audit that could not be written.", func() float64 { return float64(s.audit.Lost()) })
	m.watchCertificates(s)
	m.watchReports(s)
	m.watchMedia(s)
	m.watchRecordings(s)
	m.watchTranscriptions(s)
	m.watchCluster(s)
	m.watchStore(s)
	m.watchTraces(s)
	return m
}

// watchReports adds what clients have reported about themselves.
func (m *metrics) watchReports(s *server) {
	for _, name := range reports.Names() {
		opts := prometheus.CounterOpts{
			Name: "carillon_client_events_total", Help: "Events that clients reported about themselves, by the name they have for it.",
			ConstLabels: prometheus.Labels{"event": name},
		}
		m.registry.MustRegister(prometheus.NewCounterFunc(opts, func() float64 { return float64(s.signal.ClientEvents()[name]) }))
	}
}

// watchStore adds how much room the store has.
func (m *metrics) watchStore(s *server) {
	gauge := func(name, help string, read func(ledger.Space) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			room, err := s.ledger.Space()
			if err != nil {
				return math.NaN()
			}
			return read(room)
		}))
	}
	gauge("carillon_store_free_bytes", "Free space on the disk of the data directory.", func(r ledger.Space) float64 { return float64(r.Free) })
	gauge("carillon_store_min_free_bytes", "Free space below which nothing new is stored.", func(r ledger.Space) float64 { return float64(r.MinFree) })
	gauge("carillon_store_ballast_bytes", "Space set aside for a full disk.", func(r ledger.Space) float64 { return float64(r.Ballast) })
	gauge("carillon_store_refuses", "1 while nothing new is stored, for want of room or because the store is starting again.", func(r ledger.Space) float64 {
		if r.Refuses != nil || r.Down != nil {
			return 1
		}
		return 0
	})
}

// gauge adds a figure of now.
func (m *metrics) gauge(name, help string, read func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
}

// counter adds a figure that only grows.
func (m *metrics) counter(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// watchMedia adds what mixing and the media port have done.
func (m *metrics) watchMedia(s *server) {
	counter := func(name, help string, read func(media.NodeStats) float64) {
		m.counter(name, help, func() float64 { return read(s.media.node.Stats()) })
	}
	counter("carillon_mixer_seconds_total", "Time spent mixing sound.", func(n media.NodeStats) float64 { return n.Mixer.Busy.Seconds() })
	counter("carillon_mixer_frames_total", "Frames of 20 ms in which somebody was connected.", func(n media.NodeStats) float64 { return float64(n.Mixer.Ticks) })
	counter("carillon_mixer_frames_late_total", "Frames begun more than 10 ms late.", func(n media.NodeStats) float64 { return float64(n.Mixer.Late) })
	counter("carillon_mixer_frames_skipped_total", "Frames given up after a stall.", func(n media.NodeStats) float64 { return float64(n.Mixer.Skipped) })
	counter("carillon_mixer_encodes_total", "Frames of sound encoded.", func(n media.NodeStats) float64 { return float64(n.Mixer.Encodes) })
	counter("carillon_mixer_stereo_encodes_total", "Of those: in two channels.", func(n media.NodeStats) float64 { return float64(n.Mixer.Stereo) })
	counter("carillon_mixer_decodes_total", "Packets of sound decoded.", func(n media.NodeStats) float64 { return float64(n.Mixer.Decodes) })
	counter("carillon_media_datagrams_received_total", "Datagrams read from the media UDP port.", func(n media.NodeStats) float64 { return float64(n.UDP.Received) })
	counter("carillon_media_reads_total", "System calls that read them.", func(n media.NodeStats) float64 { return float64(n.UDP.Reads) })
	counter("carillon_media_datagrams_sent_total", "Datagrams sent from the media UDP port.", func(n media.NodeStats) float64 { return float64(n.UDP.Sent) })
	counter("carillon_media_sends_total", "System calls that sent them.", func(n media.NodeStats) float64 { return float64(n.UDP.Calls) })
	counter("carillon_media_send_errors_total", "Datagrams the kernel would not take.", func(n media.NodeStats) float64 { return float64(n.UDP.SendErrors) })
}

// observeCall counts one API request; operation and flavour are empty for
// requests that named none.
func (m *metrics) observeCall(operation, flavour string, status int, d time.Duration) {
	m.calls.WithLabelValues(operation, flavour, strconv.Itoa(status)).Observe(d.Seconds())
	m.answered.Add(1)
	switch {
	case status >= http.StatusInternalServerError:
		m.failed.Add(1)
	case status >= http.StatusBadRequest:
		m.refused.Add(1)
	}
}

// observeAppCall counts one request of the application API.
func (m *metrics) observeAppCall(operation string, status int, d time.Duration) {
	m.observeCall(operation, "app", status, d)
}

// observeWithoutEffect counts a member that was accepted and does nothing yet.
func (m *metrics) observeWithoutEffect(member string) { m.idle.WithLabelValues(member).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

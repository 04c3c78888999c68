package main

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/notify/targets"
)

// eventMetrics counts what is told to the outside. Destinations that callers of
// the API name are counted by their kind.
type eventMetrics struct {
	events     *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	lag        *prometheus.HistogramVec
	errors     map[string]*prometheus.CounterVec // of the kinds that Amazon counts by account
}

// watchEvents adds the events' figures; a server that tells nobody has none.
func (m *metrics) watchEvents(s *server) *eventMetrics {
	e := &eventMetrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_events_total", Help: "Events told to anybody, by type.",
		}, []string{"type"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_event_deliveries_total", Help: "Attempts to hand an event over, by kind of destination and result: ok, retry, dead (given up and kept) or lost.",
		}, []string{"destination", "result"}),
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "carillon_event_lag_seconds", Help: "Time from an event to its being taken, by kind of destination.",
			Buckets: []float64{.005, .01, .02, .05, .1, .25, .5, 1, 5, 30, 300, 3600},
		}, []string{"destination"}),
	}
	e.errors = map[string]*prometheus.CounterVec{}
	for _, kind := range []string{targets.SQS, targets.SNS} {
		e.errors[kind] = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_meeting_" + kind + "_notification_errors_total",
			Help: "Events that were not taken at an attempt, or given up, by account of the meeting; what Amazon counts as Meeting" + strings.ToUpper(kind) + "NotificationErrors.",
		}, []string{"account"})
		m.registry.MustRegister(e.errors[kind])
	}
	m.registry.MustRegister(e.events, e.deliveries, e.lag, waitingEvents{s})
	return e
}

// Event implements notify.Observer.
func (e *eventMetrics) Event(kind string) { e.events.WithLabelValues(kind).Inc() }

// Delivery implements notify.Observer.
func (e *eventMetrics) Delivery(o outbox.Outcome) {
	e.deliveries.WithLabelValues(o.Kind, string(o.Result)).Inc()
	if o.Result == outbox.OK {
		e.lag.WithLabelValues(o.Kind).Observe(o.Lag.Seconds())
	} else if failed := e.errors[o.Kind]; failed != nil {
		failed.WithLabelValues(o.Event.Meeting.Owner.Account).Inc()
	}
}

// waitingEvents collects what waits, by destination; those of a service, which
// callers of the API name, are one.
type waitingEvents struct{ s *server }

// waitingDescs describe its figures, in the order in which they are collected.
func waitingDescs() []*prometheus.Desc {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("carillon_event_"+name, help, []string{"destination"}, nil)
	}
	return []*prometheus.Desc{
		desc("backlog", "Events that wait, by web hook and by service."),
		desc("backlog_bytes", "Memory that they take."),
		desc("backlog_oldest_seconds", "Age of the oldest of them."),
		desc("circuit_open", "Destinations of that name that refuse everything, or have asked for no more events."),
	}
}

// Describe implements prometheus.Collector.
func (w waitingEvents) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range waitingDescs() {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (w waitingEvents) Collect(ch chan<- prometheus.Metric) {
	figures := map[string]*[4]float64{}
	for _, d := range w.s.notifier.Destinations() {
		name, _, _ := strings.Cut(d.Name, " ")
		f := figures[name]
		if f == nil {
			f = new([4]float64)
			figures[name] = f
		}
		f[0] += float64(d.Waiting)
		f[1] += float64(d.Bytes)
		if !d.Oldest.IsZero() {
			f[2] = max(f[2], time.Since(d.Oldest.Time).Seconds())
		}
		if d.Open || d.Off {
			f[3]++
		}
	}
	for name, f := range figures {
		for i, d := range waitingDescs() {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, f[i], name)
		}
	}
}

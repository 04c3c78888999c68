package meeting

// Report is the outcome of a run; the package comment says how each figure is
// taken. Times are in milliseconds, memory in MiB; what was not measured is zero.
type Report struct {
	Meetings  int     `json:"meetings"`
	Attendees int     `json:"attendees"` // of all meetings
	Talkers   int     `json:"talkers"`   // of each meeting, as the next two
	Listeners int     `json:"listeners"`
	Cameras   int     `json:"cameras"`
	Churn     float64 `json:"churn"`
	Seconds   float64 `json:"seconds"` // measured

	Joins      int     `json:"joins"`  // that succeeded, churn included
	Errors     int     `json:"errors"` // joins, subscriptions and connections that failed
	FirstError string  `json:"first_error,omitempty"`
	JoinsPerS  float64 `json:"joins_per_s"` // at the beginning
	JoinP50    float64 `json:"join_p50_ms"` // to SUBSCRIBE_ACK
	JoinP99    float64 `json:"join_p99_ms"`
	FirstMedia float64 `json:"first_media_p50_ms"`
	FirstP99   float64 `json:"first_media_p99_ms"`

	PacketsIn      float64 `json:"packets_in_per_s"`  // to the server
	PacketsOut     float64 `json:"packets_out_per_s"` // from the server
	Delivered      float64 `json:"delivered_pct"`
	DeliveredAudio float64 `json:"delivered_audio_pct"`
	DeliveredVideo float64 `json:"delivered_video_pct"`

	ClicksSent  int     `json:"clicks_sent"`
	ClicksHeard int     `json:"clicks_heard"`
	DelayP50    float64 `json:"delay_p50_ms"`
	DelayP99    float64 `json:"delay_p99_ms"`
	Concealed   float64 `json:"concealed_pct"`

	ServerCores    float64 `json:"server_cores,omitempty"`
	PerPacket      float64 `json:"us_per_packet,omitempty"`
	JoinCPU        float64 `json:"server_cpu_ms_per_join,omitempty"`
	RSS            float64 `json:"rss_mib,omitempty"`
	PerAttendee    float64 `json:"rss_mib_per_attendee,omitempty"`
	GeneratorCores float64 `json:"generator_cores"`
	LoadAverage    float64 `json:"load_average"` // of the machine, at the end
}

// percent returns what part of the whole a part is, 0 of nothing.
func percent(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * part / whole
}

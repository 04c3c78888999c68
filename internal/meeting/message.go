package meeting

import "time"

// What a data message may have at most. Clients are held to it, and whoever
// sends in the server's name.
const (
	MaxTopic    = 36 // characters
	MaxData     = 2048
	MaxLifetime = 5 * time.Minute
)

// Message is a data message from the server to people in a meeting.
type Message struct {
	Topic    string
	Data     []byte
	Lifetime time.Duration // for how long whoever joins later gets it as well
	Attendee ID            // the only one who gets it; zero for all
}

// ValidTopic reports whether data messages may be sent on the topic: letters,
// digits, "_" and "-", so that reserved topics, which hold a colon, are left
// out.
func ValidTopic(topic string) bool {
	if topic == "" || len(topic) > MaxTopic {
		return false
	}
	for _, c := range []byte(topic) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

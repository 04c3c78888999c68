package cluster

import (
	"encoding/json"
	"fmt"
)

// Info is what a node says of itself to the others with each renewal.
type Info struct {
	Node      string `json:"node"`
	Address   string `json:"address"`   // where its doors are reached by other nodes, host:port
	Version   string `json:"version"`   // of the program
	Connected int    `json:"connected"` // attendees connected to its meetings
	Busy      []int  `json:"busy"`      // its slots with somebody connected

	// Settings are those that should be the same everywhere, by name.
	Settings map[string]string `json:"settings"`
}

// request is what one node asks another.
type request struct {
	Kind        requestKind `json:"kind"`
	From        string      `json:"from"`
	Generation  uint64      `json:"generation"` // of the asking node's assignment
	Target      string      `json:"target"`     // the node that is renewed or taken over
	Incarnation uint64      `json:"incarnation"`
	Info        Info        `json:"info"`
}

type requestKind string

const (
	askRenew   requestKind = "renew"
	askConsent requestKind = "consent"
)

// reply answers a request.
type reply struct {
	OK       bool   `json:"ok"`
	Refused  bool   `json:"refused"`  // the incarnation that is renewed has been given up
	Revision uint64 `json:"revision"` // of the answering node's assignment
}

func decodeRequest(data []byte) (request, error) {
	var r request
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("request of a node: %w", err)
	}
	if r.Kind != askRenew && r.Kind != askConsent || r.From == "" || r.Target == "" || r.Incarnation == 0 {
		return r, fmt.Errorf("request of a node: incomplete")
	}
	return r, nil
}

func decodeReply(data []byte) (reply, error) {
	var r reply
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("reply of a node: %w", err)
	}
	return r, nil
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("cluster: a message is always encodable: " + err.Error())
	}
	return data
}

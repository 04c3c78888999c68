package observe

// Node is one node of a cluster, as the one that is asked sees it.
type Node struct {
	ID        string `json:"id"`       // its name
	Here      bool   `json:"here"`     // the one that is asked
	Live      bool   `json:"live"`     // heard of within the lease time
	Leader    bool   `json:"leader"`   // the one that moves slots
	Draining  bool   `json:"draining"` // hands its slots over
	Slots     int    `json:"slots"`    // its own
	Arriving  int    `json:"arriving"` // to be handed over to it
	Connected int    `json:"connected"`
	Address   string `json:"address"` // where other nodes reach it
	Version   string `json:"version"`
	Silent    Span   `json:"silent"` // since it was last heard of

	// Copies is how many streams of the store it has a copy of, and Behind how
	// many of these copies lack something; both are -1 when that cannot be told.
	Copies int `json:"copies"`
	Behind int `json:"behind"`
}

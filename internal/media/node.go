package media

// Node is one process's media: see the package comment. All methods are safe
// for concurrent use.
type Node struct{}

// NewNode opens the ports and starts the mixer.
func NewNode(cfg Config) (*Node, error) {
	cfg.setDefaults()
	return &Node{}, nil
}

// Close closes every room and the ports and waits for all goroutines.
func (n *Node) Close() error { return nil }

// UDPPort is the port all media shares.
func (n *Node) UDPPort() int { return 0 }

// TCPPort is the port of the TCP fallback, 0 if there is none.
func (n *Node) TCPPort() int { return 0 }

// Room opens the room with this id, or returns it if it is open. On a closed
// node the room is closed too.
func (n *Node) Room(id string) *Room { return &Room{} }

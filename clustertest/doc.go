// Package clustertest starts three nodes of the real server, breaks them in turn
// while clients of every kind work with them, and compares what the clients were
// told with what is there afterwards.
//
// # The network
//
// Each node has a network namespace of its own, with one address, on a bridge in
// the namespace of the test (see Main). So nodes can be cut off from each other
// while clients still reach them, as well as killed, frozen and restarted.
// Clients come through a Balancer, which does what any load balancer does: it
// asks nodes whether they are ready, and opens each connection to one that is.
//
// # The clients
//
//   - A Writer makes and deletes meetings and attendees through the AWS SDK, with
//     the SDK's own retries, and writes down what was acknowledged. It is the
//     only one who changes its meetings, so it knows what every read has to show.
//   - A Chronicle has several clients call one meeting at the same time, without
//     retries, and keeps when each call began and ended; porcupine then looks for
//     an order that explains all the answers.
//   - A Caller is an attendee of a meeting, who talks, listens, and comes back by
//     itself as a browser does. It knows when it heard something.
//   - A Doorkeeper tries the tokens of those who were removed, at every node, from
//     the moment the removal was acknowledged.
//
// # The verdict
//
// A Trial has all of them at work while faults happen, and ends with a Verdict:
// what was lost, doubled, read stale or admitted dead, and how long things took.
// The same trial with a server that was built without the fence (build tag
// unfenced) has to find something: a test that cannot fail shows nothing.
//
// # Files
//
// hub.go is the network, shop.go and next.go build the programs, node.go is a
// process, cluster.go all of them, balancer.go and api.go the way in. writer.go,
// chronicle.go with model.go, caller.go and doorkeeper.go are the clients.
// faults.go is what is done to the nodes, trial.go and verdict.go put it together.
// The tests say what has to hold.
package clustertest

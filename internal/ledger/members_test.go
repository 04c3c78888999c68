package ledger

import "testing"

// A node that has left for good counts for no majority any more: of four, two
// can be missing then. What it had a copy of is copied to the others.
func TestANodeIsForgotten(t *testing.T) {
	w := &world{t: t, cfgs: clusterConfigs(t, 4)}
	w.start()
	gone := w.cfgs[3].Node
	if err := w.nodes[2].Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node is forgotten", func() bool { return w.rig.Forget(t.Context(), gone) == nil })
	if err := w.rig.Forget(t.Context(), gone); err != nil {
		t.Errorf("forgotten twice: %v", err)
	}
	eventually(t, "three copies of everything", func() bool {
		for i := range w.rig.layout.Streams {
			var info struct {
				Cluster struct {
					Replicas []struct {
						Name    string
						Current bool
					}
				}
			}
			err := w.rig.engine.api(t.Context(), "STREAM.INFO."+w.rig.layout.streamName(i), nil, &info)
			if err != nil || len(info.Cluster.Replicas) != 2 {
				return false
			}
			for _, r := range info.Cluster.Replicas {
				if !r.Current || r.Name == gone {
					return false
				}
			}
		}
		return true
	})
	if err := w.nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	id := randomID(t)
	eventually(t, "two of three still write", func() bool {
		_, err := w.rig.Append(t.Context(), id, Revision{}, []byte("x"), Ordinary)
		return err == nil
	})
}

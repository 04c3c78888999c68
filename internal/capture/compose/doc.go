// Package compose makes one film of a meeting: the pictures of those who show
// themselves, arranged on one canvas, encoded together with the mixed sound or
// without it. It is what transcodes; everything else in the house only passes on.
//
// # The parts
//
//   - layout.go decides where everybody's picture is. It is arithmetic only.
//   - picture.go has pictures of raw video and copies one into another.
//   - child.go runs ffmpeg; decoder.go and encoder.go say with what.
//   - source.go takes one camera from its packets to its latest picture.
//   - show.go keeps the sources in step with who is there and who is speaking.
//   - clock.go draws: for every 20 ms of sound it makes as many pictures as are
//     due, so that sound and pictures never drift apart.
//
// How they hang together:
//
//	packets of a camera ─► decoder child ─► pictures of the tile's size
//	                                          │ copied
//	                         arrangement ─► canvas ─► encoder child ─► FLV tags
//	                            mixed sound ─────────────┘
//
// ffmpeg is a program of its own that may be missing. What people send is decoded
// in there and not in this process, by children that have nothing but their pipes.
// A child that dies is started again; until then its picture stands still. Children
// run at a lower priority than the server, so that a machine with too much to do
// loses pictures of the film and not packets of the meeting.
package compose

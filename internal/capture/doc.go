// Package capture records meetings. It carries out the media pipelines that the
// control plane keeps (package control): whoever calls the API only changes
// their records, and this package follows.
//
// # The way of a recording
//
// A Service watches all pipelines (service.go). For each capture it runs a job
// (job.go), which takes the pipeline from Initializing to Stopped:
//
//  1. It listens in the meeting's room and in its conference (recording.go). The
//     mixed sound, pictures, data messages and who came and went become pieces of
//     about five seconds (sound.go, picture.go, text.go).
//  2. Each finished piece goes to the pipeline's spool (spool.go): a file and a
//     line of a journal, both on the disk before anything else happens. What the
//     journal says is there is never lost, whatever dies.
//  3. From the spool pieces are stored (upload.go) in a Sink: a local directory
//     or an S3 bucket. They leave the disk when the sink has them.
//  4. When the pipeline is to stop, the last pieces are made and stored; then it
//     is Stopped.
//
// Nothing is transcoded: sound is what the mixer encodes for everybody anyway,
// pictures are what cameras send (packages frame and mp4).
//
// After a crash or a restart, the spools of before are stored first, and captures
// of meetings that live are taken up again. A room that nobody records has no
// part in any of this.
package capture

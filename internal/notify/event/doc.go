// Package event is what the outside is told about a meeting, and in what form.
//
// An Event comes from one record of a meeting's log, or one fact of its media
// side, and from nothing else: a Fold that reads the same log makes the same
// events again, with the same ids and sequences, on another node and after a
// crash. So nothing about events has to be stored for them to be told at least
// once; package outbox only remembers how far each receiver is.
//
//   - event.go: the Event and its types.
//   - fold.go: events from records and facts. A new kind of event, such as those
//     of transcription and of media pipelines, is a new record or fact, and one
//     more case there.
//   - envelope.go: the forms in which Amazon sends them.
//   - cloud.go: CloudEvents 1.0.
package event

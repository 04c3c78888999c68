// Package tracing tells an OpenTelemetry receiver how long the steps of a call
// or a join took: spans over OTLP, as protobuf over HTTP.
//
//	t := tracing.New(tracing.Config{Endpoint: "http://127.0.0.1:4318/v1/traces", Ratio: 1})
//	span := t.Start("CreateMeeting", tracing.FromRequest(r), time.Now())
//	ctx = tracing.With(ctx, span)
//	…
//	write := tracing.Step(ctx, "ledger write")
//	write.Done(err)
//	span.End(time.Now())
//	t.Close(ctx)
//
// A nil Tracer makes nil Spans, and every method of those does nothing: who
// is not traced pays for a look at the context and no more.
//
// Nobody who is traced waits for the receiver. A span that has ended lies in a
// bounded queue until one goroutine has sent it; what finds no room, or is not
// taken for as long as a batch is tried, is dropped and counted.
//
// OTLP is written here by hand, field by field: OpenTelemetry's own SDK and
// exporter bring thirteen modules, gRPC among them, 3.4 MB of program and
// 1.5 MiB of memory to a server that does not trace. Its tests read what is
// written with the official messages.
package tracing

// Package pipelinestest records meetings as users of media pipelines do: stock
// clients (the AWS SDK for Go v2, boto3 and the AWS CLI) call the real server,
// which stores into an S3 server, and ffprobe and ffmpeg look at what came of
// it.
//
// It is a module of its own, so that the S3 server is no business of the
// product's. That one runs in the tests' process (gofakes3). VERSITYGW=build has
// another one built, which checks signatures too and keeps its objects on the disk
// (versitygw: some ten minutes, once), and VERSITYGW=PATH takes it from there.
package pipelinestest

// Package pipelinestest records meetings as users of media pipelines do: stock
// clients (the AWS SDK for Go v2, boto3 and the AWS CLI) call the real server,
// which stores into an S3 server, and ffprobe and ffmpeg look at what came of
// it.
//
// It is a module of its own, so that the S3 server is no business of the
// product's. That one runs in the tests' process (gofakes3). VERSITYGW names the
// program of another one, versitygw, which checks signatures too and keeps its
// objects on the disk: `make test-pipelines-versity` builds it once, which takes
// minutes, and runs all tests with it.
package pipelinestest

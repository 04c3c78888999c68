// Package pipelinestest records meetings as users of media pipelines do: stock
// clients (the AWS SDK for Go v2, boto3 and the AWS CLI) call the real server,
// which stores into a real S3 server, and ffprobe and ffmpeg look at what came of
// it.
//
// It is a module of its own, so that the S3 server and what that is built from
// are no business of the product's. The tests build the S3 server once and keep
// it in the user's cache directory; VERSITYGW names one that is built already.
package pipelinestest

// Package clients holds stock AWS clients of several families against the real
// server: Debian's AWS CLI and boto3, the AWS SDK for Go v1, and the AWS SDKs
// for JavaScript v2 and v3, each from its own package and unmodified, in both
// flavours of the API where the client has them. It has tests only; README.md
// says what they need installed.
package clients

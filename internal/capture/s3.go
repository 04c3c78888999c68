package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// S3Config says which S3 server stores recordings, and as whom it is asked.
type S3Config struct {
	Endpoint             string // base URL; empty for Amazon's own
	Region               string
	AccessKey, SecretKey string
	PathStyle            bool // the bucket stands in the path, not in the host name
	// Checksums has every request carry a checksum of its own, beside that of the
	// signature. Some servers refuse it.
	Checksums bool
}

// S3 is a Sink in the buckets of an S3 server.
type S3 struct{ client *s3.Client }

// NewS3 returns a sink; nothing is asked yet.
func NewS3(c S3Config) *S3 { return newS3(c, stalledAfter) }

// newS3 is NewS3 with how long a connection may stand still.
func newS3(c S3Config, stalled time.Duration) *S3 {
	o := s3.Options{
		Region: c.Region, HTTPClient: steadyClient(stalled), UsePathStyle: c.PathStyle, RetryMaxAttempts: 1, // retried by who knows what is urgent
		Credentials:                credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if c.Endpoint != "" {
		o.BaseEndpoint = aws.String(c.Endpoint)
	}
	if c.Checksums {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	}
	return &S3{s3.New(o)}
}

// probeName is the object that is put, and deleted again, to find out whether
// objects can be put.
const probeName = ".carillon-probe"

// Check asks for the bucket, and puts and deletes an empty object.
func (s *S3) Check(ctx context.Context, bucket, prefix string) error {
	if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket}); err != nil {
		return refusal(bucket, err)
	}
	key := probeName
	if prefix != "" {
		key = prefix + "/" + probeName
	}
	if _, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(nil)}); err != nil {
		return refusal(bucket, err)
	}
	_, _ = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}) // who may only write leaves it
	return nil
}

// refusal says in the words of the API why a bucket cannot be used.
func refusal(bucket string, err error) error {
	switch statusOf(err) {
	case http.StatusNotFound:
		return &meeting.Error{Kind: meeting.Invalid, Message: "No such S3 Bucket: " + bucket, Err: err}
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusMovedPermanently, http.StatusBadRequest:
		return &meeting.Error{Kind: meeting.Forbidden, Message: "Insufficient permission to access S3 bucket: " + bucket, Err: err}
	}
	return &meeting.Error{Kind: meeting.Unavailable, Message: "The S3 server does not answer", Err: err}
}

// statusOf returns the HTTP status of an error, 0 when there was no answer.
func statusOf(err error) int {
	var answered *awshttp.ResponseError
	if errors.As(err, &answered) {
		return answered.HTTPStatusCode()
	}
	return 0
}

// encryption is how an object is to be encrypted; all zero for the bucket's own
// way.
func (o *Object) encryption() (kind types.ServerSideEncryption, key, context *string) {
	if o.KMSKey == "" {
		return "", nil, nil
	}
	if o.KMSContext != "" {
		context = &o.KMSContext
	}
	return types.ServerSideEncryptionAwsKms, &o.KMSKey, context
}

// Put stores an object in one request.
func (s *S3) Put(ctx context.Context, o Object, content io.ReaderAt, size int64) error {
	if size > partSize {
		return s.putParts(ctx, o, content, size)
	}
	kind, key, kmsContext := o.encryption()
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.Bucket, Key: &o.Key, ContentType: &o.Type, Metadata: o.Metadata, ContentLength: &size,
		Body:                 io.NewSectionReader(content, 0, size),
		ServerSideEncryption: kind, SSEKMSKeyId: key, SSEKMSEncryptionContext: kmsContext,
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	return nil
}

// Open returns an object's content, which is fetched as it is read.
func (s *S3) Open(ctx context.Context, bucket, key string) (Content, error) {
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return &s3Content{ctx: ctx, client: s.client, bucket: bucket, key: key, size: aws.ToInt64(head.ContentLength)}, nil
}

// List returns the objects whose keys begin with the prefix.
func (s *S3) List(ctx context.Context, bucket, prefix string) (list []Listed, err error) {
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, o := range page.Contents {
			list = append(list, Listed{aws.ToString(o.Key), aws.ToInt64(o.Size)})
		}
	}
	return list, nil
}

// s3Content reads an object. A read goes on with the answer to the one before,
// as long as nobody seeks.
type s3Content struct {
	ctx         context.Context
	client      *s3.Client
	bucket, key string
	size        int64

	mu   sync.Mutex // guards what follows
	at   int64
	body io.ReadCloser // at that place; nil when nothing is being read
}

// Read reads on.
func (c *s3Content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at >= c.size {
		return 0, io.EOF
	}
	if c.body == nil {
		got, err := c.client.GetObject(c.ctx, &s3.GetObjectInput{
			Bucket: &c.bucket, Key: &c.key, Range: aws.String(fmt.Sprintf("bytes=%d-", c.at)),
		})
		if err != nil {
			return 0, fmt.Errorf("get %s: %w", c.key, err)
		}
		c.body = got.Body
	}
	n, err := c.body.Read(p)
	c.at += int64(n)
	if errors.Is(err, io.EOF) && c.at < c.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek sets where the next Read begins.
func (c *s3Content) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("get %s: seek before the beginning", c.key)
	}
	if offset != c.at && c.body != nil {
		_ = c.body.Close() // what is left of the answer is not wanted
		c.body = nil
	}
	c.at = offset
	return offset, nil
}

// Close ends reading.
func (c *s3Content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.body == nil {
		return nil
	}
	err := c.body.Close()
	c.body = nil
	return err
}

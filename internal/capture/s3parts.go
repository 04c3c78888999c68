package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// partSize is the least size of the parts that a large object is put in, in
	// bytes, and maxParts how many there may be.
	partSize = 8 << 20
	maxParts = 10_000
)

// abortWithin bounds the request that lets go of the parts of an object.
const abortWithin = 10 * time.Second

// putParts stores an object in parts. When it fails, none of them stays, unless
// the server does not answer: see Abandon.
func (s *S3) putParts(ctx context.Context, o Object, content io.ReaderAt, size int64) error {
	kind, key, kmsContext := o.encryption()
	upload, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &o.Bucket, Key: &o.Key, ContentType: &o.Type, Metadata: o.Metadata,
		ServerSideEncryption: kind, SSEKMSKeyId: key, SSEKMSEncryptionContext: kmsContext,
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	parts, err := s.uploadParts(ctx, o, *upload.UploadId, content, size)
	if err == nil {
		_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &o.Bucket, Key: &o.Key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
		defer cancel()
		abort := s.abort(ctx, o.Bucket, o.Key, *upload.UploadId)
		return fmt.Errorf("put %s: %w", o.Key, errors.Join(err, abort))
	}
	return nil
}

func (s *S3) uploadParts(ctx context.Context, o Object, upload string, content io.ReaderAt, size int64) (parts []types.CompletedPart, err error) {
	step := max(partSize, (size+maxParts-1)/maxParts)
	for at := int64(0); at < size; at += step {
		number, n := int32(len(parts)+1), min(step, size-at)
		done, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &o.Bucket, Key: &o.Key, UploadId: &upload, PartNumber: &number, ContentLength: &n,
			Body: io.NewSectionReader(content, at, n),
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, types.CompletedPart{PartNumber: &number, ETag: done.ETag})
	}
	return parts, nil
}

// Abandon aborts the unfinished uploads of keys that begin with the prefix and for
// which mine holds: a server keeps their parts for ever otherwise, and shows them to
// nobody. That there is no such bucket any more is no error.
func (s *S3) Abandon(ctx context.Context, bucket, prefix string, mine func(key string) bool) error {
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: &prefix})
	var failed error
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if statusOf(err) == http.StatusNotFound {
			return failed
		}
		if err != nil {
			return errors.Join(failed, fmt.Errorf("uploads below %s: %w", prefix, err))
		}
		for _, u := range page.Uploads {
			if key := aws.ToString(u.Key); mine(key) {
				failed = errors.Join(failed, s.abort(ctx, bucket, key, aws.ToString(u.UploadId)))
			}
		}
	}
	return failed
}

// abort ends an upload. One that is not there any more is no error.
func (s *S3) abort(ctx context.Context, bucket, key, upload string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &upload})
	if err != nil && statusOf(err) != http.StatusNotFound {
		return fmt.Errorf("abort %s: %w", key, err)
	}
	return nil
}

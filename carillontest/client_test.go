package carillontest_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// awsClient keeps no connection open, so that none outlives the tests.
func awsClient() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
}

// runFromEnvironment calls the API as an application that knows nothing of tests.
func runFromEnvironment(t *testing.T) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(awsClient()))
	if err != nil {
		t.Fatal(err)
	}
	create(t, chimesdkmeetings.NewFromConfig(cfg), "environment")
}

package sigv4_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

// A server that says who sent a request, and a client that signs one as the
// AWS SDKs do.
func ExampleVerifier() {
	keys, err := sigv4.Single("AKIDEXAMPLE", "a secret", "111122223333")
	if err != nil {
		panic(err)
	}
	verifier := sigv4.New(sigv4.Config{Keys: keys, Window: 15 * time.Minute})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pending, err := verifier.Begin(r) // what can be refused without the body
		if err != nil {
			fmt.Fprintln(w, err)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		identity, err := pending.Finish(body)
		if err != nil {
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, identity.AccessKeyID, identity.Account, identity.Region, identity.Allows("chime:GetMeeting"))
	}))
	defer server.Close()

	for _, secret := range []string{"a secret", "a guess"} {
		r, err := http.NewRequest("POST", server.URL+"/meetings", strings.NewReader("{}"))
		if err != nil {
			panic(err)
		}
		credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hashOf("{}"), "chime", "eu-west-1", time.Now()); err != nil {
			panic(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			panic(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			panic(err)
		}
		name, _, _ := strings.Cut(string(text), ":")
		fmt.Println(strings.TrimSpace(name))
	}

	// Output:
	// AKIDEXAMPLE 111122223333 eu-west-1 true
	// InvalidSignatureException
}

package targets

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

func (s *Services) function(a arn) Sender {
	client := lambda.NewFromConfig(s.config(Lambda, a.region))
	name := a.text
	if s.cfg.LambdaByName {
		name = strings.TrimPrefix(a.name, "function:")
	}
	return Sender{One: func(ctx context.Context, e *event.Event, _ int) error {
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: e.Direct()})
		if err != nil {
			return classify(err)
		}
		if out.StatusCode != http.StatusAccepted {
			return &outbox.Refusal{Code: "HTTP " + strconv.Itoa(int(out.StatusCode))}
		}
		return nil
	}}
}

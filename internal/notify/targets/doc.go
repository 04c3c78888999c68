// Package targets hands events to the services of AWS, or to whatever speaks as
// they do: the queues (SQS), topics (SNS) and functions (Lambda) that meetings
// name by ARN, and the account's event bus (EventBridge).
//
// Whoever calls the API names a target, never an address: requests go to the
// endpoints that the operator has configured, whatever the ARN says, and to none
// when there is no endpoint for its service.
//
//   - arn.go: which target a meeting names, and whether there is a way to it.
//   - accounts.go: whose services are used.
//   - services.go: the SDK's clients, one for each service and Region.
//   - sqs.go, sns.go, lambda.go, bus.go: one attempt each.
//   - deadqueue.go: a queue for what was given up.
//   - classify.go: what a failure means.
package targets

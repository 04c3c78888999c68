package app

import (
	"net/http"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// document is the whole description.
func (d *describer) document() object {
	paths := object{}
	for _, op := range operations() {
		at, _ := paths["/app/v1/"+op.path].(object)
		if at == nil {
			at = object{}
			paths["/app/v1/"+op.path] = at
		}
		at[strings.ToLower(op.method)] = d.operation(&op)
	}
	paths[PathDocument] = object{"get": object{
		"operationId": "GetDescription", "summary": "Returns this description.", "security": []any{},
		"responses": object{"200": object{"description": "The description.", "content": object{"application/json": object{"schema": object{"type": "object"}}}}},
	}}
	fault := d.schema(reflect.TypeFor[Fault]())
	d.schemas["Fault"].(object)["properties"].(object)["code"].(object)["enum"] = d.codes
	responses := object{}
	for status := range faults() {
		responses[faultName(status)] = object{
			"description": faults()[status],
			"headers": object{
				"x-amzn-RequestId": object{"schema": object{"type": "string"}, "description": "The request's id."},
				"x-amzn-ErrorType": object{"schema": object{"type": "string"}, "description": "The code of the body."},
			},
			"content": object{"application/json": object{"schema": fault}},
		}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Carillon application API", "version": "1",
			"license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Who is connected to the meetings of an account, what happened in them, and a few things to do about it. " +
				"Requests are signed with AWS Signature Version 4, service chime, with the keys of the meetings API. " +
				"A key needs the permission carillon: and the name of the operation.",
		},
		"servers":  []any{object{"url": "/"}},
		"security": []any{object{"sigv4": []any{}}},
		"paths":    paths,
		"components": object{
			"schemas":   d.schemas,
			"responses": responses,
			"securitySchemes": object{"sigv4": object{
				"type": "apiKey", "in": "header", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4",
				"description": "AWS Signature Version 4 with the service name chime.",
			}},
		},
	}
}

func (d *describer) operation(op *operation) object {
	summary := d.comments["app."+handlerName(op)]
	if summary == "" {
		d.t.Errorf("%s has no comment", op.name)
	}
	_, rest, _ := strings.Cut(summary, " ")
	o := object{
		"operationId": op.name, "description": strings.ToUpper(rest[:1]) + rest[1:],
		"x-carillon-action": op.action(), "responses": d.responses(op),
	}
	if list := d.parameters(op); len(list) > 0 {
		o["parameters"] = list
	}
	if op.input != nil {
		o["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": d.schema(reflect.TypeOf(op.input))}}}
	}
	return o
}

// handlerName is the name of the method that runs an operation.
func handlerName(op *operation) string {
	name := runtime.FuncForPC(reflect.ValueOf(op.run).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}

func (d *describer) parameters(op *operation) (list []any) {
	for _, name := range []string{"meetingId", "attendeeId"} {
		if strings.Contains(op.path, "{"+name+"}") {
			list = append(list, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"}})
		}
	}
	for _, name := range op.query {
		list = append(list, object{"name": name, "in": "query", "schema": parameterSchema(name)})
	}
	return list
}

func parameterSchema(name string) object {
	switch name {
	case paramState:
		return object{"type": "string", "enum": []string{stateActive, stateEnded}, "default": stateActive}
	case paramExternal:
		return object{"type": "string", "minLength": 1, "maxLength": maxExternal}
	case paramTagKey:
		return object{"type": "string", "minLength": 1, "maxLength": maxTagKey}
	case paramTagValue:
		return object{"type": "string", "minLength": 1, "maxLength": maxTagValue, "description": "Only with tagKey."}
	case paramMaxResults:
		return object{"type": "integer", "minimum": 1, "maximum": maxPage, "default": defaultPage}
	case paramNextToken:
		return object{"type": "string", "description": "The nextToken of the page before."}
	}
	return nil
}

// boundsOf are the bounds of an input's member, by type and name.
func boundsOf(member string) object {
	seconds := func(least time.Duration) object {
		return object{"minimum": int(least.Seconds()), "type": []string{"integer", "null"}}
	}
	return map[string]object{
		"TimersInput.idleSeconds":   seconds(meeting.MinIdle),
		"TimersInput.maxAgeSeconds": seconds(meeting.MinMaxAge),
		"MessageInput.topic":        {"minLength": 1, "maxLength": meeting.MaxTopic, "pattern": "^[A-Za-z0-9_-]+$"},
		"MessageInput.text":         {"maxLength": meeting.MaxData},
		"MessageInput.attendeeId":   {"format": "uuid"},
		"MessageInput.lifetimeMs":   {"minimum": 0, "maximum": meeting.MaxLifetime.Milliseconds()},
	}[member]
}

func (d *describer) responses(op *operation) object {
	ok := object{"description": http.StatusText(op.status)}
	if op.answer != nil {
		ok["content"] = object{"application/json": object{"schema": d.schema(reflect.TypeOf(op.answer))}}
	}
	list := object{strconv.Itoa(op.status): ok}
	for status := range faults() {
		switch {
		case status == http.StatusNotFound && !strings.Contains(op.path, "{"):
		case status == http.StatusConflict && op.method == http.MethodGet:
		case (status == http.StatusRequestEntityTooLarge || status == http.StatusRequestTimeout) && op.input == nil:
		case status == http.StatusMethodNotAllowed: // of no operation
		default:
			list[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + faultName(status)}
		}
	}
	return list
}

// faults are the statuses of refusals.
func faults() map[int]string {
	return map[int]string{
		400: "The input breaks a rule; the message says which.",
		401: "The account is switched off.",
		403: "The signature, the date or the key is wrong, or the key may not do this.",
		404: "The account has no such meeting, or the meeting no such attendee.",
		405: "The address takes other methods: see Allow.",
		408: "The body took too long to arrive.",
		409: "Other changes of the same meeting took too long.",
		413: "The body is too large.",
		429: "Too many requests: see Retry-After.",
		500: "A fault of the server's, which its log explains under the request id.",
		503: "The server or its store is not available for the moment: see Retry-After.",
	}
}

func faultName(status int) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(status))
}

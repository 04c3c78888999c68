package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// accountsKey is where a key file has settings of single accounts.
const accountsKey = "accounts"

// AccountEvents reads who is told of single accounts' meetings, from the part
// "accounts" of a key file: for each account, settings of Events by the names of
// their flags, which stand in for the server's own. What an account does not
// set is as for all. Its web hooks come on top of those for all accounts. Every
// problem is reported, joined.
func (e *Events) AccountEvents(keyFile string) (map[string]Events, error) {
	if keyFile == "" {
		return nil, nil
	}
	data, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, nil // who reads the keys says so
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, nil // likewise
	}
	accounts, ok := doc[accountsKey].(map[string]any)
	if doc[accountsKey] != nil && !ok {
		return nil, fmt.Errorf("key file: %s: must be a mapping from accounts, in quotes, to settings", accountsKey)
	}
	all := map[string]Events{}
	var errs []error
	for account, settings := range accounts {
		of := func(err error) { errs = append(errs, fmt.Errorf("key file: account %s: %w", account, err)) }
		if !isAccount(account) {
			of(errors.New("an account is twelve digits, in quotes"))
		}
		values, ok := settings.(map[string]any)
		if !ok {
			of(errors.New("must be a mapping of settings"))
			continue
		}
		own, err := e.with(values)
		if err != nil {
			of(err)
			continue
		}
		own.check(func(ok bool, format string, args ...any) {
			if !ok {
				of(fmt.Errorf(format, args...))
			}
		})
		all[account] = own
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return all, errors.Join(errs...)
}

// with returns the settings with some replaced.
func (e *Events) with(values map[string]any) (Events, error) {
	own := *e
	own.Webhook, own.WebhookSecretFile, own.WebhookAllowPrivate, own.Webhooks = "", nil, false, nil
	fields := map[string]reflect.Value{"webhooks": reflect.ValueOf(&own.Webhooks).Elem()}
	for i, v := 0, reflect.ValueOf(&own).Elem(); i < v.NumField(); i++ {
		if f := v.Type().Field(i); f.Tag.Get("account") != "-" && f.Tag.Get("name") != "" {
			fields[f.Tag.Get("name")] = v.Field(i)
		}
	}
	var errs []error
	for name, value := range values {
		field, known := fields[name]
		if !known {
			errs = append(errs, fmt.Errorf("%q is no setting of an account", name))
		} else if err := set(field, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return own, errors.Join(errs...)
}

// SameServices reports whether events go to the same services in the same way as
// by other settings, whatever web hooks there are.
func (e *Events) SameServices(other *Events) bool {
	plain := func(e Events) Events {
		e.Webhook, e.WebhookSecretFile, e.WebhookAllowPrivate, e.Webhooks = "", nil, false, nil
		return e
	}
	return reflect.DeepEqual(plain(*e), plain(*other))
}

// set gives a setting the value that YAML has for it.
func set(field reflect.Value, value any) error {
	if d, ok := field.Addr().Interface().(*time.Duration); ok {
		parsed, err := time.ParseDuration(fmt.Sprint(value))
		*d = parsed
		return err
	}
	if hooks, ok := field.Addr().Interface().(*Webhooks); ok {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return hooks.parse(text)
	}
	// The rest is of JSON's own types; a number or an account needs no quotes.
	if field.Kind() == reflect.String {
		value = fmt.Sprint(value)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, field.Addr().Interface()); err != nil {
		return fmt.Errorf("%v is not a %s", value, kindOf(field))
	}
	return nil
}

func kindOf(field reflect.Value) string {
	switch field.Kind() {
	case reflect.Slice:
		return "list of texts"
	case reflect.Int:
		return "number"
	case reflect.Bool:
		return "yes or no (true, false)"
	}
	return "text"
}

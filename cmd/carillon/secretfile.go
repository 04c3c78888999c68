package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/carillon-meetings/carillon/internal/notify/webhook"
)

// readSecret returns the one line that a file of a secret holds, without the
// blanks about it. Errors repeat nothing of it. What is no such line would be
// found out only by whoever the secret is shown to, in words that do not say
// what is wrong with it.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	switch {
	case secret == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(secret, "\r\n"):
		return "", fmt.Errorf("%s has several lines: a secret is one line", path)
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return "", fmt.Errorf("%s holds no secret but what is no text: there are control characters in it, or bytes that are no UTF-8", path)
	}
	return secret, nil
}

// hookSecrets reads what requests to a web hook are signed with, one secret in
// each file.
func hookSecrets(files []string) (secrets []webhook.Secret, err error) {
	var errs []error
	for _, name := range files {
		text, err := readSecret(name)
		if err == nil {
			var s webhook.Secret
			if s, err = webhook.ParseSecret(text); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			secrets = append(secrets, s)
		}
		errs = append(errs, err)
	}
	return secrets, errors.Join(errs...)
}

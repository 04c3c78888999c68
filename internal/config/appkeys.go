package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// appKey is the form of an application key: 256 bits.
var appKey = regexp.MustCompile(`^[0-9a-f]{64}$`)

// AppKeyOf returns the application key of each account that has one.
func (c *Credentials) AppKeyOf() (map[string]string, error) {
	keys := make(map[string]string, len(c.AppKeys))
	for _, text := range c.AppKeys {
		account, key, _ := strings.Cut(text, "=")
		key = strings.ToLower(key)
		switch {
		case !isAccount(account) || !appKey.MatchString(key):
			return nil, errors.New("--app-keys: expected an account of twelve digits, = and 64 hexadecimal digits, for each account")
		case keys[account] != "":
			return nil, fmt.Errorf("--app-keys: account %s has two", account)
		}
		keys[account] = key
	}
	return keys, nil
}

// isAccount reports whether text is an account id: twelve digits.
func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

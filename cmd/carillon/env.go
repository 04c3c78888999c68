package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/identity"
)

type envCommand struct {
	config.Serve
}

// Run prints the variables that point AWS tools at the server with these
// settings, for `eval "$(carillon env)"`.
func (c *envCommand) Run() error { return c.print(os.Stdout) }

func (c *envCommand) print(w io.Writer) error {
	if c.Credentials.KeyFile != "" {
		return fmt.Errorf("the keys are in %s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair of it", c.Credentials.KeyFile)
	}
	addr, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if addr.IP == nil {
		addr.IP = net.IPv6unspecified
	}
	if addr.Port == 0 && c.PublicURL == "" {
		return errors.New("--listen: the port is chosen at the start; its line says which")
	}
	base, err := publicBase(&c.Serve, addr)
	if err != nil {
		return err
	}
	access, secret := c.Credentials.AccessKey, c.Credentials.SecretKey
	if access == "" {
		if access, secret, err = identity.KeyPair(c.Data); err != nil {
			return err
		}
	}
	printExports(w, &c.Serve, base, access, secret)
	return nil
}

// printExports prints shell lines after which AWS tools call this server.
func printExports(w io.Writer, cfg *config.Serve, base *url.URL, accessKey, secretKey string) {
	region := cfg.API.Region
	if region == "" {
		region = "us-east-1"
	}
	fmt.Fprintf(w, `export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=%s
export AWS_DEFAULT_REGION=%s
export AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=%s
export AWS_ENDPOINT_URL_CHIME=%s/legacy
export AWS_ENDPOINT_URL_CHIME_SDK_MEDIA_PIPELINES=%s
`, accessKey, secretKey, region, base, base, base)
	if cfg.TLSSelfSigned {
		fmt.Fprintf(w, "export %s=%s\n", bundleEnv, filepath.Join(absolute(cfg.Data), identity.SelfSignedFile))
	}
}

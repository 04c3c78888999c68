package ledger

import "github.com/nats-io/nats.go"

// Check returns why Open would refuse the directory of cfg for what it is: one
// with another layout, with entries under another key, or of a node of a cluster.
// It changes nothing and may be asked beside whoever has the directory open. If
// the entries are whole, and the other servers there, only Open finds out.
func Check(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	_, _, err = readLayout(cfg)
	return err
}

// CheckCA returns why what CA names cannot be used. It is read anew for each
// connection, so the file may be replaced while the ledger is open.
func (c Config) CheckCA() error {
	if c.CA == "" {
		return nil
	}
	return nats.RootCAs(c.CA)(new(nats.Options))
}

// CheckCredentials returns why what Credentials names cannot be used. It, too, is
// read anew for each connection.
func (c Config) CheckCredentials() error {
	if c.Credentials == "" {
		return nil
	}
	var o nats.Options
	if err := nats.UserCredentials(c.Credentials)(&o); err != nil {
		return err
	}
	if _, err := o.UserJWT(); err != nil {
		return err
	}
	_, err := o.SignatureCB([]byte("any nonce"))
	return err
}

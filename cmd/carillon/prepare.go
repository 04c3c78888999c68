package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/transcribe"
)

// prepared is what a configuration names outside of itself, read once before
// anything is opened.
type prepared struct {
	keys        *sigv4.Keys      // nil: the development pair of the data directory
	certificate *tls.Certificate // nil: no TLS
	ways        waysOut          // for events
	secret      []byte           // of the cluster; nil: alone
	sink        capture.Sink     // nil: recordings are stored nowhere
	ffmpeg      string           // path; "": nothing is composed or streamed
	engines     []transcribe.Source
	trusts      []*trust        // of engines that have authorities of their own
	operators   *operators.List // nil: none but the one with the operator secret
	receiver    receiverOfTraces
	files       room // how much may be open at once
}

// prepare reads what a configuration names and returns every problem that would
// keep a server from starting with it, joined. It changes nothing, so that
// `check config` can be asked beside a running server. What only the moment of
// starting can tell, such as a port that somebody else has, is not its matter.
func prepare(cfg *config.Serve) (prepared, error) {
	var p prepared
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	var err error
	p.receiver, err = traceReceiver(&cfg.Telemetry, os.Getenv) // which says more of the settings
	note(err)
	note(cfg.Check())
	p.keys, err = configuredKeys(cfg.Credentials)
	note(err)
	p.certificate, err = certificate(cfg.TLSCert, cfg.TLSKey)
	note(err)
	p.secret, err = clusterSecret(cfg.Cluster)
	note(err)
	if secret := cfg.Pages.OperatorSecret; secret != "" && len(secret) < operators.MinSecret {
		note(fmt.Errorf("--operator-secret has fewer than %d characters", operators.MinSecret))
	}
	p.operators, err = namedOperators(cfg.Pages.OperatorsFile)
	note(err)
	p.ways, err = openWays(cfg)
	note(err)
	p.sink, err = sink(&cfg.Recording)
	note(err)
	p.ffmpeg, err = ffmpeg(&cfg.Recording)
	note(err)
	p.engines, p.trusts, err = engines(&cfg.Transcription)
	note(err)
	note(checkFolders(cfg))
	note(checkAddresses(cfg))
	note(checkData(cfg, p))
	p.files, err = fitFiles(openFiles(), wantedRoom(cfg))
	note(err)
	if err := errors.Join(errs...); err != nil {
		return p, fmt.Errorf("the configuration has problems:\n%w", err)
	}
	return p, nil
}

// configuredKeys are the access keys that the configuration names; nil when it
// names none.
func configuredKeys(c config.Credentials) (*sigv4.Keys, error) {
	switch {
	case c.KeyFile != "":
		keys, err := sigv4.LoadKeys(c.KeyFile, actions())
		if err != nil {
			return nil, fmt.Errorf("--key-file: %w", err)
		}
		return keys, nil
	case c.AccessKey == "" || c.SecretKey == "": // none, or half of one, which Check refuses
		return nil, nil
	}
	keys, err := sigv4.Single(c.AccessKey, c.SecretKey, c.Account)
	if err != nil {
		return nil, fmt.Errorf("--access-key: %w", err)
	}
	return keys, nil
}

// namedOperators are those that a file names; nil without one.
func namedOperators(file string) (*operators.List, error) {
	if file == "" {
		return nil, nil
	}
	list, err := operators.Load(file)
	if err != nil {
		return nil, fmt.Errorf("--operators-file: %w", err)
	}
	return list, nil
}

// actions are what permissions of keys may name.
func actions() []string { return append(api.Actions(), app.Actions()...) }

// clusterSecret reads the secret of the cluster; nil when there is no cluster.
func clusterSecret(c config.Cluster) ([]byte, error) {
	if c.SecretFile == "" {
		return nil, nil
	}
	secret, err := readSecret(c.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("--cluster-secret-file: %w", err)
	}
	if len(secret) < cluster.MinSecret {
		return nil, fmt.Errorf("--cluster-secret-file: %s has %d characters, at least %d are needed: openssl rand -base64 48 makes some", c.SecretFile, len(secret), cluster.MinSecret)
	}
	return []byte(secret), nil
}

func certificate(certFile, keyFile string) (*tls.Certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return &pair, nil
}

// checkAddresses tries each address for a moment. One that is in use is good:
// the server that this configuration belongs to may be running.
func checkAddresses(cfg *config.Serve) error {
	var errs []error
	for _, a := range []struct{ flag, network, addr string }{
		{"listen", "tcp", cfg.Listen}, {"media-udp", "udp", cfg.Media.UDP}, {"media-tcp", "tcp", cfg.Media.TCP},
		{"turn-udp", "udp", cfg.Turn.UDP}, {"turn-tcp", "tcp", cfg.Turn.TCP}, {"turn-tls", "tcp", cfg.Turn.TLS},
		{"metrics-listen", "tcp", cfg.Pages.MetricsListen}, {"console-listen", "tcp", cfg.Pages.ConsoleListen}, {"pprof-listen", "tcp", cfg.Telemetry.Pprof},
		{"cluster-listen", "tcp", cfg.Cluster.Listen}, {"cluster-http", "tcp", cfg.Cluster.HTTPAddr()},
	} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			continue // none, or one that Check refuses
		}
		if err := tryAddress(a.network, a.addr); err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			errs = append(errs, fmt.Errorf("--%s: %w", a.flag, err))
		}
	}
	return errors.Join(errs...)
}

func tryAddress(network, addr string) error {
	if network == "udp" {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		return err
	}
	return l.Close()
}

// checkFolders checks the directories beside that of the data.
func checkFolders(cfg *config.Serve) error {
	var errs []error
	if dir := cfg.Recording.Recordings; dir != "" {
		if err := durable.Check(dir); err != nil {
			errs = append(errs, fmt.Errorf("--recordings: %w", err))
		}
	}
	if dir := cfg.Transcription.FiltersDir; dir != "" {
		if _, err := os.ReadDir(dir); err != nil {
			errs = append(errs, fmt.Errorf("--transcription-filters-dir: %w", err))
		}
	}
	return errors.Join(errs...)
}

// checkData checks that the data directory can be used, that the secrets in it
// are whole, and that it is of a server like this one. Whether the records in it
// are whole is not asked: that takes as long as a start.
func checkData(cfg *config.Serve, p prepared) error {
	for _, dir := range append([]string{cfg.Data}, dataFolders(cfg.Data)...) {
		if err := durable.Check(dir); err != nil {
			return fmt.Errorf("--data: %w", err)
		}
	}
	records, err := ledger.Exists(ledgerDir(cfg))
	if err != nil {
		return err
	}
	id, err := identity.Check(cfg.Data, records, p.secret)
	if err != nil {
		return err
	}
	if p.keys == nil && id.AccessKey != "" {
		if _, err := ownKeys(cfg, id); err != nil {
			return err
		}
	}
	if cfg.TLSSelfSigned {
		if err := identity.CheckSelfSigned(cfg.Data); err != nil {
			return err
		}
	}
	return checkLedger(cfg, id)
}

// checkLedger checks what the ledger is opened with, before it is.
func checkLedger(cfg *config.Serve, id identity.Identity) error {
	lc := storeConfig(cfg)
	if err := lc.CheckCA(); err != nil {
		return fmt.Errorf("--nats-ca-file: %w", err)
	}
	if err := lc.CheckCredentials(); err != nil {
		return fmt.Errorf("--nats-credentials-file: %w", err)
	}
	if id.TokenKey != nil {
		key, err := jointoken.NewKey(id.TokenKey)
		if err != nil {
			return err
		}
		lc.KeyCheck = keyCheck(key)
	}
	return explainStore(cfg, ledger.Check(lc))
}

// ownKeys are the access keys that the server has made for itself.
func ownKeys(cfg *config.Serve, id identity.Identity) (*sigv4.Keys, error) {
	own, err := sigv4.Single(id.AccessKey, id.SecretKey, cfg.Credentials.Account)
	if err != nil {
		return nil, fmt.Errorf("access key of the data directory: %w", err)
	}
	return own, nil
}

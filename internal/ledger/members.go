package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The account of the embedded servers themselves, by which one of them is
// forgotten. Nobody can connect but this process.
const (
	systemAccount = "SYSTEM"
	systemUser    = "carillon"
)

// withSystem sets the account up.
func withSystem(opts *server.Options) {
	system := server.NewAccount(systemAccount)
	opts.Accounts, opts.SystemAccount = []*server.Account{system}, systemAccount
	opts.Users = []*server.User{{Username: systemUser, Password: systemUser, Account: system}}
}

// Forget takes a node out of those that the cluster's store counts for its
// majority and keeps copies on. Where there are other nodes without a copy, one
// gets it instead. The node must not be running.
func (l *Log) Forget(ctx context.Context, node string) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	if e.server == nil {
		return nil // somebody else's
	}
	nc, err := e.connect("forget", nats.UserInfo(systemUser, systemUser))
	if err != nil {
		return err
	}
	defer nc.Close()
	request, err := json.Marshal(server.JSApiMetaServerRemoveRequest{Server: node})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, server.JSApiRemoveServer, request)
	if err != nil {
		return fmt.Errorf("%w: forget node %s: %w", ErrUnavailable, node, err)
	}
	var a server.JSApiMetaServerRemoveResponse
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("forget node %s: %w", node, err)
	}
	if a.Error != nil && server.ErrorIdentifier(a.Error.ErrCode) != server.JSClusterServerNotMemberErr {
		return fmt.Errorf("forget node %s: %s", node, a.Error.Description)
	}
	return nil
}

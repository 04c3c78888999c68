package config

// Test holds the mode for tests of applications.
type Test struct {
	Mode      bool     `help:"Serve /test/v1/, with which tests of an application move the clock, have calls fail and watch events, and accept any credentials. Without --data, meetings live in a temporary directory." name:"test-mode"`
	Networks  Networks `help:"With --test-mode, who may call beside this machine, as addresses or networks; everybody else is refused. For a service container in CI." name:"test-networks" placeholder:"CIDR"`
	StopAtEOF bool     `help:"With --test-mode, stop when standard input ends, so that a server goes with the test runner that started it, however that ends." name:"test-stop-at-eof"`
}

// AnyCredentials reports whether requests are served whatever they are signed
// with.
func (s *Serve) AnyCredentials() bool { return s.Credentials.Dev || s.Test.Mode }

// checkTest keeps the test mode from strangers: without networks only this
// machine may reach the server; with them the server itself looks at who calls,
// which a proxy would hide.
func (s *Serve) checkTest(add func(bool, string, ...any)) {
	if !s.Test.Mode {
		add(len(s.Test.Networks) == 0, "--test-networks needs --test-mode")
		add(!s.Test.StopAtEOF, "--test-stop-at-eof needs --test-mode")
		return
	}
	add(len(s.Test.Networks) > 0 || s.onlyLoopback() && loopbackAddr(s.Pages.MetricsListen), "--test-mode is for this machine only: every address must be of its loopback interface, unless --test-networks says who else may call")
	add(!s.Cluster.On(), "--test-mode is for one server, whose clock it moves: leave --node and --cluster-… out")
	add(len(s.TrustedProxies) == 0, "--test-mode and --trusted-proxies exclude each other")
	for _, network := range s.Test.Networks {
		add(network.Bits() > 0, "--test-networks: %s is everybody", network)
	}
}

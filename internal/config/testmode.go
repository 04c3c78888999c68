package config

// Test holds the mode for tests of applications.
type Test struct {
	Mode     bool     `help:"Serve /test/v1/, with which tests of an application move the clock, have calls fail and watch events, and accept any credentials. Without --data, meetings live in a temporary directory." name:"test-mode"`
	Networks Networks `help:"With --test-mode, who may call beside this machine, as addresses or networks; everybody else is refused. For a service container in CI." name:"test-networks" placeholder:"CIDR"`
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
		return
	}
	add(len(s.Test.Networks) > 0 || s.onlyLoopback(), "--test-mode is for this machine only: every address must be of its loopback interface, unless --test-networks says who else may call")
	add(!s.Cluster.On(), "--test-mode is for one server: leave --node and --cluster-… out")
	add(!s.Cluster.On(), "--test-mode is for a server alone: its clock is one server's")
	add(len(s.TrustedProxies) == 0, "--test-mode and --trusted-proxies exclude each other")
	for _, network := range s.Test.Networks {
		add(network.Bits() > 0, "--test-networks: %s is everybody", network)
	}
}

// Package config is the one typed description of everything an operator can
// set on `carillon serve`. The command line, CARILLON_* environment variables
// and a YAML file all fill the same struct, Serve, in that order of
// precedence; the field tags carry the names, defaults and help texts.
//
// Check finds every contradiction in one go, so that an operator sees the
// whole list at once.
package config

import (
	"math"
	"time"
)

// Serve is the configuration of the server.
type Serve struct {
	Listen          string        `help:"Address of the API, signaling and pages." default:"127.0.0.1:8480" placeholder:"ADDR"`
	Data            string        `help:"Data directory; created when missing." default:"carillon-data" type:"path" placeholder:"DIR"`
	PublicURL       string        `help:"Base URL under which clients reach this server, when it differs from the listen address (http or https, no path)." placeholder:"URL"`
	AllowedHosts    []string      `help:"Further host names that requests may be for, beside the public one, localhost and the addresses of this machine; .example.org stands for all below it, * for any." placeholder:"NAME"`
	TrustedProxies  Networks      `help:"Proxies in front, as addresses or networks: only their X-Forwarded-For and Forwarded headers are believed." placeholder:"CIDR"`
	TLSCert         string        `help:"TLS certificate chain, PEM." type:"path" placeholder:"FILE"`
	TLSKey          string        `help:"TLS private key, PEM." type:"path" placeholder:"FILE"`
	TLSSelfSigned   bool          `help:"Serve TLS with a certificate made here, to try from another machine: browsers warn once, and then allow camera and microphone." name:"tls-self-signed"`
	ShutdownTimeout time.Duration `help:"How long running calls may take to finish at shutdown." default:"10s"`
	LogLevel        string        `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	LogFormat       string        `help:"text or json." enum:"text,json" default:"text"`
	AcceptLoss      bool          `help:"Start although records are damaged or missing, and go on without them. For one start, after the backups have been looked at."`
	MemoryLimitMiB  int           `help:"Soft memory limit of the process in MiB; 0 for none." default:"0" name:"memory-limit-mib"`

	Credentials   Credentials   `embed:"" group:"Who may call the API"`
	API           API           `embed:"" group:"The API"`
	Preset        string        `help:"Quotas to begin with: none, or amazon for the 250 active meetings that the real service allows an account, Region and flavour." name:"limits" enum:"none,amazon" default:"none" group:"Limits"`
	Limits        Limits        `embed:"" prefix:"limit-" group:"Limits"`
	Timers        Timers        `embed:"" prefix:"timer-" group:"Life of a meeting"`
	History       History       `embed:"" prefix:"history-" group:"Ended meetings"`
	Media         Media         `embed:"" prefix:"media-" group:"Audio and video"`
	Recording     Recording     `embed:"" group:"Recordings"`
	Transcription Transcription `embed:"" group:"Live transcription"`
	Turn          Turn          `embed:"" prefix:"turn-" group:"TURN"`
	Pages         Pages         `embed:"" group:"Pages, console and metrics"`
	Telemetry     Telemetry     `embed:"" group:"Traces and profiles"`
	Audit         Audit         `embed:"" prefix:"audit-" group:"Audit"`
	Events        Events        `embed:"" group:"Events"`
	Test          Test          `embed:"" group:"Tests of applications"`
	Cluster       Cluster       `embed:"" group:"Several nodes"`
}

// Credentials say who may call the API.
type Credentials struct {
	AccessKey string   `help:"Access key id of the single account; a key pair is generated on first start when neither this nor a key file is given." placeholder:"ID"`
	SecretKey string   `help:"Secret key of --access-key." placeholder:"SECRET"`
	Account   string   `help:"Account id of --access-key: twelve digits." default:"000000000000"`
	KeyFile   string   `help:"YAML file with several accounts, keys, session tokens and permissions." type:"path" placeholder:"FILE"`
	AppKeys   []string `help:"Application key of an account, 64 hexadecimal digits: networks whose proxies name the applications or tenants that may be joined from there know the account by it." placeholder:"ACCOUNT=KEY" name:"app-keys"`
	Dev       bool     `help:"Development mode: accept any credentials. Never use it where strangers can reach the server."`
}

// API holds the options of the API door.
type API struct {
	Region              string        `help:"Serve only requests signed for this control Region; empty serves those of the real service." placeholder:"REGION"`
	MediaRegions        []string      `help:"Accepted values of MediaRegion; empty accepts the documented list." placeholder:"REGION"`
	DefaultFlavour      string        `help:"Flavour of a request that does not tell: meetings or legacy." enum:"meetings,legacy" default:"meetings"`
	DeleteUnknownIs404  bool          `help:"Answer DeleteMeeting of an unknown meeting with 404 instead of 204." name:"delete-unknown-is-404"`
	ValidationErrorName bool          `help:"Name constraint failures ValidationException instead of BadRequestException."`
	AllowUnsigned       bool          `help:"Accept x-amz-content-sha256: UNSIGNED-PAYLOAD." name:"allow-unsigned-payload"`
	BodyTimeout         time.Duration `help:"How long a request body may take to arrive." default:"20s"`
	ShapeNameInCode     bool          `help:"Put the exception's name into the Code of error bodies, for SDKs that let it override the header."`
	CORSOrigins         []string      `help:"Web origins that may call the API; * for any." name:"cors-origin" placeholder:"ORIGIN"`
	ThrottleRate        float64       `help:"Requests per second of one account and operation; 0 switches throttling off. The real service allows 10." default:"0"`
	ThrottleBurst       int           `help:"Burst of the throttle." default:"20"`
	ClockSkew           time.Duration `help:"How far a signature's date may be off." default:"15m"`
}

// Limits are the resource quotas; the defaults are those of the real service,
// except for the number of active meetings, which a machine of one's own bounds.
type Limits struct {
	Meetings           int `help:"Active meetings of one account, Region and flavour; 0 for as many as --limits says." default:"0"`
	Attendees          int `help:"Attendees of a meeting." default:"250"`
	HDAttendees        int `help:"Attendees of a high-definition meeting; never more than --limit-attendees." default:"25" name:"hd-attendees"`
	Replicas           int `help:"Replica meetings of a primary." default:"4"`
	MeetingTags        int `help:"Tags of a meeting." default:"50"`
	AttendeeTags       int `help:"Tags of a legacy attendee." default:"10"`
	VideoSenders       int `help:"Attendees of a meeting who send video at the same time." default:"25"`
	VideoSubscriptions int `help:"Videos one attendee receives at the same time." default:"25"`
	Pipelines          int `help:"Active media pipelines of one account and Region." default:"100"`
	ContentShares      int `help:"Content shares of a meeting at the same time." default:"2"`
	CacheMiB           int `help:"Memory for meetings kept at hand, in MiB; others are read from the ledger when asked for." default:"256" name:"cache-mib"`
	StorageMiB         int `help:"Size of the ledger on disk in MiB; a full ledger refuses, never drops. 0 for no limit." default:"0" name:"storage-mib"`
	SignalingSockets   int `help:"Open signaling connections." default:"20000"`
	Connections        int `help:"Open HTTP connections, signaling not counted; an idle one makes room for a new one." default:"4000"`
	PerAddress         int `help:"Open HTTP connections of one address, or of one IPv6 /64; trusted proxies are not bounded." default:"1000" name:"connections-per-address"`
	DemoMeetings       int `help:"Active meetings of the meeting page's demo backend, which has an account of its own." default:"20"`
}

// TLS says whether the server speaks TLS itself.
func (s *Serve) TLS() bool { return s.TLSCert != "" || s.TLSSelfSigned }

// amazonMeetings is the real service's quota of active meetings.
const amazonMeetings = 250

// MeetingQuota is how many active meetings an account may have in one Region
// and flavour; without a quota, more than there can be.
func (s *Serve) MeetingQuota() int {
	switch {
	case s.Limits.Meetings > 0:
		return s.Limits.Meetings
	case s.Preset == "amazon":
		return amazonMeetings
	}
	return math.MaxInt32
}

// History says how much is kept of ended meetings.
type History struct {
	Age time.Duration `help:"How long an ended meeting is kept to be looked at: who was there, what happened, how good the connections were and why it ended." default:"168h"`
	MiB int           `help:"Size on disk of the ended meetings that are kept, in MiB; the oldest go first." default:"256" name:"mib"`
}

// Timers are the lifecycle times of meetings.
type Timers struct {
	Idle      time.Duration `help:"A meeting nobody is connected to ends after this." default:"5m"`
	MaxAge    time.Duration `help:"A meeting ends at this age." default:"24h"`
	Tombstone time.Duration `help:"How long an ended meeting is kept to say why it ended." default:"30m"`
	Dropped   time.Duration `help:"A lost connection counts as dropped after this." default:"12s"`
}

// Media holds the addresses of audio and video.
type Media struct {
	UDP       string   `help:"UDP address of all media; default: the listen address with the same port." placeholder:"ADDR"`
	TCP       string   `help:"TCP address of all media, for networks without UDP; default: the listen address with the next port; \"off\" for none." placeholder:"ADDR"`
	PublicIPs []string `help:"Addresses announced to clients, when they differ from the media addresses." name:"public-ip" placeholder:"IP"`
	Talkers   int      `help:"Voices mixed at the same time." default:"4"`
}

// Recording says where media pipelines store what they record.
type Recording struct {
	Recordings string        `help:"Directory for recordings, with a folder for each bucket; media pipelines can then be created. Or give --capture-s3-endpoint." type:"path" placeholder:"DIR"`
	Bucket     string        `help:"Bucket of the recordings that are begun in the console; with --recordings, the folder." default:"recordings" name:"recordings-bucket" placeholder:"BUCKET"`
	S3         CaptureS3     `embed:"" prefix:"capture-s3-"`
	Codecs     []string      `help:"Video codecs that clients are asked to send while they are recorded: h264, vp8, vp9, av1; none to ask for nothing." default:"h264" name:"capture-codecs" placeholder:"CODEC"`
	GiveUp     time.Duration `help:"A recording whose pieces cannot be stored for so long has failed." default:"24h" name:"capture-give-up"`
	SpoolMiB   int           `help:"Room on the disk for pieces that are not stored yet, in MiB; when more is needed the recording that has most fails. 0 for no limit but the disk's." default:"0" name:"capture-spool-mib"`

	FFmpeg       string `help:"Program ffmpeg, which composing and streaming need; the one in PATH unless given; off for none." name:"capture-ffmpeg" placeholder:"FILE"`
	MaxComposed  int    `help:"Media pipelines that compose or stream video at the same time. Each takes about a core." default:"1" name:"capture-max-composed"`
	AllowPrivate bool   `help:"Admit loopback, private and link-local addresses as targets of live connectors." name:"live-allow-private"`
}

// CaptureS3 is the S3 server for recordings.
type CaptureS3 struct {
	Endpoint      string `help:"Base URL of the S3 server for recordings." placeholder:"URL"`
	Region        string `help:"Region that requests to it are signed for." default:"us-east-1"`
	AccessKey     string `help:"Access key id for it." placeholder:"ID"`
	SecretKeyFile string `help:"File that holds the secret key of --capture-s3-access-key." type:"path" placeholder:"FILE"`
	PathStyle     bool   `help:"The bucket stands in the path of requests and not in the host name." default:"true" negatable:""`
	Checksums     bool   `help:"Send a checksum with every request, beside that of the signature. Some servers refuse it."`
}

// Turn holds the embedded TURN server.
type Turn struct {
	UDP    string        `help:"UDP address of the embedded TURN server; empty for off." placeholder:"ADDR"`
	TCP    string        `help:"TCP address of the embedded TURN server; empty for off." placeholder:"ADDR"`
	TLS    string        `help:"TLS address of the embedded TURN server (uses --tls-cert); empty for off." placeholder:"ADDR"`
	Public string        `help:"Host name or address of the TURN server in the URIs given to clients; default: the public address." placeholder:"HOST"`
	TTL    time.Duration `help:"Lifetime of TURN credentials." default:"24h"`
}

// Pages holds what people look at.
type Pages struct {
	OperatorSecret string   `help:"Secret of the operators' console; generated on first start when not given." placeholder:"SECRET"`
	OperatorsFile  string   `help:"YAML file with more operators of the console, their hashed secrets and roles." type:"path" placeholder:"FILE"`
	Demo           *bool    `help:"Serve the meeting page and its demo backend, where anybody can open a meeting; default: only while nothing but this machine can reach the server." negatable:""`
	Console        bool     `help:"Serve the operators' console." default:"true" negatable:""`
	ConsoleListen  string   `help:"Address of the console, with TLS where the server has it; default: the listen address." placeholder:"ADDR"`
	Metrics        bool     `help:"Serve Prometheus metrics on /metrics." default:"true" negatable:""`
	MetricsListen  string   `help:"Address of the metrics; default: the listen address." placeholder:"ADDR"`
	Origins        []string `help:"Web origins that may open signaling connections; empty accepts any." placeholder:"ORIGIN" name:"origin"`
	EventIngestion bool     `help:"Give clients an address for their join and quality events." default:"true" negatable:""`
}

// Cluster makes this server one node of several. Node, SecretFile and either
// Listen and Peers or NATSURL are given together, or none.
type Cluster struct {
	Node       string   `help:"Name of this node in its cluster, different on each: letters, digits, - and _." placeholder:"NAME"`
	Listen     string   `help:"Address at which the other nodes reach this one's store, as host:port." name:"cluster-listen" placeholder:"ADDR"`
	Peers      []string `help:"Addresses of --cluster-listen of all nodes, this one's included or not; the others may start later." name:"cluster-peers" placeholder:"ADDR"`
	SecretFile string   `help:"File with the cluster's secret of at least 32 characters, the same on all nodes: they know each other by it." name:"cluster-secret-file" type:"path" placeholder:"FILE"`
	HTTP       string   `help:"Address at which the other nodes pass requests to this one, as host:port; default: that of --cluster-listen with the next port." name:"cluster-http" placeholder:"ADDR"`

	NATSURL      string `help:"NATS with JetStream that somebody else runs, instead of the store between the nodes: nats:// or tls://, several separated by commas. Instead of --cluster-listen and --cluster-peers." name:"nats-url" placeholder:"URL"`
	NATSReplicas int    `help:"On how many of its servers everything is stored: 1, 3 or 5." name:"nats-replicas" default:"3"`
	NATSCreds    string `help:"Credentials file for it." name:"nats-credentials-file" type:"path" placeholder:"FILE"`
	NATSCA       string `help:"Certificates that sign its own, PEM." name:"nats-ca-file" type:"path" placeholder:"FILE"`
}

package conform

import (
	"cmp"
	"regexp"
)

// Flavour is one of the two wire flavours of the API.
type Flavour string

// The two flavours.
const (
	Meetings Flavour = "meetings" // chime-sdk-meetings, API version 2021-07-15
	Legacy   Flavour = "legacy"   // the meeting part of chime, API version 2018-05-01
)

// Flavours is the set of flavours a case runs in.
type Flavours []Flavour

// Profile names a special setting of the server that a case relies on. A case
// whose profile the target does not offer is not selected.
type Profile string

// The profiles. How a server is set up for each is told in docs/conform.md.
const (
	Standard  Profile = "standard"  // default settings, one key pair; Amazon offers this one
	OneDoor   Profile = "one-door"  // both flavours behind one address, told apart by API decision D-01
	Accounts  Profile = "accounts"  // several keys: see [Role]
	Rates     Profile = "rates"     // request rate limits on, 10 per second with a burst of 20
	Quota     Profile = "quota"     // at most Options.ActiveMeetings active meetings per partition
	Idle      Profile = "idle"      // meetings nobody joins end by themselves within seconds
	Age       Profile = "age"       // meetings end seconds after creation
	OneRegion Profile = "region"    // the server serves Options.Region only
	AnyKey    Profile = "any-key"   // development mode: any credentials are accepted
	Inclined  Profile = "inclined"  // requests that do not tell their flavour are legacy ones
	Recording Profile = "recording" // meetings can be recorded, into any bucket
	Streaming Profile = "streaming" // meetings can be streamed, several at a time
	Optional  Profile = "optional"  // the answers that may be switched on are: see options.go
)

// Profiles returns every profile there is.
func Profiles() []Profile {
	return []Profile{Standard, OneDoor, Accounts, Rates, Quota, Idle, Age, OneRegion, AnyKey, Inclined, Optional, Recording, Streaming}
}

// A Case is one behaviour of the API that a client can see.
type Case struct {
	// Name is stable and unique: the operation or subject, an underscore, and
	// what is promised.
	Name string
	// Says is the promise in one sentence.
	Says string
	// In lists the flavours in which the promise is made.
	In Flavours
	// Profile is the server setting the case needs; empty means Standard.
	Profile Profile
	// Alone is set when the case must not run beside others.
	Alone bool

	// Body tries it. It says what did not hold through the T; a case whose
	// body says nothing held.
	Body func(*T)
}

// Decisions returns the ids ("D-34") of the decisions of ours the case rests
// on; nil when all it claims is documented by Amazon.
func (c Case) Decisions() []string {
	return regexp.MustCompile(`D-\d+`).FindAllString(c.Says, -1)
}

// Needs returns the profile the case needs: Standard unless it names one.
func (c Case) Needs() Profile {
	return cmp.Or(c.Profile, Standard)
}

package demo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strconv"
	"strings"
	"time"
)

// letters spell codes: lower case, without those that look like others.
const letters = "abcdefghjkmnpqrstuvwxyz23456789"

// A code is ten letters, shown as abc-defg-hij: seven at random and three that
// check them.
const (
	codeLength  = 10
	checkLength = 3
)

// codeDay is how long a code is good at least; at most it is twice that. A
// meeting does not last longer either.
const codeDay = 24 * time.Hour

// codes makes and checks meeting codes. The check depends on the day on which a
// code was made, so that codes expire without being remembered.
type codes struct {
	key [sha256.Size]byte
	now func() time.Time
}

// newCodes derives the checksum key from the API secret key, so that every node
// that holds the same key takes the same codes.
func newCodes(secretKey string, now func() time.Time) codes {
	return codes{key: sha256.Sum256([]byte("meeting codes of the demo backend\x00" + secretKey)), now: now}
}

// today counts days since the epoch.
func (c codes) today() int64 { return c.now().Unix() / int64(codeDay/time.Second) }

// fresh returns a new code, about 3·10¹⁰ to guess among.
func (c codes) fresh() string {
	random := make([]byte, codeLength-checkLength)
	for i := range random {
		random[i] = randomLetter()
	}
	return dashed(string(random) + c.check(string(random), c.today()))
}

// randomLetter draws without bias by throwing high bytes away.
func randomLetter() byte {
	const whole = 256 - 256%len(letters)
	for {
		var b [1]byte
		rand.Read(b[:])
		if int(b[0]) < whole {
			return letters[int(b[0])%len(letters)]
		}
	}
}

func (c codes) check(random string, day int64) string {
	sum := c.mac("code", random, strconv.FormatInt(day, 10))
	out := make([]byte, checkLength)
	for i := range out {
		out[i] = letters[int(sum[i])%len(letters)]
	}
	return string(out)
}

// parse returns a code in the form fresh gives it. It takes any letter case,
// spaces and missing dashes, as people type them. ok is false when the checksum
// is wrong or the code has expired.
func (c codes) parse(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(typed))
	if len(plain) != codeLength {
		return "", false
	}
	random, check := plain[:codeLength-checkLength], plain[codeLength-checkLength:]
	today := c.today()
	good := subtle.ConstantTimeCompare([]byte(c.check(random, today)), []byte(check)) |
		subtle.ConstantTimeCompare([]byte(c.check(random, today-1)), []byte(check))
	return dashed(plain), good == 1
}

func dashed(plain string) string { return plain[:3] + "-" + plain[3:7] + "-" + plain[7:] }

// mac binds values to a purpose under the key.
func (c codes) mac(purpose string, values ...string) []byte {
	h := hmac.New(sha256.New, c.key[:])
	h.Write([]byte(purpose))
	for _, v := range values {
		h.Write([]byte{0})
		h.Write([]byte(v))
	}
	return h.Sum(nil)
}

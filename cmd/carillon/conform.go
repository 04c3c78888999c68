package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
	"github.com/carillon-meetings/carillon/conform/cases"
)

type conformCommand struct {
	Endpoint       string   `help:"Base URL of the server to check." default:"http://127.0.0.1:8480" env:"CARILLON_ENDPOINT,AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS,AWS_ENDPOINT_URL" placeholder:"URL"`
	LegacyEndpoint string   `help:"Base URL of its legacy flavour; default: the endpoint with /legacy." env:"CARILLON_LEGACY_ENDPOINT,AWS_ENDPOINT_URL_CHIME" placeholder:"URL"`
	AccessKey      string   `help:"Access key id." env:"CARILLON_ACCESS_KEY,AWS_ACCESS_KEY_ID" placeholder:"ID"`
	SecretKey      string   `help:"Secret key." env:"CARILLON_SECRET_KEY,AWS_SECRET_ACCESS_KEY" placeholder:"SECRET"`
	SessionToken   string   `help:"Session token of temporary credentials." env:"CARILLON_SESSION_TOKEN,AWS_SESSION_TOKEN" placeholder:"TOKEN"`
	Region         string   `help:"Control Region requests are signed for." default:"us-east-1" env:"CARILLON_REGION,AWS_REGION,AWS_DEFAULT_REGION"`
	Account        string   `help:"Account id behind the key, when known." placeholder:"ID"`
	Flavour        []string `help:"Flavours to check: meetings, legacy; default both." enum:"meetings,legacy" placeholder:"NAME"`
	Profile        []string `help:"Settings the target offers; default: what every Carillon offers." placeholder:"NAME"`
	Keys           string   `help:"JSON file with the further keys of the profile accounts: {\"other\": {\"accessKey\": …, \"secretKey\": …, \"sessionToken\": …}, …}." type:"existingfile" placeholder:"FILE"`
	ActiveMeetings int      `help:"Quota of active meetings, for the profile quota." placeholder:"N"`
	PerSecond      float64  `help:"Requests a second of the whole run, for targets with rate limits; default: as fast as they go." placeholder:"N"`
	Only           string   `name:"run" help:"Only the cases whose name/flavour matches this regular expression." placeholder:"PATTERN"`
	JSON           bool     `help:"Print the report as JSON." name:"json"`
	List           bool     `help:"List the cases and what each claims, without running any."`
}

// Run checks the endpoint and fails when a behaviour did not hold.
func (c *conformCommand) Run(ctx context.Context) error {
	if c.List {
		for _, known := range cases.All() {
			fmt.Printf("%s\n    %s\n", known.Name, known.Says)
		}
		return nil
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	report, err := conform.Run(ctx, cases.All(), options)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(os.Stdout).Encode(report)
	} else {
		printReport(os.Stdout, report)
	}
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d of %d behaviours did not hold", report.Failed, report.Failed+report.Held)
	}
	return err
}

func (c *conformCommand) options() (conform.Options, error) {
	o := conform.Options{
		Endpoint: c.Endpoint, LegacyEndpoint: c.LegacyEndpoint, Region: c.Region, Account: c.Account, Run: c.Only,
		Credentials:    conform.Credentials{AccessKey: c.AccessKey, SecretKey: c.SecretKey, SessionToken: c.SessionToken},
		ActiveMeetings: c.ActiveMeetings, PerSecond: c.PerSecond,
	}
	if c.Keys != "" {
		text, err := os.ReadFile(c.Keys)
		if err != nil {
			return o, fmt.Errorf("--keys: %w", err)
		}
		if err := json.Unmarshal(text, &o.Keys); err != nil {
			return o, fmt.Errorf("--keys: %s: %w", c.Keys, err)
		}
	}
	for _, f := range c.Flavour {
		o.Flavours = append(o.Flavours, conform.Flavour(f))
	}
	for _, p := range c.Profile {
		if !slices.Contains(conform.Profiles(), conform.Profile(p)) {
			return o, fmt.Errorf("--profile: %q is none of %v", p, conform.Profiles())
		}
		o.Profiles = append(o.Profiles, conform.Profile(p))
	}
	return o, nil
}

func printReport(w io.Writer, r conform.Report) {
	for _, o := range r.Outcomes {
		mark := "held  "
		if !o.Held {
			mark = "FAILED"
		}
		fmt.Fprintf(w, "%s %s/%s\n", mark, o.Case, o.Flavour)
		if !o.Held {
			fmt.Fprintf(w, "       %s\n       %s\n", o.Says, strings.Join(o.Why, "\n       "))
		}
	}
	for profile, n := range r.NotSelected {
		fmt.Fprintf(w, "not tried: %d behaviours that need the profile %q\n", n, profile)
	}
	fmt.Fprintf(w, "%d held, %d failed in %.1f s against %s\n", r.Held, r.Failed, float64(r.Millis)/1000, r.Endpoint)
}

package main

import (
	"html/template"
	"net/http"
	"strings"
)

// signpost is what a person sees who opens an address of the API in a browser:
// where the pages are, and what the address is for.
type signpost struct{ page []byte }

// place is one line of it.
type place struct{ Name, URL, What string }

const signpostPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon</title>
<h1>This address is for programs</h1>
<p>A Carillon server is here. AWS SDKs and the AWS command line call its API at this address, with signed requests.</p>
<ul>{{range .}}
<li>{{if .URL}}<a href="{{.URL}}">{{.Name}}</a>{{else}}{{.Name}}{{end}}: {{.What}}</li>{{end}}
</ul>
</html>
`

// newSignpost names the addresses that this server has.
func (s *server) newSignpost() (*signpost, error) {
	base := s.ports.public.String()
	places := []place{{"API", "", "endpoint " + base + " for chime-sdk-meetings, and " + base + "/legacy for chime; `carillon env` prints both with the keys"}}
	if s.demo != nil {
		places = append(places, place{"Meeting page", "/", "start a meeting in the browser"})
	}
	if s.cfg.Pages.Console && s.ports.console == nil {
		places = append(places, place{"Console", "/operator/", "for those who run this server"},
			place{"API explorer", "/operator/explorer", "try the API in the browser"})
	}
	page, err := template.New("signpost").Parse(signpostPage)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := page.Execute(&b, places); err != nil {
		return nil, err
	}
	return &signpost{[]byte(b.String())}, nil
}

// forPeople tells a browser's window from every program: SDKs sign, and ask for
// no HTML.
func forPeople(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == "" && r.Header.Get("Upgrade") == "" &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (p *signpost) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	w.Write(p.page)
}

// Package clientaddr tells where an HTTP request comes from, behind proxies
// too. Everything that counts by address, or writes one down, asks it: limits
// of sign-ins and of the demo, the API's log, what operators see of
// connections.
//
// The address of the TCP peer is the answer unless that is a proxy that was
// named as trusted. Only then are the headers read in which proxies say whom
// they speak for, X-Forwarded-For and Forwarded (RFC 7239): anybody else can
// write into them what he likes.
package clientaddr

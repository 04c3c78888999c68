// Package packaging tests what strangers install: the archives, the Debian
// package and the image that the folders beside it describe. The tests install
// packages into a root of their own, so they need root and run only when asked
// for: make test-packages.
package packaging

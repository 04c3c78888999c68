// Package packaging tests what strangers install: the archives, the Debian
// package, the image, the compose files and the Helm chart that the folders
// beside it describe. The tests install packages into a root of their own and
// make networks for pods, so they need root and run only when asked for: make
// test-packages.
package packaging

// Package house holds the rules of the repository as tests, so that they hold
// without anybody remembering them. Each failure says what to do.
//
//   - house_test.go: which package may import which of ours
//   - modules_test.go: which may import whose modules
//   - figures_test.go: lengths of files and functions, tests per line of product
//   - comments_test.go: every package and exported name is explained
//   - state_test.go: no package variable changes
//   - decisions_test.go: the decisions the code names are explained
//   - docs_test.go, vocabulary_test.go: the table of packages in
//     docs/architecture.md, the words in docs/vocabulary.md
//
// What the command line takes is held against docs/commands.md by a test of
// cmd/carillon, which knows it. The package has no code of its own.
package house

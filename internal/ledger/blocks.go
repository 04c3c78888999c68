package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// The embedded server keeps messages in block files and checksums each of them,
// but what it does with a message whose checksum does not fit is to leave it
// out: it cuts the block off there, or answers as if the message were not
// there, mostly without a word. An attendee whose removal is left out is back
// in the meeting. So the blocks are read here before the server may touch them.
//
// A block is a row of records (nats-server 2.15, filestore.go):
//
//	4 length of the record; the highest bit says that there are headers
//	8 sequence; its two highest bits mark erased messages and tombstones
//	8 time
//	2 length of the subject
//	  subject, 4 length of headers and headers if any, data
//	8 HighwayHash of all that but the length fields, keyed by stream and block
//
// all little endian. TestBlocksAreReadAsTheServerWritesThem holds this against
// the server.
const (
	blockSuffix    = ".blk"
	blockHeader    = 22
	blockSum       = 8
	blockHeaders   = 1 << 31 // bit of the length
	blockLongest   = 32 << 20
	blockSequences = 1<<62 - 1 // bits of the sequence that count
)

// blockFile is one block file, as it is told from another one.
type blockFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Tail string `json:"tail"` // last bytes, hexadecimal: the checksum of the last record
}

// blockStore is the folder of blocks of one stream, or of one Raft group.
type blockStore struct {
	name, dir string
	files     []blockFile // in the order in which they were begun
}

// blockStores finds the folders of blocks below root. What the embedded server
// removes meanwhile, such as a group of Raft that is no more, is left out.
func blockStores(root string) (stores []blockStore, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.IsDir() || d.Name() != "msgs" {
			return err
		}
		s := blockStore{name: filepath.Base(filepath.Dir(path)), dir: path}
		if s.files, err = blockFiles(path); errors.Is(err, fs.ErrNotExist) {
			return fs.SkipDir
		}
		if err != nil {
			return err
		}
		stores = append(stores, s)
		return fs.SkipDir
	})
	return stores, err
}

func blockFiles(dir string) (files []blockFile, err error) {
	names, err := os.ReadDir(dir)
	for _, d := range names {
		if _, ok := blockIndex(d.Name()); !ok {
			continue
		}
		f, err := describe(filepath.Join(dir, d.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b blockFile) int {
		i, _ := blockIndex(a.Name)
		j, _ := blockIndex(b.Name)
		return int(i) - int(j)
	})
	return files, err
}

// blockIndex returns the number in the name of a block file.
func blockIndex(name string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, blockSuffix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil
}

func describe(path string) (blockFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return blockFile{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return blockFile{}, err
	}
	tail := make([]byte, min(blockSum, st.Size()))
	if _, err := f.ReadAt(tail, st.Size()-int64(len(tail))); err != nil {
		return blockFile{}, err
	}
	return blockFile{Name: filepath.Base(path), Size: st.Size(), Tail: hex.EncodeToString(tail)}, nil
}

// blockFault says what is wrong at a place of a block.
type blockFault struct {
	at   int64
	what string
	torn bool // what a write looks like that a crash interrupted
}

// ending is how the process before this one ended, and with that what may be
// found in the blocks that is no damage.
type ending uint8

const (
	closed         ending = iota // in order: everything is whole
	crashed                      // the last record may be cut short
	crashedReplica               // so may be what was not synced; it is in the Raft log
)

// check reads all blocks. last is the highest sequence found in them. After a
// crash, a record that was cut short is no damage at the end of the last block,
// where the server was writing; it cuts it off.
func (s blockStore) check(how ending) (last uint64, damage []string, err error) {
	for i, f := range s.files {
		seq, fault, err := s.checkBlock(f.Name)
		if err != nil {
			return last, damage, err
		}
		last = max(last, seq)
		writing := how == crashed && i == len(s.files)-1 || how == crashedReplica
		if fault != nil && !(fault.torn && writing) {
			damage = append(damage, fmt.Sprintf("%s, block %s, byte %d: %s", s.name, f.Name, fault.at, fault.what))
		}
	}
	return last, damage, nil
}

func (s blockStore) checkBlock(name string) (last uint64, fault *blockFault, err error) {
	f, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	index, _ := blockIndex(name)
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", s.name, index))
	sum, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return 0, nil, err
	}
	b := blockReader{in: bufio.NewReaderSize(f, 64<<10), sum: sum}
	for {
		seq, err := b.record()
		switch {
		case errors.Is(err, io.EOF):
			return last, nil, nil
		case errors.As(err, &fault):
			if fault.torn {
				fault.torn, err = reallyTorn(f, fault.at, sum)
				return last, fault, err
			}
			return last, fault, nil
		case err != nil:
			return last, nil, err
		}
		last = max(last, seq)
	}
}

// Error returns what is wrong.
func (f *blockFault) Error() string { return f.what }

// blockReader reads the records of a block.
type blockReader struct {
	in  *bufio.Reader
	sum hash.Hash
	at  int64 // where the next record begins
}

// record reads one record and returns its sequence. The error is io.EOF at the
// end of the block, and a *blockFault for a record that is not whole.
func (b *blockReader) record() (seq uint64, err error) {
	var head [blockHeader]byte
	if n, err := io.ReadFull(b.in, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = &blockFault{b.at, fmt.Sprintf("%d bytes are not a record", n), true}
		}
		return 0, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	subject := int64(binary.LittleEndian.Uint16(head[20:]))
	body := int64(length&^blockHeaders) - blockHeader - blockSum // subject, headers, data
	if length&^blockHeaders > blockLongest || body < subject {
		torn, err := b.onlyZeros(head[:])
		if err != nil {
			return 0, err
		}
		return 0, &blockFault{b.at, "the length of a record is impossible", torn}
	}
	b.sum.Reset()
	b.sum.Write(head[4:20])
	if err := b.body(body, subject, length&blockHeaders != 0); err != nil {
		return 0, err
	}
	b.at += blockHeader + body + blockSum
	return binary.LittleEndian.Uint64(head[4:]) & blockSequences, nil
}

// body reads the rest of a record and compares its checksum.
func (b *blockReader) body(size, subject int64, headers bool) error {
	if _, err := io.CopyN(b.sum, b.in, subject); err != nil {
		return b.cutShort(err)
	}
	size -= subject
	if headers {
		if size < 4 {
			return &blockFault{b.at, "the length of headers is impossible", false}
		}
		if _, err := b.in.Discard(4); err != nil {
			return b.cutShort(err)
		}
		size -= 4
	}
	if _, err := io.CopyN(b.sum, b.in, size); err != nil {
		return b.cutShort(err)
	}
	var want [blockSum]byte
	if _, err := io.ReadFull(b.in, want[:]); err != nil {
		return b.cutShort(err)
	}
	if bytes.Equal(b.sum.Sum(nil), want[:]) {
		return nil
	}
	// A file system may have made the file longer without the data.
	torn, err := b.onlyZeros(want[:])
	if err != nil {
		return err
	}
	return &blockFault{b.at, "the checksum of a record does not match", torn}
}

// reallyTorn tells a record that a crash cut short from a whole one whose length
// was damaged, which would hide itself and all that follows: the latter has its
// checksum somewhere before the end of the file.
func reallyTorn(f *os.File, at int64, sum hash.Hash) (bool, error) {
	rest, err := io.ReadAll(io.NewSectionReader(f, at, blockLongest))
	if err != nil {
		return false, err
	}
	if len(rest) < blockHeader {
		return true, nil
	}
	subject := blockHeader + int(binary.LittleEndian.Uint16(rest[20:]))
	for _, from := range []int{subject, subject + 4} { // without headers and with
		if from > len(rest) {
			continue
		}
		sum.Reset()
		sum.Write(rest[4:20])
		sum.Write(rest[blockHeader:subject])
		for end := from; end+blockSum <= len(rest); end++ {
			if bytes.Equal(sum.Sum(nil), rest[end:end+blockSum]) {
				return false, nil
			}
			sum.Write(rest[end : end+1])
		}
	}
	return true, nil
}

// cutShort turns the end of the file inside a record into a fault.
func (b *blockReader) cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &blockFault{b.at, "a record is cut short", true}
	}
	return err
}

// onlyZeros tells whether what was read last and all that follows is zero.
func (b *blockReader) onlyZeros(read []byte) (bool, error) {
	for {
		for _, c := range read {
			if c != 0 {
				return false, nil
			}
		}
		c, err := b.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		read = append(read[:0], c)
	}
}

// Checks an exported ledger, or a segment of one, with Go's x/mod: ledger_check DIR VKEY_FILE OLDER_CHECKPOINT.
//
// Of a segment, the leaves before it are taken from its tiles; the root that was signed says whether they are right.
//
// The library does the signatures, the hashes and the proofs. Its tile *reader* is not used: in releases before v0.40.0 it
// accepts forged tiles. Tiles are compared with what the library computes from the entries instead.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type head struct {
	origin string
	tree   tlog.Tree
}

var hashes []tlog.Hash // the stored hashes of the whole log, as tlog numbers them

func stored(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(hashes)) {
			return nil, fmt.Errorf("no stored hash %d", index)
		}
		found[i] = hashes[index]
	}
	return found, nil
}

func must(err error, what string) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		os.Exit(1)
	}
}

func require(holds bool, what string) {
	if !holds {
		must(fmt.Errorf("does not match"), what)
	}
}

var members = map[string][]byte{} // what is in the tar files of a segment, by path

func read(path string) []byte {
	if content, ok := members[path]; ok {
		return content
	}
	content, err := os.ReadFile(path)
	must(err, path)
	return content
}

// unpack remembers the members of a tar file as if they were files in dir.
func unpack(dir, name string) {
	archive := tar.NewReader(bytes.NewReader(read(filepath.Join(dir, name))))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return
		}
		must(err, name)
		content, err := io.ReadAll(archive)
		must(err, name)
		members[filepath.Join(dir, header.Name)] = content
	}
}

// gunzip unpacks the entries of a segment.
func gunzip(path string) []byte {
	unpacked, err := gzip.NewReader(bytes.NewReader(read(path)))
	must(err, path)
	content, err := io.ReadAll(unpacked)
	must(err, path)
	return content
}

func openCheckpoint(text []byte, verifier note.Verifier, what string) head {
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "signature of "+what)
	lines := strings.Split(opened.Text, "\n")
	require(len(lines) == 4, what)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, what)
	root, err := tlog.ParseHash(lines[2])
	must(err, what)
	return head{lines[0], tlog.Tree{N: size, Hash: root}}
}

// tilePath is the path of C2SP tlog-tiles, which has no height element.
func tilePath(level string, n int64, width int) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + path
}

// checkTiles compares all tiles with the tree, and the bundles from the one of entry `from` on with the entries.
func checkTiles(dir string, from int64, entries [][]byte) {
	size := from + int64(len(entries))
	for level, count := 0, size; count > 0; level, count = level+1, count/256 {
		for n := int64(0); n*256 < count; n++ {
			width := 256
			if count-n*256 < 256 {
				width = int(count - n*256)
			}
			data, err := tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: n, W: width}, tlog.HashReaderFunc(stored))
			must(err, "tile data")
			path := tilePath(strconv.Itoa(level), n, width)
			require(bytes.Equal(data, read(filepath.Join(dir, path))), path)
			if level == 0 && n*256+int64(width) > from {
				path := tilePath("entries", n, width)
				bundle := read(filepath.Join(dir, path))
				for seq := n * 256; seq < n*256+int64(width); seq++ {
					require(len(bundle) >= 2, path)
					length := int(binary.BigEndian.Uint16(bundle))
					require(len(bundle) >= 2+length, path)
					entry := bundle[2 : 2+length]
					if seq >= from {
						require(bytes.Equal(entry, entries[seq-from]), path)
					}
					leaf, err := tlog.HashReaderFunc(stored).ReadHashes([]int64{tlog.StoredHashIndex(0, seq)})
					must(err, path)
					require(leaf[0] == tlog.RecordHash(entry), path)
					bundle = bundle[2+length:]
				}
				require(len(bundle) == 0, path)
			}
		}
	}
}

func checkReceipts(dir string, verifier note.Verifier, newest head) int {
	proofs, err := filepath.Glob(filepath.Join(dir, "receipts", "*.tlog-proof"))
	must(err, "receipts")
	for path := range members {
		if strings.HasSuffix(path, ".tlog-proof") {
			proofs = append(proofs, path)
		}
	}
	for _, path := range proofs {
		request := strings.TrimSuffix(filepath.Base(path), ".tlog-proof")
		what := "receipt " + request
		text := string(read(path))
		split := strings.Index(text, "\n\n")
		require(split > 0, what)
		lines := strings.Split(text[:split], "\n")
		require(len(lines) >= 2 && lines[0] == "c2sp.org/tlog-proof@v1" && strings.HasPrefix(lines[1], "index "), what)
		index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
		must(err, what)
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			hash, err := base64.StdEncoding.DecodeString(line)
			must(err, what)
			require(len(hash) == 32, what)
			proof = append(proof, *(*tlog.Hash)(hash))
		}
		signed := openCheckpoint([]byte(text[split+2:]), verifier, what)
		require(signed == newest, what)
		entry := read(filepath.Join(dir, "receipts", request+".json"))
		must(tlog.CheckRecord(proof, signed.tree.N, signed.tree.Hash, index, tlog.RecordHash(entry)), what)
	}
	return len(proofs)
}

// checkStart checks what the segments before left behind.
func checkStart(dir string, verifier note.Verifier, newest head, from int64) {
	prev := openCheckpoint(read(filepath.Join(dir, "checkpoint.prev")), verifier, "checkpoint.prev")
	require(prev.tree.N == from, "checkpoint.prev")

	body := string(read(filepath.Join(dir, "consistency.add-checkpoint")))
	split := strings.Index(body, "\n\n")
	require(split > 0 && body[split+2:] == string(read(filepath.Join(dir, "checkpoint"))), "consistency")
	lines := strings.Split(body[:split], "\n")
	require(lines[0] == fmt.Sprintf("old %d", from), "consistency")
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		must(err, "consistency")
		proof = append(proof, hash)
	}
	must(tlog.CheckTree(proof, newest.tree.N, newest.tree.Hash, prev.tree.N, prev.tree.Hash), "consistency")

	size, edge, _ := strings.Cut(strings.TrimSpace(string(read(filepath.Join(dir, "frontier")))), ":")
	require(size == strconv.FormatInt(from, 10), "frontier")
	found, err := base64.StdEncoding.DecodeString(edge)
	must(err, "frontier")
	var wanted []byte
	for level, begin := 62, int64(0); level >= 0; level-- {
		if from&(1<<level) != 0 {
			hash, err := stored([]int64{tlog.StoredHashIndex(level, begin>>level)})
			must(err, "frontier")
			wanted = append(wanted, hash[0][:]...)
			begin += 1 << level
		}
	}
	require(bytes.Equal(found, wanted), "frontier")
}

func main() {
	dir := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(os.Args[2]))))
	must(err, "verifier key")
	newest := openCheckpoint(read(filepath.Join(dir, "checkpoint")), verifier, "checkpoint")
	require(newest.origin == verifier.Name(), "origin")

	var from int64
	var lines []byte
	packed, err := filepath.Glob(filepath.Join(dir, "entries-*.jsonl.gz"))
	must(err, "entries")
	if len(packed) == 1 {
		unpack(dir, "tiles.tar")
		unpack(dir, "receipts.tar")
		_, err := fmt.Sscanf(filepath.Base(packed[0]), "entries-%d-", &from)
		must(err, packed[0])
		lines = gunzip(packed[0])
	} else {
		lines = read(filepath.Join(dir, "entries.jsonl"))
	}
	entries := bytes.Split(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n"))
	require(from+int64(len(entries)) == newest.tree.N, "size")
	for n := int64(0); n < newest.tree.N; n++ {
		var leaf tlog.Hash
		if n >= from {
			leaf = tlog.RecordHash(entries[n-from])
		} else {
			width := int64(256)
			if first := n / 256 * 256; newest.tree.N-first < width {
				width = newest.tree.N - first
			}
			leaf = *(*tlog.Hash)(read(filepath.Join(dir, tilePath("0", n/256, int(width))))[n%256*32:])
		}
		more, err := tlog.StoredHashesForRecordHash(n, leaf, tlog.HashReaderFunc(stored))
		must(err, "stored hashes")
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(newest.tree.N, tlog.HashReaderFunc(stored))
	must(err, "root hash")
	require(root == newest.tree.Hash, "root hash")
	if from > 0 {
		checkStart(dir, verifier, newest, from)
	}

	older := openCheckpoint(read(os.Args[3]), verifier, "older checkpoint")
	proof, err := tlog.ProveTree(newest.tree.N, older.tree.N, tlog.HashReaderFunc(stored))
	must(err, "consistency with the older checkpoint")
	must(tlog.CheckTree(proof, newest.tree.N, newest.tree.Hash, older.tree.N, older.tree.Hash), "consistency with the older checkpoint")

	checkTiles(dir, from, entries)
	fmt.Printf("%d entries, %d receipts\n", len(entries), checkReceipts(dir, verifier, newest))
}

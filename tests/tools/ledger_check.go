// Checks an exported ledger with Go's x/mod: ledger_check DIR VKEY_FILE OLDER_CHECKPOINT.
//
// The library does the signatures, the hashes and the proofs. Its tile *reader* is not used: in releases before v0.40.0 it
// accepts forged tiles. Tiles are compared with what the library computes from the entries instead.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
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

func read(path string) []byte {
	content, err := os.ReadFile(path)
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

func checkTiles(dir string, entries [][]byte) {
	for level, count := 0, int64(len(entries)); count > 0; level, count = level+1, count/256 {
		for n := int64(0); n*256 < count; n++ {
			width := 256
			if count-n*256 < 256 {
				width = int(count - n*256)
			}
			data, err := tlog.ReadTileData(tlog.Tile{H: 8, L: level, N: n, W: width}, tlog.HashReaderFunc(stored))
			must(err, "tile data")
			path := tilePath(strconv.Itoa(level), n, width)
			require(bytes.Equal(data, read(filepath.Join(dir, path))), path)
			if level == 0 {
				var bundle []byte
				for _, entry := range entries[n*256 : n*256+int64(width)] {
					bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
					bundle = append(bundle, entry...)
				}
				path := tilePath("entries", n, width)
				require(bytes.Equal(bundle, read(filepath.Join(dir, path))), path)
			}
		}
	}
}

func checkReceipts(dir string, verifier note.Verifier, newest head) int {
	proofs, err := filepath.Glob(filepath.Join(dir, "receipts", "*.tlog-proof"))
	must(err, "receipts")
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

func main() {
	dir := os.Args[1]
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(os.Args[2]))))
	must(err, "verifier key")
	newest := openCheckpoint(read(filepath.Join(dir, "checkpoint")), verifier, "checkpoint")
	require(newest.origin == verifier.Name(), "origin")

	entries := bytes.Split(bytes.TrimSuffix(read(filepath.Join(dir, "entries.jsonl")), []byte("\n")), []byte("\n"))
	for n, entry := range entries {
		more, err := tlog.StoredHashes(int64(n), entry, tlog.HashReaderFunc(stored))
		must(err, "stored hashes")
		hashes = append(hashes, more...)
	}
	require(int64(len(entries)) == newest.tree.N, "size")
	root, err := tlog.TreeHash(newest.tree.N, tlog.HashReaderFunc(stored))
	must(err, "root hash")
	require(root == newest.tree.Hash, "root hash")

	older := openCheckpoint(read(os.Args[3]), verifier, "older checkpoint")
	proof, err := tlog.ProveTree(newest.tree.N, older.tree.N, tlog.HashReaderFunc(stored))
	must(err, "consistency with the older checkpoint")
	must(tlog.CheckTree(proof, newest.tree.N, newest.tree.Hash, older.tree.N, older.tree.Hash), "consistency with the older checkpoint")

	checkTiles(dir, entries)
	fmt.Printf("%d entries, %d receipts\n", len(entries), checkReceipts(dir, verifier, newest))
}

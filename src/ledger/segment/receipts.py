import base64, glob, gzip, hashlib, json, sys, tarfile
sys.excepthook = lambda kind, error, _: print("FAILED:", kind.__name__ + ":", error, file=sys.stderr)  # nothing can be said: that is no OK
leaf = lambda line: hashlib.sha256(b"\0" + line).digest()
node = lambda left, right: hashlib.sha256(b"\1" + left + right).digest()

def root(tree, index, size, path):  # of a tree of this size; the path's last hash is the topmost
    if size == 1:
        return tree
    left = 1 << (size - 1).bit_length() - 1  # leaves on the left: the largest power of two below the size
    beside = path.pop()
    if index < left:
        return node(root(tree, index, left, path), beside)
    return node(beside, root(tree, index - left, size - left, path))

checkpoint = open("checkpoint", encoding="utf-8").read()
size, signed = int(checkpoint.split("\n")[1]), base64.b64decode(checkpoint.split("\n")[2])
files = tarfile.open("receipts.tar")
members = {member.name: member for member in files}
names = [name[len("receipts/"):-len(".json")] for name in files.getnames() if name.endswith(".json")]
for request in sys.argv[1:] or names:
    read = lambda kind: files.extractfile(members["receipts/" + request + kind]).read()
    entry = read(".json")
    proof, under = read(".tlog-proof").decode().split("\n\n", 1)
    form, index, *path = proof.split("\n")
    index, path = int(index.split(" ")[1]), [base64.b64decode(line) for line in path]
    proven = form == "c2sp.org/tlog-proof@v1" and index < size and root(leaf(entry), index, size, path) == signed and not path
    if not proven or under != checkpoint or json.loads(entry)["corr"] != request:
        sys.exit("FAILED: " + request + " is not proven by its receipt")
    if json.loads(entry)["type"] != "decision.recorded":
        sys.exit("FAILED: what the receipt of " + request + " proves is no decision")
    if sys.argv[1:]:
        print("OK:", request, "is entry", index, "with the leaf hash", leaf(entry).hex())

if not sys.argv[1:]:  # each decision that stands has its receipt, and nothing else has one
    standing = set()
    [entries] = glob.glob("entries-*.jsonl.gz")
    for entry in map(json.loads, gzip.open(entries, "rb")):
        if entry["type"] == "decision.recorded":
            standing.add(entry["corr"])
        if entry["type"] == "decision.voided":
            standing.discard(entry["corr"])
    if sorted(names) != sorted(standing):
        sys.exit("FAILED: receipts.tar does not have one receipt for each decision in " + entries)
    print("OK:", len(names), "decisions have their receipt, all there are")

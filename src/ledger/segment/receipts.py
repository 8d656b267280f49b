import base64, hashlib, json, sys, tarfile
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
names = [name[len("receipts/"):-len(".json")] for name in files.getnames() if name.endswith(".json")]
for request in sys.argv[1:] or names:
    read = lambda kind: files.extractfile("receipts/" + request + kind).read()
    entry = read(".json")
    proof, under = read(".tlog-proof").decode().split("\n\n", 1)
    _, index, *path = proof.split("\n")
    index, path = int(index.split(" ")[1]), [base64.b64decode(line) for line in path]
    proven = index < size and root(leaf(entry), index, size, path) == signed and not path
    if not proven or under != checkpoint or json.loads(entry)["corr"] != request:
        sys.exit("FAILED: " + request + " is not proven by its receipt")
    print("OK:", request, "is entry", index, "with the leaf hash", leaf(entry).hex())

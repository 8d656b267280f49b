import base64, functools, glob, gzip, hashlib, sys
sys.excepthook = lambda kind, error, _: print("FAILED:", kind.__name__ + ":", error, file=sys.stderr)  # nothing can be said: that is no OK
leaf = lambda line: hashlib.sha256(b"\0" + line).digest()
node = lambda left, right: hashlib.sha256(b"\1" + left + right).digest()
root = lambda trees: functools.reduce(lambda right, left: node(left, right), reversed(trees))

def signed(checkpoint):  # how many entries it signs, and the root of their tree
    lines = open(checkpoint, encoding="utf-8").read().split("\n")
    return int(lines[1]), base64.b64decode(lines[2])

# The tree where this segment begins: the roots of its perfect subtrees, the largest first.
size, hashes = open("frontier").read().split(":")
size, hashes = int(size), base64.b64decode(hashes)
trees = [hashes[at:at + 32] for at in range(0, len(hashes), 32)]
if len(trees) != bin(size).count("1") or size > 0 and (size, root(trees)) != signed("checkpoint.prev"):
    sys.exit("FAILED: this does not begin where checkpoint.prev ends")

[entries] = glob.glob("entries-*.jsonl.gz")
for line in gzip.open(entries, "rb"):
    if not line.endswith(b"\n"):
        sys.exit("FAILED: the last line of the entries has no end")
    tree, bits = leaf(line[:-1]), size
    while bits & 1:  # two perfect subtrees of one size become one
        tree, bits = node(trees.pop(), tree), bits >> 1
    trees.append(tree)
    size += 1
if (size, root(trees)) != signed("checkpoint"):
    sys.exit("FAILED: these are not the entries that checkpoint signs")
print("OK:", size, "entries have the root", base64.b64encode(root(trees)).decode())

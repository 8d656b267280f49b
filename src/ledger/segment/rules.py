import csv, glob, gzip, hashlib, json, sys
sys.excepthook = lambda kind, error, _: print("FAILED:", kind.__name__ + ":", error, file=sys.stderr)  # nothing can be said: that is no OK
who = lambda account: str(account["id"] if isinstance(account, dict) else account)

def met(part):  # a requirement: so many persons, or one or all of several such
    if "any_of" in part:
        return any(map(met, part["any_of"]))
    if "all_of" in part:
        return all(map(met, part["all_of"]))
    return part["have"] >= part["need"] > 0

def must(holds, why):
    if not holds:
        sys.exit("FAILED: entry " + str(entry["seq"]) + ": " + why)

parties, approved, standing, rows, commits = {}, {}, {}, {}, {}
told = 0
[entries] = glob.glob("entries-*.jsonl.gz")
for line in gzip.open(entries, "rb"):
    entry = json.loads(line)
    kind, request = entry["type"], entry.get("corr")
    if kind in ("request.opened", "request.rejudged"):
        parties[request], commits[request] = set(map(who, entry["parties"])), entry["head_sha"]
        people = entry.get("people", [])  # where there was no room, there is only their digest
        for human in people if isinstance(people, list) else []:  # whoever has a part under one account has it under all of theirs
            accounts = set(map(who, human["accounts"]))
            parties[request] |= accounts if accounts & parties[request] else set()
    if kind == "request.opened":
        approved[request] = set()
    if kind == "review.recorded" and entry["verdict"] == "approve" and request in approved:
        approved[request].add(who(entry["reviewer"]))
    if kind == "review.struck" and request in approved:
        approved[request].discard(who(entry["reviewer"]))
    if kind == "decision.recorded":
        approvers = list(map(who, entry.get("approvers", [])))
        standing[request], leaf = entry, hashlib.sha256(b"\0" + line[:-1]).hexdigest()
        rows[str(entry["seq"])] = [leaf, request, entry["outcome"], "; ".join(approvers), commits.get(request, "")]
        if request in parties:
            must(not parties[request] & set(approvers), "somebody who had a part in it approved it")
        if request in approved:
            must(approved[request] >= set(approvers), "somebody approved it who has not spoken")
        if entry["outcome"] == "approved":
            must(approvers and all(map(met, entry["quorum"])), "it is approved, and what was asked for is not met")
    if kind == "decision.voided" and request in standing:
        del rows[str(standing.pop(request)["seq"])]
    if kind == "callback.sent" and (request in standing or request in approved):
        must(request in standing, "GitHub was told before it was decided")
        releases = standing[request]["outcome"] in ("approved", "not_required")
        must(releases == (entry["state"] == "approved"), "GitHub was told something else than what was decided")
        told += 1

columns = ["leaf_hash", "request", "outcome", "approvers", "commit"]
with open("decisions.csv", encoding="utf-8", newline="") as table:
    found = {row["seq"]: [row[column] for column in columns] for row in csv.DictReader(table)}
for seq in sorted(set(rows) | set(found), key=int):
    if rows.get(seq) != found.get(seq):
        sys.exit("FAILED: decisions.csv does not tell entry " + seq + " as it is")
print("OK:", len(rows), "decisions stand, as decisions.csv tells them, by nobody with a part in what they approved;", told, "were told to GitHub")

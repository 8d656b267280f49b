-- The policy by which those who vouch for the kept checkpoint are a quorum, for whoever verifies it; '' is none.
ALTER TABLE ledger_anchors ADD COLUMN policy TEXT NOT NULL DEFAULT '';

-- What a batch carries beside its checkpoint: fixed when it is planned, so that whoever takes over makes the same files.
ALTER TABLE publications ADD COLUMN witness_policy TEXT NOT NULL DEFAULT '';
ALTER TABLE publications ADD COLUMN tsr TEXT NOT NULL DEFAULT ''; -- RFC 3161 response over the checkpoint, in base64

-- How far each log's checkpoints have come in the branch they are committed to: one row a log, leased by whoever commits.
CREATE TABLE checkpoint_branches (
    tenant       BIGINT NOT NULL PRIMARY KEY REFERENCES ledger_heads (tenant),
    size         BIGINT NOT NULL DEFAULT 0, -- of the checkpoint that is there
    not_before   BIGINT NOT NULL DEFAULT 0,
    lease        TEXT   NOT NULL DEFAULT '',
    leased_until BIGINT NOT NULL DEFAULT 0,
    attempts     BIGINT NOT NULL DEFAULT 0, -- since it last went well
    last_error   TEXT   NOT NULL DEFAULT ''
);

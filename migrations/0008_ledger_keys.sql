-- Every key a log has or had. Which of them must sign now is in the log's head.
CREATE TABLE ledger_keys (
    tenant        BIGINT NOT NULL REFERENCES ledger_heads (tenant),
    vkey          TEXT   NOT NULL,
    added_seq     BIGINT NOT NULL, -- the entry that made it one: ledger.genesis or key.added
    activated_seq BIGINT NOT NULL, -- the entry that made it the log's own; -1: not yet, or never
    revoked_seq   BIGINT NOT NULL, -- key.revoked; -1: in force
    valid_to_size BIGINT NOT NULL, -- the largest tree its signature counts for; -1: no end
    PRIMARY KEY (tenant, vkey)
);
INSERT INTO ledger_keys (tenant, vkey, added_seq, activated_seq, revoked_seq, valid_to_size)
    SELECT tenant, vkey, 0, 0, -1, -1 FROM ledger_heads;

-- The announced key that must sign beside the log's own; '' is none.
ALTER TABLE ledger_heads ADD COLUMN next_vkey TEXT NOT NULL DEFAULT '';

-- The roots of the full tiles of each log's tree: what the tiles above them are made of.
CREATE TABLE ledger_tiles (
    tenant BIGINT   NOT NULL REFERENCES ledger_heads (tenant),
    level  SMALLINT NOT NULL, -- of the tile whose root it is
    idx    BIGINT   NOT NULL,
    root   TEXT     NOT NULL,
    PRIMARY KEY (tenant, level, idx)
);

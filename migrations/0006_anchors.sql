-- Roots of the finished 256-entry subtrees of each log, made when a proof first needs them: a proof must not read a whole log.
CREATE TABLE ledger_subtrees (
    tenant BIGINT NOT NULL REFERENCES ledger_heads (tenant),
    tile   BIGINT NOT NULL, -- of entries 256 * tile to 256 * tile + 255
    hash   TEXT   NOT NULL,
    PRIMARY KEY (tenant, tile)
);
-- What others vouch for: one row a log, leased by whoever asks them.
CREATE TABLE ledger_anchors (
    tenant       BIGINT   NOT NULL PRIMARY KEY REFERENCES ledger_heads (tenant),
    done_size    BIGINT   NOT NULL DEFAULT 0,  -- everybody has vouched for so many entries
    not_before   BIGINT   NOT NULL DEFAULT 0,
    lease        TEXT     NOT NULL DEFAULT '',
    leased_until BIGINT   NOT NULL DEFAULT 0,
    attempts     BIGINT   NOT NULL DEFAULT 0,  -- since all went well
    witnesses    TEXT     NOT NULL DEFAULT '{}', -- how many entries each has vouched for, by its key
    alarm        TEXT     NOT NULL DEFAULT '', -- what one of them holds against the log
    size         BIGINT   NOT NULL DEFAULT 0,  -- of the checkpoint that is kept; 0: none
    note         TEXT     NOT NULL DEFAULT '', -- that checkpoint, with the cosignatures below it
    has_quorum   SMALLINT NOT NULL DEFAULT 0,
    tsr          TEXT     NOT NULL DEFAULT '', -- RFC 3161 response over exactly that note, in base64
    anchored_at  BIGINT   NOT NULL DEFAULT 0
);

-- Pieces of a log that are published as releases, one row a batch. What is published is fixed here before anything is
-- created on GitHub, so that whoever takes over makes the same files. A log has one unfinished batch at most.
CREATE TABLE publications (
    repository   TEXT     NOT NULL, -- owner/name, lower-case
    number       BIGINT   NOT NULL, -- of the tag; never used twice in a repository
    tenant       BIGINT   NOT NULL REFERENCES ledger_heads (tenant),
    tag          TEXT     NOT NULL,
    from_size    BIGINT   NOT NULL,
    to_size      BIGINT   NOT NULL,
    checkpoint   TEXT     NOT NULL, -- signed, over exactly `to_size` entries
    state        TEXT     NOT NULL, -- planned, publishing, published, given_up
    release_id   BIGINT   NOT NULL DEFAULT 0, -- 0 until it is known
    told         SMALLINT NOT NULL DEFAULT 0, -- the log says that it fails
    not_before   BIGINT   NOT NULL DEFAULT 0,
    lease        TEXT     NOT NULL,
    leased_until BIGINT   NOT NULL,
    attempts     BIGINT   NOT NULL DEFAULT 0,
    last_error   TEXT     NOT NULL DEFAULT '',
    planned_at   BIGINT   NOT NULL,
    ended_at     BIGINT   NOT NULL DEFAULT 0, -- 0 while unfinished
    PRIMARY KEY (repository, number)
);
CREATE UNIQUE INDEX publications_unfinished ON publications (tenant) WHERE state IN ('planned', 'publishing');
CREATE INDEX publications_published ON publications (tenant, to_size) WHERE state = 'published';

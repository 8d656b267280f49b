-- One text for SQLite and PostgreSQL: TEXT, BIGINT and SMALLINT only. Times are milliseconds since 1970 UTC, ids of GitHub
-- are the numbers GitHub gave, digests are hexadecimal, JSON is text. A lease of '' is nobody's.

-- Webhooks, as they came. On disk before they are acknowledged (P4).
CREATE TABLE deliveries (
    id              TEXT     NOT NULL PRIMARY KEY, -- X-GitHub-Delivery
    event           TEXT     NOT NULL,             -- X-GitHub-Event
    installation_id BIGINT   NOT NULL,
    payload         TEXT     NOT NULL,             -- '' once it is done
    state           TEXT     NOT NULL DEFAULT 'queued', -- queued, done, failed
    not_before      BIGINT   NOT NULL DEFAULT 0,
    lease           TEXT     NOT NULL,
    leased_until    BIGINT   NOT NULL,
    attempts        BIGINT   NOT NULL DEFAULT 0,
    redeliveries    BIGINT   NOT NULL DEFAULT 0,
    last_error      TEXT     NOT NULL DEFAULT '',
    received_at     BIGINT   NOT NULL,
    ended_at        BIGINT   NOT NULL DEFAULT 0 -- 0 while queued
);
CREATE INDEX deliveries_queued ON deliveries (received_at) WHERE state = 'queued';
CREATE INDEX deliveries_ended ON deliveries (state, ended_at) WHERE state <> 'queued';

-- What is held. Never changes once it is written (P3).
CREATE TABLE requests (
    id        TEXT   NOT NULL PRIMARY KEY,
    tenant    BIGINT NOT NULL,
    digest    TEXT   NOT NULL,
    body      TEXT   NOT NULL -- domain::request::Case
);

-- How far a request has come: all of it that changes, and the row that is locked while somebody decides.
CREATE TABLE request_lives (
    request_id TEXT   NOT NULL PRIMARY KEY REFERENCES requests (id),
    run_key    TEXT   NOT NULL,
    state      TEXT   NOT NULL, -- pending, decided
    due_at     BIGINT NOT NULL, -- when it expires; 0: never
    entries    BIGINT NOT NULL, -- how many ledger entries it has
    life       TEXT   NOT NULL  -- domain::request::Life
);
CREATE INDEX request_lives_run ON request_lives (run_key);
CREATE INDEX request_lives_due ON request_lives (due_at) WHERE state = 'pending' AND due_at > 0;

-- What must go out. A row says what to bring about, not what to send; there is one a request and kind.
CREATE TABLE effects (
    request_id      TEXT     NOT NULL REFERENCES requests (id),
    kind            TEXT     NOT NULL,
    urgency         SMALLINT NOT NULL,
    installation_id BIGINT   NOT NULL,
    generation      BIGINT   NOT NULL DEFAULT 1, -- grows whenever it is owed anew, also while it is being performed
    state           TEXT     NOT NULL DEFAULT 'queued', -- queued, done, failed
    not_before      BIGINT   NOT NULL DEFAULT 0,
    lease           TEXT     NOT NULL,
    leased_until    BIGINT   NOT NULL,
    attempts        BIGINT   NOT NULL DEFAULT 0,
    last_error      TEXT     NOT NULL DEFAULT '',
    created_at      BIGINT   NOT NULL,
    ended_at        BIGINT   NOT NULL DEFAULT 0, -- 0 while queued
    PRIMARY KEY (request_id, kind)
);
CREATE INDEX effects_queued ON effects (urgency, created_at) WHERE state = 'queued';
CREATE INDEX effects_ended ON effects (state, ended_at) WHERE state <> 'queued';

-- One log a tenant, and where it stands. The row is the sequencer: whoever has its lock appends.
CREATE TABLE ledger_heads (
    tenant     BIGINT NOT NULL PRIMARY KEY, -- account id
    login      TEXT   NOT NULL,
    origin     TEXT   NOT NULL UNIQUE,
    vkey       TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    prev       TEXT   NOT NULL, -- leaf hash of the newest entry
    frontier   TEXT   NOT NULL,
    checkpoint TEXT   NOT NULL  -- signed, over exactly `size` entries
);
CREATE TABLE ledger_entries (
    tenant     BIGINT NOT NULL REFERENCES ledger_heads (tenant),
    seq        BIGINT NOT NULL,
    request_id TEXT   NOT NULL, -- '' for entries about the log itself
    type       TEXT   NOT NULL,
    line       TEXT   NOT NULL, -- the exact bytes that are hashed
    PRIMARY KEY (tenant, seq)
);
CREATE INDEX ledger_entries_decision ON ledger_entries (request_id, seq) WHERE type = 'decision.recorded';

-- Repositories that were seen, newest first, to look for webhooks that never came.
CREATE TABLE repositories (
    id              BIGINT NOT NULL PRIMARY KEY,
    tenant          BIGINT NOT NULL,
    login           TEXT   NOT NULL, -- of the tenant
    installation_id BIGINT NOT NULL,
    owner           TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    seen_at         BIGINT NOT NULL
);

-- What was released where, and by us: only that counts as a good deployment to compare with.
CREATE TABLE releases (
    repository_id BIGINT NOT NULL,
    environment   TEXT   NOT NULL, -- lower-case: GitHub tells environments apart without regard to case
    sha           TEXT   NOT NULL,
    released_at   BIGINT NOT NULL,
    PRIMARY KEY (repository_id, environment, sha)
);

-- The last good policy file of a repository.
CREATE TABLE policies (
    repository_id BIGINT NOT NULL PRIMARY KEY,
    commit_sha    TEXT   NOT NULL,
    blob_sha      TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    read_at       BIGINT NOT NULL
);

-- Written by the readiness check, to know that the database can be written.
CREATE TABLE pulse (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);

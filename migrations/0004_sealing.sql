-- People in a log are subjects, and what is told of them is sealed (ledger::sealing). What ties a subject to an account, and
-- what opens a sealed value, is kept here, beside the log and never in it: to erase somebody is to delete these.
CREATE TABLE ledger_subjects (
    tenant      BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    subject_key TEXT   NOT NULL, -- 32 random bytes
    sub         TEXT   NOT NULL,
    login       TEXT   NOT NULL, -- when the account was met first
    PRIMARY KEY (tenant, account_id)
);
-- What opens an entry: ledger::sealing::Opening as a JSON list; '' when nothing is sealed, or all of it was erased.
ALTER TABLE ledger_entries ADD COLUMN openings TEXT NOT NULL DEFAULT '';

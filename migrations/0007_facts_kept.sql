-- Since when the facts of a request are kept, to throw them away when they are old; 0: there are none, or nobody wrote it down.
ALTER TABLE requests ADD COLUMN facts_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX requests_facts ON requests (facts_since) WHERE facts_since > 0;

-- The last good policy file of an organization, read from its `.github` repository.
CREATE TABLE organization_policies (
    tenant     BIGINT NOT NULL PRIMARY KEY, -- account id
    commit_sha TEXT   NOT NULL,
    blob_sha   TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    read_at    BIGINT NOT NULL
);

-- What is held against a log by what is on the branch; '' is nothing. Every replica tells of it, whoever found it.
ALTER TABLE checkpoint_branches ADD COLUMN alarm TEXT NOT NULL DEFAULT '';

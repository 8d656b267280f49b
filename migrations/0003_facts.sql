-- What a request was judged by (domain::facts::Facts): to judge it again when the rules change, and to try out other rules.
ALTER TABLE requests ADD COLUMN facts TEXT NOT NULL DEFAULT '';

CREATE TABLE IF NOT EXISTS dtm_kv (
    category text COLLATE "C" NOT NULL,     -- 'topics', or 'schema' for the version of these tables
    name     text COLLATE "C" NOT NULL,
    version  bigint NOT NULL,
    value    text NOT NULL,                 -- JSON
    PRIMARY KEY (category, name)
);

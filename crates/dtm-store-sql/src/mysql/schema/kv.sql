CREATE TABLE IF NOT EXISTS dtm_kv (
    category varbinary(64) NOT NULL,          -- 'topics', or 'schema' for the version of these tables
    name     varbinary(512) NOT NULL,
    version  bigint NOT NULL,
    value    longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (category, name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS dtm_transaction (
    id         bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    gid        varbinary(255) NOT NULL,       -- bytes: no case, accent or trailing space makes two of them equal
    mode       varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    status     varchar(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created    bigint NOT NULL,               -- when the client's request came, as the definition says
    recorded   bigint NOT NULL,               -- when the row was written first
    updated    bigint NOT NULL,               -- when the row was written last
    due        bigint,                        -- when it can be claimed if nobody holds it; null when it is finished
    finished   bigint,                        -- null while it is not
    owner      varbinary(128) NOT NULL,       -- the token that the next write has to name: node:epoch:counter
    held       boolean NOT NULL,              -- whether the owner drives it
    holder     varbinary(96),                 -- node:epoch when it is held, '' when released, null when finished
    registered integer NOT NULL,              -- how many rows of dtm_branch belong to it
    definition longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state      longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    UNIQUE KEY dtm_transaction_gid (gid),
    KEY dtm_transaction_claim (holder, due)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS dtm_branch (
    transaction_id bigint NOT NULL,
    position       integer NOT NULL,          -- 0, 1, ... in the order of registration
    registration   longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (transaction_id, position)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS dtm_node (
    name      varbinary(64) NOT NULL PRIMARY KEY,
    epoch     bigint NOT NULL,                -- counts the starts of the server
    heartbeat bigint                          -- null when it has left
) ENGINE = InnoDB;

-- Times are milliseconds since the Unix epoch, by the clock of the database, except what the documents say.

CREATE TABLE dtm_transaction (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gid        text COLLATE "C" NOT NULL UNIQUE,
    mode       text COLLATE "C" NOT NULL,
    status     text COLLATE "C" NOT NULL,
    created    bigint NOT NULL,             -- when the client's request came, as the definition says
    recorded   bigint NOT NULL,             -- when the row was written first
    updated    bigint NOT NULL,             -- when the row was written last
    due        bigint,                      -- when it can be claimed if nobody holds it; null when it is finished
    finished   bigint,                      -- null while it is not
    owner      text COLLATE "C" NOT NULL,   -- the token that the next write has to name: node:epoch:counter
    held       boolean NOT NULL,            -- whether the owner drives it
    holder     text COLLATE "C",            -- node:epoch when it is held, '' when released, null when finished
    registered integer NOT NULL,            -- how many rows of dtm_branch belong to it
    definition text NOT NULL,               -- JSON, written once
    state      text NOT NULL                -- JSON
);

-- What can be claimed: of nobody by due time, and of each holder.
CREATE INDEX dtm_transaction_claim ON dtm_transaction (holder, due) WHERE holder IS NOT NULL;

CREATE TABLE dtm_branch (
    transaction_id bigint NOT NULL,
    position       integer NOT NULL,        -- 0, 1, ... in the order of registration
    registration   text NOT NULL,           -- JSON
    PRIMARY KEY (transaction_id, position)
);

CREATE TABLE dtm_node (
    name      text COLLATE "C" PRIMARY KEY,
    epoch     bigint NOT NULL,              -- counts the starts of the server
    heartbeat bigint                        -- null when it has left
);

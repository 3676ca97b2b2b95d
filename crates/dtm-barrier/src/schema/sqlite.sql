-- The barrier table in SQLite, beside the tables of the service.
CREATE TABLE IF NOT EXISTS "dtm_barrier" (
    trans_type  text NOT NULL,
    gid         text NOT NULL,
    branch_id   text NOT NULL,
    op          text NOT NULL,
    barrier_id  text NOT NULL,
    reason      text NOT NULL,                                -- the op whose call inserted the row
    create_time text NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (gid, branch_id, op, barrier_id)
) WITHOUT ROWID;

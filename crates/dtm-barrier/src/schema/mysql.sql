-- The barrier table in MySQL and MariaDB. Branches in Rust and with DTM's other SDKs may share it.
CREATE DATABASE IF NOT EXISTS `dtm_barrier` DEFAULT CHARACTER SET utf8mb4;

-- A binary collation: no gid is taken for another one because of a capital letter or an accent.
CREATE TABLE IF NOT EXISTS `dtm_barrier`.`barrier` (
    id          bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    trans_type  varchar(45) NOT NULL DEFAULT '',
    gid         varchar(128) NOT NULL DEFAULT '',
    branch_id   varchar(128) NOT NULL DEFAULT '',
    op          varchar(45) NOT NULL DEFAULT '',
    barrier_id  varchar(45) NOT NULL DEFAULT '',
    reason      varchar(45) NOT NULL DEFAULT '',              -- the op whose call inserted the row
    create_time datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
    update_time datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE KEY uniq_barrier (gid, branch_id, op, barrier_id),
    KEY create_time (create_time)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

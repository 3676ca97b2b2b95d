-- alive_for: how long after a heartbeat it is alive; null: as long as whoever asks. left_at: when it has left.
ALTER TABLE dtm_node ADD COLUMN alive_for bigint, ADD COLUMN left_at bigint;

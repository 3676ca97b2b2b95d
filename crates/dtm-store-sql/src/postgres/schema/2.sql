ALTER TABLE dtm_node ADD COLUMN alive_for bigint;  -- how long after a heartbeat it is alive; null: as long as whoever asks
ALTER TABLE dtm_node ADD COLUMN left_at bigint;    -- when it has left

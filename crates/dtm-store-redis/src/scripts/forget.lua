-- Forgets a holder that holds nothing in this shard any more.
-- KEYS: holders, due of the holder. ARGV: holder.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
return redis.call('SREM', KEYS[1], ARGV[1])

-- Who holds anything in this shard, and what nobody holds and is due, the longest due first.
-- KEYS: holders, due of nobody. ARGV: now, how many.
return {
    redis.call('SMEMBERS', KEYS[1]),
    redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', clock(ARGV[1]), 'WITHSCORES', 'LIMIT', 0, ARGV[2]),
}

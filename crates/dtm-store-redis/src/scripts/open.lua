-- The version and the number of shards of the store; an empty one gets those that are given.
-- KEYS: store. ARGV: version, shards.
redis.call('HSETNX', KEYS[1], 'version', ARGV[1])
redis.call('HSETNX', KEYS[1], 'shards', ARGV[2])
return redis.call('HMGET', KEYS[1], 'version', 'shards')

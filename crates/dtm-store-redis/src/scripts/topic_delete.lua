-- Removes a topic, and says how many that were. KEYS: topics, names. ARGV: name.
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])

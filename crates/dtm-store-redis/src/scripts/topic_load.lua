-- A topic and the time. KEYS: topics. ARGV: now, name.
return { redis.call('HGET', KEYS[1], ARGV[2]), clock(ARGV[1]) }

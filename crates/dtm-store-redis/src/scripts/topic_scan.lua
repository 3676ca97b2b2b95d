-- Topics by name: names and texts. KEYS: topics, names. ARGV: the smallest name as ZRANGEBYLEX wants it, how many.
local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local texts = {}
for index, name in ipairs(names) do texts[index] = redis.call('HGET', KEYS[1], name) end
return { names, texts }

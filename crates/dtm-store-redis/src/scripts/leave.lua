-- Ends a node, unless a later epoch has replaced it. KEYS: nodes. ARGV: name, epoch.
local node = redis.call('HGET', KEYS[1], ARGV[1])
if not node or string.match(node, '^(%d+):') ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])

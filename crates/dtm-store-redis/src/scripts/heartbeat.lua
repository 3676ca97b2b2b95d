-- Renews a heartbeat. 1: done; 0: another epoch has joined, or this one has left or never joined.
-- KEYS: nodes. ARGV: now, name, epoch.
local node = redis.call('HGET', KEYS[1], ARGV[2])
if not node or string.match(node, '^(%d+):') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ':' .. clock(ARGV[1]))
return 1

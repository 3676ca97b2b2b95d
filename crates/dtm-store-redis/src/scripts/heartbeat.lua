-- Renews a heartbeat. 1: done; 0: another epoch has joined, or this one has left or never joined.
-- KEYS: nodes. ARGV: now, name, epoch, node time-out.
local node = redis.call('HGET', KEYS[1], ARGV[2])
if not node or string.match(node, '^(%d+):') ~= ARGV[3] then return 0 end
-- A full Redis refuses scripts that begin with a write of more, and a server that lives must not look dead for that.
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ':' .. clock(ARGV[1]) .. ':' .. ARGV[4])
return 1

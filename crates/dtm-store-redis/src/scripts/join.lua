-- Starts a node and gives its epoch. Epochs are larger than every earlier one of any node, and not smaller than the
-- time: also when this Redis has lost its last writes.
-- KEYS: epoch, nodes. ARGV: now, name, how long the dead are remembered, node time-out.
local now = clock(ARGV[1])
local epoch = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') + 1, tonumber(now))
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], text)
redis.call('HSET', KEYS[2], ARGV[2], text .. ':' .. now .. ':' .. ARGV[4])
local nodes = redis.call('HGETALL', KEYS[2])
for index = 1, #nodes, 2 do
    local heartbeat = tonumber(string.match(nodes[index + 1], '^%d+:(%d+)') or '0')
    if heartbeat < tonumber(now) - tonumber(ARGV[3]) then redis.call('HDEL', KEYS[2], nodes[index]) end
end
return text

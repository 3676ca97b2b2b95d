-- The nodes that are alive, as holders. KEYS: nodes. ARGV: now, node time-out.
local oldest = tonumber(clock(ARGV[1])) - tonumber(ARGV[2])
local nodes = redis.call('HGETALL', KEYS[1])
local alive = {}
for index = 1, #nodes, 2 do
    local epoch, heartbeat = string.match(nodes[index + 1], '^(%d+):(%d+)$')
    if epoch and tonumber(heartbeat) >= oldest then alive[#alive + 1] = nodes[index] .. ':' .. epoch end
end
return alive

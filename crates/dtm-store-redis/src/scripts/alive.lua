-- The nodes that are alive, as holders. Each has said itself for how long; those that have not, as long as the asker.
-- KEYS: nodes. ARGV: now, node time-out.
local now = tonumber(clock(ARGV[1]))
local nodes = redis.call('HGETALL', KEYS[1])
local alive = {}
for index = 1, #nodes, 2 do
    local epoch, heartbeat, own = string.match(nodes[index + 1], '^(%d+):(%d+):?(%d*)$')
    if epoch and tonumber(heartbeat) >= now - (tonumber(own) or tonumber(ARGV[2])) then
        alive[#alive + 1] = nodes[index] .. ':' .. epoch
    end
end
return alive

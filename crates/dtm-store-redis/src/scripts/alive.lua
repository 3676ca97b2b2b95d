-- The nodes that are alive, as holders. Each has said itself for how long; those that have not, as long as the asker.
-- After an outage of this Redis all heartbeats are old: one says that its node is dead only if the asker has reached this
-- Redis for as long as that node may be silent.
-- KEYS: nodes. ARGV: now, node time-out, for how long the asker has reached this Redis, or nothing for always.
local now = tonumber(clock(ARGV[1]))
local nodes = redis.call('HGETALL', KEYS[1])
local alive = {}
for index = 1, #nodes, 2 do
    local epoch, heartbeat, own = string.match(nodes[index + 1], '^(%d+):(%d+):?(%d*)$')
    local span = tonumber(own) or tonumber(ARGV[2])
    if epoch and (tonumber(heartbeat) >= now - span or (ARGV[3] ~= '' and tonumber(ARGV[3]) < span)) then
        alive[#alive + 1] = nodes[index] .. ':' .. epoch
    end
end
return alive

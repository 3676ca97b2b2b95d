-- Appends branches to a prepared transaction. Answers as commit.lua does.
-- KEYS: record, branches. ARGV: owner, registered, registered afterwards, a text for each branch.
local found = redis.call('HMGET', KEYS[1], 'status', 'owner', 'holder', 'due', 'registered', 'state')
local status, owner, holder, due, registered, state = found[1], found[2], found[3], found[4], found[5], found[6]
if not (status and owner and holder and due and registered and state) then
    if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    return { status, owner, holder, due, registered, 0 }
end
local sound = framed(state, status)
if not sound or status ~= 'prepared' or owner ~= ARGV[1] or registered ~= ARGV[2] then
    return { status, owner, holder, due, registered, sound and 1 or 0 }
end
for index = 4, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[index]) end
redis.call('HSET', KEYS[1], 'registered', ARGV[3])
return 1

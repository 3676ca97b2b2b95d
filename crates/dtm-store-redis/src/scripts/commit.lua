-- Replaces the state. 1: done; 0: there is no such transaction; else what was found instead of what is expected.
-- Keys: record, due of nobody, due of the expected owner; if it goes on also: due of the new holder, holders.
-- Arguments: gid, how the head has to begin, how the new one begins, its time, state; if it goes on also: new holder.

-- It goes on: the time is when it is due.
local function commit(key, at)
    local gid, time, new, new_holder = ARGV[at], ARGV[at + 3], KEYS[key + 3], ARGV[at + 5]
    local holder, answer = expected(KEYS[key], ARGV[at + 1])
    if not holder then return answer end
    local old = holder == '' and KEYS[key + 1] or KEYS[key + 2]
    call('ZADD', new, time, gid)
    if new_holder ~= '' and new_holder ~= holder then call('SADD', KEYS[key + 4], new_holder) end
    call('HSET', KEYS[key], 'head', ARGV[at + 2] .. time, 'state', ARGV[at + 4])
    if old ~= new then call('ZREM', old, gid) end
    return 1
end

-- It ends: the time is when it did, or nothing for now.
local function finish(key, at)
    local time = ARGV[at + 3]
    local holder, answer = expected(KEYS[key], ARGV[at + 1])
    if not holder then return answer end
    if time == '' then time = clock(ARGV[1]) end
    call('ZREM', holder == '' and KEYS[key + 1] or KEYS[key + 2], ARGV[at])
    call('HSET', KEYS[key], 'head', ARGV[at + 2] .. time, 'state', ARGV[at + 4])
    return 1
end

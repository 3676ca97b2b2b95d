-- Replaces the state. 1: done; 0: there is no such transaction; else what was found instead of what is expected, and
-- whether its state is one that may be replaced.
-- Keys: record, due of nobody, due of the expected owner; if it goes on also: due of the new holder, holders.
-- Arguments: gid, old status, old owner, old holder if held, registered, status, owner, holder, state; then the due
-- time if it goes on, or when it ended, or nothing.
local function replace(key, at, goes_on)
    local record, gid, new_holder, time = KEYS[key], ARGV[at], ARGV[at + 7], ARGV[at + 9]
    local status, owner, holder, due, registered, state, answer = compared(record)
    if answer then return answer end
    local sound = framed(state, status) and (holder == '' or owner ~= ARGV[at + 2] or holder == ARGV[at + 3])
    if not sound or due == '' or status ~= ARGV[at + 1] or owner ~= ARGV[at + 2] or registered ~= ARGV[at + 4] then
        return { status, owner, holder, due, registered, sound and 1 or 0 }
    end
    local old = holder == '' and KEYS[key + 1] or KEYS[key + 2]
    if not goes_on then
        if time == '' then time = clock(ARGV[1]) end
        call('ZREM', old, gid)
        call('HSET', record, 'status', ARGV[at + 5], 'due', '', 'owner', ARGV[at + 6], 'holder', new_holder,
            'finished', time, 'state', ARGV[at + 8])
        return 1
    end
    local new = KEYS[key + 3]
    call('ZADD', new, time, gid)
    if new_holder ~= '' and new_holder ~= holder then call('SADD', KEYS[key + 4], new_holder) end
    call('HSET', record, 'status', ARGV[at + 5], 'due', time, 'owner', ARGV[at + 6], 'holder', new_holder,
        'state', ARGV[at + 8])
    if old ~= new then call('ZREM', old, gid) end
    return 1
end

local function commit(key, at) return replace(key, at, true) end

local function finish(key, at) return replace(key, at, false) end

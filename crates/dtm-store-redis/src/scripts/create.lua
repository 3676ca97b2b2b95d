-- Creates a transaction. 1: done; 0: the gid is taken.
-- Keys: record, listing, due of its holder, holders.
-- Arguments: gid, mode, status, created, due, owner, holder, definition, state.
-- Indexes come first: if Redis refuses one (memory, a key of another type), nothing has been written yet.
local function create(key, at)
    local record, listing, gid = KEYS[key], KEYS[key + 1], ARGV[at]
    local due, holder = ARGV[at + 4], ARGV[at + 6]
    if call('EXISTS', record) == 1 then return 0 end
    -- Ids grow, whatever the clock does: listings go by them.
    local id = next_id()
    if call('ZCOUNT', listing, id, '+inf') ~= 0 then
        local newest = call('ZREVRANGE', listing, 0, 0, 'WITHSCORES')[2]
        id = string.format('%.0f', tonumber(newest) + 1)
    end
    call('ZADD', listing, id, gid)
    call('ZADD', KEYS[key + 2], due, gid)
    if holder ~= '' then call('SADD', KEYS[key + 3], holder) end
    call('HSET', record, 'mode', ARGV[at + 1], 'status', ARGV[at + 2], 'created', ARGV[at + 3], 'due', due,
        'owner', ARGV[at + 5], 'holder', holder, 'registered', 0, 'definition', ARGV[at + 7], 'state', ARGV[at + 8])
    return 1
end

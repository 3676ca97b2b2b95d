-- Creates a transaction. 1: done; 0: the gid is taken.
-- Keys: record, listing, due of its holder, holders.
-- Arguments: gid, due, holder, head, kind, definition, state.
-- Indexes come first: if Redis refuses one (memory, a key of another type), nothing has been written yet.
local function create(key, at)
    local record, listing, gid, holder = KEYS[key], KEYS[key + 1], ARGV[at], ARGV[at + 2]
    if call('EXISTS', record) == 1 then return 0 end
    -- Ids grow, whatever the clock does: listings go by them.
    local id = next_id()
    if call('ZCOUNT', listing, id, '+inf') ~= 0 then
        local newest = call('ZREVRANGE', listing, 0, 0, 'WITHSCORES')[2]
        id = string.format('%.0f', tonumber(newest) + 1)
    end
    call('ZADD', listing, id, gid)
    call('ZADD', KEYS[key + 2], ARGV[at + 1], gid)
    if holder ~= '' then call('SADD', KEYS[key + 3], holder) end
    call('HSET', record, 'head', ARGV[at + 3], 'kind', ARGV[at + 4], 'definition', ARGV[at + 5], 'state', ARGV[at + 6])
    return 1
end

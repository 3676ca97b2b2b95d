-- Appends branches to a prepared transaction. Answers as a commit does.
-- Keys: record, branches.
-- Arguments: how the head has to begin, how the new one begins, how many branches, a text for each.
local function register(key, at)
    local holder, rest = expected(KEYS[key], ARGV[at])
    if not holder then return rest end
    -- the first ones: what is there was left behind by somebody who has removed another record of this gid
    if string.find(ARGV[at], '^prepared 0 ') and call('EXISTS', KEYS[key + 1]) == 1 then call('DEL', KEYS[key + 1]) end
    for index = at + 3, at + 2 + ARGV[at + 2] do call('RPUSH', KEYS[key + 1], ARGV[index]) end
    call('HSET', KEYS[key], 'head', ARGV[at + 1] .. rest)
    return 1
end

-- Appends branches to a prepared transaction. Answers as a commit does.
-- Keys: record, branches. Arguments: owner, registered, registered afterwards, how many, a text for each branch.
local function register(key, at)
    local record = KEYS[key]
    local status, owner, holder, due, registered, state, answer = compared(record)
    if answer then return answer end
    local sound = framed(state, status)
    if not sound or status ~= 'prepared' or owner ~= ARGV[at] or registered ~= ARGV[at + 1] then
        return { status, owner, holder, due, registered, sound and 1 or 0 }
    end
    for index = at + 4, at + 3 + ARGV[at + 3] do call('RPUSH', KEYS[key + 1], ARGV[index]) end
    call('HSET', record, 'registered', ARGV[at + 2])
    return 1
end

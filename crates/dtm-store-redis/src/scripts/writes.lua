-- What the functions that write share: each does one operation, on the keys from `key` on and the arguments from `at` on.
local call = redis.call

-- Microseconds since the Unix epoch, as text: another one for each creation of one call.
local last_id
local function next_id()
    if last_id then
        last_id = last_id + 1
    elseif ARGV[1] ~= '' then
        last_id = tonumber(ARGV[1]) * 1000
    else
        local time = call('TIME')
        last_id = time[1] * 1000000 + time[2]
    end
    return string.format('%.0f', last_id)
end

-- What writes are compared with. The last one is there when nothing can be compared: the answer.
local function compared(record)
    local found = call('HMGET', record, 'status', 'owner', 'holder', 'due', 'registered', 'state')
    local status, owner, holder, due, registered, state = found[1], found[2], found[3], found[4], found[5], found[6]
    if status and owner and holder and due and registered and state then
        return status, owner, holder, due, registered, state
    end
    local answer = { status, owner, holder, due, registered, 0 }
    if call('EXISTS', record) == 0 then answer = 0 end
    return status, owner, holder, due, registered, state, answer
end

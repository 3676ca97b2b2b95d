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

-- The holder of an unfinished transaction whose head begins as expected and whose state may be replaced, and how its head
-- ends. Else nothing, and the answer: 0 when there is none, or its head and whether its state is one that may be replaced.
local function expected(record, front)
    local found = call('HMGET', record, 'head', 'state')
    local head, state = found[1], found[2]
    local found_front, status, holder = parts(head)
    local sound = found_front and state and framed(state, status)
    if sound and found_front == front and not ended(status) then return holder, string.sub(head, #front + 1) end
    if not head and not state and call('EXISTS', record) == 0 then return nil, 0 end
    return nil, { head, sound and 1 or 0 }
end

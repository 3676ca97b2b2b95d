-- What other scripts begin with.

-- Milliseconds since the Unix epoch, as text: the clock of this Redis, unless a test gives another.
local function clock(given)
    if given ~= '' then return given end
    local time = redis.call('TIME')
    return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
end

-- Whether a state is one that may be replaced: not cut off, of this version, and of the status that the record has.
local function framed(state, status)
    local frame = '{"v":1,"status":"' .. status .. '",'
    return string.sub(state, 1, #frame) == frame and string.sub(state, -1) == '}'
end

-- The parts of a head, `STATUS BRANCHES OWNER held TIME` or `... free TIME`: what is before `held`, the status, the holder
-- or an empty text, the time. Nothing when it is none.
local function parts(head)
    local _, _, front, status, holder, held, time =
        string.find(head or '', '^((%l+) %d+ ([^:]+:%d+):%d+) (%l+) (%d+)$')
    if held == 'free' then return front, status, '', time end
    if held == 'held' then return front, status, holder, time end
end

-- Whether a status is one of a transaction that has ended.
local function ended(status) return status == 'succeed' or status == 'failed' end

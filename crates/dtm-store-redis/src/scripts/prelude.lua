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

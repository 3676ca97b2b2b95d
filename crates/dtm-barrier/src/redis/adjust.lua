-- Changes an amount behind the barrier.
--
-- KEYS[1] the amount
-- KEYS[2] the row of this call
-- KEYS[3] the row of what this call undoes; absent when it undoes nothing
-- ARGV[1] how much is added; negative to take away
-- ARGV[2] the value of a row of this transaction
-- ARGV[3] for how many seconds a row is kept
--
-- Returns one of
--   RAN       the amount was changed
--   NOTHING   there is nothing to undo, and what would have to be undone is kept out from now on
--   LACK      the amount is not there, or smaller than what is taken; nothing was changed
--   else      the value of the row that is there already; nothing was changed

-- The duplicate comes before the amount: what was taken once may have left too little for the same again.
local own = redis.call('GET', KEYS[2])
if own then
    return own
end

local undoes = KEYS[3] ~= nil
if undoes then
    local origin = redis.call('GET', KEYS[3])
    if not origin or origin == 'rollback' then
        redis.call('SET', KEYS[3], 'rollback', 'EX', ARGV[3])
        redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
        return 'NOTHING'
    end
    -- 'op' is what Go's SDK writes
    if origin ~= 'op' and origin ~= ARGV[2] then
        return origin
    end
elseif redis.call('EXISTS', KEYS[1]) == 0 then
    return 'LACK'
end

-- An amount that is no number ends the script here, before anything is changed.
local amount = redis.call('INCRBY', KEYS[1], ARGV[1])

-- Only who takes can lack something, and never who undoes.
local lacks = not undoes and amount < 0 and string.sub(ARGV[1], 1, 1) == '-'
local kept = lacks or redis.pcall('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
if lacks or kept.err then
    redis.call('DECRBY', KEYS[1], ARGV[1])
    return lacks and 'LACK' or kept
end
return 'RAN'

-- A transaction with its branches, as of one moment; nothing when there is none.
-- KEYS: record, branches.
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local record = redis.call('HMGET', KEYS[1], 'head', 'definition', 'state')
return { record, redis.call('LRANGE', KEYS[2], 0, -1) }

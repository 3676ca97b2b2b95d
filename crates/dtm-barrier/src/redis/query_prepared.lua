-- Asks whether the local transaction of a message has run, and keeps it out if it has not.
--
-- KEYS[1] the row of the local transaction
-- ARGV[1] for how many seconds a row is kept
--
-- Returns the value of the row.
local own = redis.call('GET', KEYS[1])
if own then
    return own
end
redis.call('SET', KEYS[1], 'rollback', 'EX', ARGV[1])
return 'rollback'

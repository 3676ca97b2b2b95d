-- The time.
-- ARGV: now.
return clock(ARGV[1])

-- Whether one script may name keys of several slots.
-- KEYS: one of each.
return 1

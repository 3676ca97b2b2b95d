-- Does several operations, one after the other. Each has its own answer: what one of them is refused, by its conditions
-- or by Redis, is nothing to the others.
-- KEYS: those of each. ARGV: the time or nothing; then for each its name and its arguments.
local operations = {
    create = { run = create, keys = 4, arguments = 7 },
    commit = { run = commit, keys = 5, arguments = 6 },
    finish = { run = finish, keys = 3, arguments = 5 },
    register = { run = register, keys = 2, arguments = 3, list = 3 },
}
local answers, number, key, at = {}, 0, 1, 2
while ARGV[at] do
    local operation = operations[ARGV[at]]
    local done, answer = pcall(operation.run, key, at + 1)
    if not done and type(answer) ~= 'table' then answer = { err = tostring(answer) } end
    number = number + 1
    answers[number] = answer
    key = key + operation.keys
    at = at + 1 + operation.arguments + (operation.list and ARGV[at + operation.list] or 0)
end
return answers

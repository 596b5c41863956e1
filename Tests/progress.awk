# What `make test` prints of the output of `swift test`: a line for every tenth suite, what fails in full, the summary.
# Each line is sent at once, through a pipe too.

function say(text) { print text; fflush() }

/^(.\[[0-9;]*m)*[^ -~]+ *Suite .* passed after/ {
  if (++passed % 10 == 0) say("  " passed " suites passed")
  next
}

# What starts or passes may have words such as "error:" in its name.
/^(.\[[0-9;]*m)*◇/ { next }
/^(.\[[0-9;]*m)*✔/ && !/Test run with/ { next }

# Issues, failed tests and suites, and whatever ends the run from outside.
/recorded an issue|Suite .* failed|Test .* failed|Test run with|[Ee]rror:|[Ff]atal|[Ss]ignal|^ *↳/ { say($0); next }

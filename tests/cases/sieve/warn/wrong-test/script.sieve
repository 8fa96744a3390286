# Found by fuzzing: a test whose arguments are wrong is not held against others.
if exists "subject" { stop; }
if header { discard; }
if header "subject" { discard; }
if anyof (header 1 2, not header :is "a") { discard; }

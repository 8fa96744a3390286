# Issue 3: the trace shows each test with the values that it compared.
if anyof (header :is "subject" "no", header :contains "subject" "world") { redirect "a@example.com"; }

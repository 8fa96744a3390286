# Issue 3: tests that deny each other, and what no message can be.
if allof (header :is "subject" "a", not header :contains "subject" "a") { discard; }
if anyof (exists "x-a", not exists ["x-a", "x-b"]) { keep; }
if anyof (not exists "x-b", exists ["x-a", "x-b"]) { discard; }
if size :under 0 { discard; }
if allof (size :over 10K, size :under 20K) { discard; }
if allof (not header :is "subject" "a", header :contains "subject" "a") { discard; }

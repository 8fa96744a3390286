# Issue 3: allof is narrower than each of its tests, anyof wider, and not turns it round.
if anyof (header :contains "subject" "a", size :over 10K) { keep; stop; }
if size :over 20K { discard; }
if allof (size :over 1K, header :contains "subject" "ab") { discard; }
if anyof (size :over 1M, header :is "subject" "a") { discard; }
if anyof (size :over 1M, header :is "subject" "b") { discard; }
if not exists "x-a" { keep; stop; }
if not exists ["x-a"] { discard; }
if not exists ["x-a", "x-b"] { discard; }

# Issue 3: what an earlier rule with more headers and more keys catches, a later one never sees.
if header :contains ["from", "to", "cc"] ["list", "news"] { keep; stop; }
if header :contains "To" "news" { discard; }
if header :contains "cc" ["news", "other"] { discard; }

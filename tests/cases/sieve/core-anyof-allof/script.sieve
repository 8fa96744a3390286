# RFC 5228 5.2, 5.3: logical and, logical or.
if anyof (header :is "subject" "no", header :is "subject" "hello world") { redirect "a@example.com"; }
if allof (header :is "subject" "no", header :is "subject" "hello world") { discard; }
if allof (exists "to", exists "from") { redirect "b@example.com"; }

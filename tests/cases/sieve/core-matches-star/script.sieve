# RFC 5228 2.7.1: * stands for any number of characters.
if header :matches "subject" "*world" { redirect "a@example.com"; }
if header :matches "subject" "hello*world" { redirect "b@example.com"; }
if header :matches "subject" "hello*worl" { discard; }
if header :matches "subject" "*" { redirect "c@example.com"; }

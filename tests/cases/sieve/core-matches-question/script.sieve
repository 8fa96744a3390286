# RFC 5228 2.7.1: ? stands for exactly one character.
if header :matches "x-number" "??" { redirect "a@example.com"; }
if header :matches "x-number" "???" { discard; }
if header :matches "x-number" "?" { discard; }

# RFC 5228 2.4.2.2: :list changes nothing in what is told of a field's name that cannot be.
require "extlists";
if header :list "sub ject" "known" { discard; }

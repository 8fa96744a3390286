# Issue 3: a field with a value exists; two of which both must be there are rarer than one of them.
if exists "x-spam" { keep; stop; }
if header :is "X-Spam" "yes" { discard; }
if exists ["x-spam", "x-other"] { discard; }
if header :is ["x-spam", "x-other"] "yes" { discard; }

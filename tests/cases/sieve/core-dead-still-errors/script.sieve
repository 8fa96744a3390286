# Issue 11.7: only what is certain not to run is excused: behind stop, before the deciding test, and elsewhere it is an error.
if allof (unknowntest "x", false) { discard; }
if false { fileinto "a"; } else { fileinto "b"; }
if anyof (header "subject" "x", false) { othercommand; }
if false { keep; } elsif false { require "fileinto"; } else { lastcommand; }
stop;
unreachedcommand;

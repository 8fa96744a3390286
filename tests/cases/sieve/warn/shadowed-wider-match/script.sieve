# Issue 3: :is is within :contains, and both within :matches with stars; no key says more than "*".
if header :contains "subject" "sale" { keep; stop; }
if header :is "subject" "SALE today" { discard; }
if header :matches "subject" "*the sale*of ?" { discard; }
if header :is "subject" "sal" { discard; }
if header :matches "from" "*" { keep; stop; }
if header :contains "from" "x" { discard; }
if header :matches "to" "a*@b" { keep; stop; }
if header :is "to" "anna@b" { discard; }
if header :is "to" "anna@c" { discard; }

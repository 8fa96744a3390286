# Issue 3: all errors in one run, none because of another.
kep;
if header :contain "subject" "x" { keep; }
if heder :contains "subject" "x" { keep; }
redirect 5;
keep "x";
fileinto "x";
elsif true { keep; }
if allof true { keep; }

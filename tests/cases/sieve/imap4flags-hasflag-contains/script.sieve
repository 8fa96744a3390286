# RFC 5232 4: the second example.
require ["imap4flags", "variables"];
set "MyVar" "NonJunk Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk";
if not hasflag :contains "MyVar" "Junk" { discard; }
if not hasflag :contains "MyVar" "forward" { discard; }
if not hasflag :contains "MyVar" ["label", "forward"] { discard; }
if not hasflag :contains "MyVar" ["junk", "forward"] { discard; }
if not hasflag :contains "MyVar" "junk forward" { discard; }
if not hasflag :contains "MyVar" "forward junk" { discard; }
if hasflag :contains "MyVar" "label" { discard; }
if hasflag :contains "MyVar" ["label1", "label2"] { discard; }

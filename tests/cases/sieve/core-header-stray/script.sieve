# A line that is not a field does not hide the fields below it; what no field follows is body.
require ["fileinto", "body"];
if header "x-below" "yes" { fileinto "below"; }
if header "x-far" "yes" { fileinto "far"; }
if body :raw :contains "hello" { fileinto "body"; }

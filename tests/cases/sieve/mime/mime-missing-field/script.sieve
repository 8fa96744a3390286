# A part without Content-Type has no value to compare (READINGS).
require ["mime", "fileinto"];
if header :mime :type "content-type" "text" { fileinto "yes"; }

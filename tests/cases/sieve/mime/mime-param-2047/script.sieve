# Encoded words in a parameter, as many programs write them.
require ["mime", "fileinto"];
if header :mime :param "filename" "content-disposition" "grüße.txt" { fileinto "yes"; }

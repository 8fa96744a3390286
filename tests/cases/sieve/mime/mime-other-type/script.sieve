# RFC 5703 4.1: other fields are blank for :type.
require ["mime", "fileinto"];
if header :mime :type "subject" "" { fileinto "yes"; }

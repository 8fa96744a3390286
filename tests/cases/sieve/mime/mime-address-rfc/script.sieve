# RFC 5703 4.2: its example: an address in a field of a part, whatever its name.
require ["mime", "fileinto"];
if address :mime :is :all "content-from" "tim@example.com" { fileinto "yes"; }

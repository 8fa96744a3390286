# RFC 3894 3: :copy has no effect on what other actions cancel.
require ["copy", "fileinto"];
fileinto :copy "incoming"; discard;

# RFC 3894 3: :copy leaves the implicit keep in force.
require ["copy", "fileinto"];
fileinto :copy "incoming";

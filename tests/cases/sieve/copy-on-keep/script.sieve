# RFC 3894 3: only on fileinto and redirect.
require "copy";
keep :copy;

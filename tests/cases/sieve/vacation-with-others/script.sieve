# RFC 5230 4.7: with discard, keep, fileinto and redirect it is no error.
require ["vacation", "fileinto"];
vacation :handle "h" "t"; discard; keep; fileinto "x"; redirect "a@example.com";

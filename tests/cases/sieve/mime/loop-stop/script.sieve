# RFC 5228 3.3: stop ends all.
require ["foreverypart", "mime", "fileinto", "variables"];
foreverypart { fileinto "once"; stop; }
fileinto "never";

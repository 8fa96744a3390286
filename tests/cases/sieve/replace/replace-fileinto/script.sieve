# RFC 5703 5: later actions have the new message.
require ["foreverypart", "mime", "replace", "fileinto"];
foreverypart { if header :mime :contenttype :is "Content-Type" "application/exe" { replace "Executable attachment removed by user filter"; } }
fileinto "a";

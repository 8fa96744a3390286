# RFC 5703 4.1: parameters of either field, in any part.
require ["mime", "fileinto"];
if header :mime :anychild :param "filename" :matches ["Content-Type", "Content-Disposition"] "*.com" { fileinto "yes"; }

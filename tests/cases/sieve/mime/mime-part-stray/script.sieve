# A fold that lost its blank hides nothing below it: programs that read mail go on, too.
require ["mime", "foreverypart", "fileinto"];
foreverypart {
  if header :mime :param "filename" :matches "content-disposition" "*.exe" { fileinto "exe"; }
}

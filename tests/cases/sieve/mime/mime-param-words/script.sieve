# A name in several encoded words, one in both forms of RFC 2231 and without, in either order: nothing hides behind another.
require ["mime", "foreverypart", "fileinto", "variables"];
foreverypart {
  if header :mime :param ["filename", "name"] :matches ["content-disposition", "content-type"] "*.exe" {
    if header :mime :matches "content-id" "*" { set "id" "${1}"; }
    fileinto "exe-${id}";
  }
}
